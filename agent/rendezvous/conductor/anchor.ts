import type { Trait } from '../../base/nat-profile.ts';
import type { Method } from '../../base/outcome.ts';
import { ms } from '../../base/time.ts';
import type { Muzzle, Shot } from '../../base/volley.ts';
import { countingOf, readBurst } from '../../punch/brackets.ts';
import { readingOf } from '../../punch/prospect.ts';
import { isRefused, type Role, type Round, type Script, type Stage } from './stage.ts';

/** The side whose port is known: from where it fires, and what the other has to knock at. */
export interface Anchor {
  readonly muzzle: Muzzle;
  readonly ip: string;
  /** One for each socket of the other side, or one for all. */
  readonly ports: readonly number[];
  /** Each of its sockets meets only one port: the first it writes to. */
  readonly once: boolean;
}

/** Sockets that a bracket is tried with at once. */
export const SOCKETS = 3;
/** Probes of one tick come in so close together; a bracket that is whole does not wait longer for the others. */
const GRACE = ms(15);
/**
 * Where the known side's NAT may give its port away to what comes first, the datagram that opens the hard side's NAT must
 * die on the way: behind two NATs and in the provider's network, but not at the other end. 0 is the usual life.
 */
export const TTLS: Readonly<Record<Trait, readonly number[]>> = { no: [0], unknown: [2, 5, 0], yes: [2, 3, 5] };

/** Finds a port of the known side that the other can knock at; undefined when it does not answer. */
export function* anchored(stage: Stage, easy: Role, hard: Role): Script<Anchor | undefined> {
  const { address, profile } = stage.parties[easy];
  switch (readingOf(profile)) {
    case 'first':
      return yield* freshly(stage, easy);
    case 'address':
      return yield* bracketed(stage, easy, hard);
    case 'stable':
    case 'stepping':
    case 'spread':
    case 'block':
    case 'random':
      return { muzzle: { kind: 'main' }, ip: address.ip, ports: [address.port], once: false };
  }
}

/** Sockets that have not written to anybody: their first datagram keeps the port they are bound to. */
function* freshly(stage: Stage, easy: Role): Script<Anchor | undefined> {
  const from = { kind: 'fresh', sockets: SOCKETS } as const;
  const round = stage.fire(easy, { method: 'bracket', from, ips: [], shots: [] });
  yield* stage.wait(stage.patience(easy), () => round.misfire !== undefined);
  if (round.localPorts.length === 0) return undefined;
  const muzzle = { kind: 'round', round: round.plan.round } as const;
  return { muzzle, ip: stage.parties[easy].address.ip, ports: round.localPorts, once: true };
}

/** A socket whose one port for the other's address a bracket has shown. */
function* bracketed(stage: Stage, easy: Role, hard: Role): Script<Anchor | undefined> {
  const { ip, port } = stage.parties[hard].address;
  const aim = { muzzle: { kind: 'main' }, ip, ports: [port], once: false } as const;
  const [round] = fireBrackets(stage, easy, aim, 'no');
  if (round === undefined) return undefined;
  yield* sighted(stage, easy, [round], () => candidates(stage, easy, round).some((ports) => ports.length === 1));
  const read = candidates(stage, easy, round);
  const narrowest = Math.min(...read.map((ports) => ports.length || Infinity));
  const best = read.findIndex((ports) => ports.length === narrowest);
  const [found] = read[best] ?? [];
  if (found === undefined) return undefined;
  const own = stage.burst(round).ip ?? stage.parties[easy].address.ip;
  return { muzzle: { kind: 'round', round: round.plan.round }, ip: own, ports: [found], once: false };
}

/** Brackets of one side around knocks at the other's anchor: one volley, or one for each time to live. */
export function fireBrackets(
  stage: Stage,
  hard: Role,
  anchor: Anchor,
  poison: Trait,
  method: Method = 'bracket',
): readonly Round[] {
  const ttls = anchor.muzzle.kind === 'main' ? TTLS[poison] : TTLS.no;
  const sockets = SOCKETS / ttls.length;
  return ttls.map((ttl, n) => {
    const from = { kind: 'fresh', sockets } as const;
    const ports = Array.from({ length: sockets }, (_, i) => anchor.ports[(n * sockets + i) % anchor.ports.length] ?? 0);
    const shots = bracketShots(stage, hard, ports);
    return stage.fire(hard, { method, from, ips: [anchor.ip], shots, ttl });
  });
}

/** Probes around a knock; as many on each side as there are counters, for each should be met. */
function bracketShots(stage: Stage, hard: Role, ports: readonly number[]): readonly Shot[] {
  const { profile } = stage.parties[hard];
  const wide = Math.max(1, Math.min(countingOf(profile).counters, Math.floor(stage.observers.length / 2)));
  const probes = stage.observers.slice(0, 2 * wide).map((observer): Shot => ({ kind: 'probe', by: 0, observer }));
  const same = new Set(ports).size === 1;
  const knocks = same
    ? [{ kind: 'knock', by: 0, ip: 0, ports: ports.slice(0, 1) } as const]
    : ports.map((port, i): Shot => ({ kind: 'knock', by: i + 1, ip: 0, ports: [port] }));
  // Its first datagram decides: it must go to the peer.
  if (readingOf(profile) === 'first') return [...knocks, ...probes.slice(0, 1)];
  return [...probes.slice(0, wide), ...knocks, ...probes.slice(wide)];
}

/** Waits for the probes of these rounds: for all, or a little longer than until something can be read. */
export function* sighted(stage: Stage, role: Role, rounds: readonly Round[], readable: () => boolean): Script<void> {
  const whole = (): boolean => rounds.every((round) => isWhole(stage, round));
  const refused = (): boolean => rounds.every(isRefused);
  yield* stage.wait(stage.patience(role), () => whole() || refused() || readable());
  yield* stage.wait(GRACE, () => whole() || refused());
}

/** Every probe of the round was seen. */
export function isWhole(stage: Stage, round: Round): boolean {
  const { ports, knocks } = stage.burst(round);
  return round.sights.size >= ports.length - knocks.length;
}

/** Ports of each knock of a round, in the order of the sockets that sent them. */
export function candidates(stage: Stage, role: Role, round: Round): readonly (readonly number[])[] {
  const { profile } = stage.parties[role];
  const { ports, knocks } = stage.burst(round);
  if (readingOf(profile) === 'first') return knocks.map(({ socket }) => ownPort(round, socket));
  if (readingOf(profile) === 'stable') return knocks.map(({ socket }) => seenPort(round, socket));
  const read = readBurst(ports, countingOf(profile));
  return knocks.map(({ place }) => read[place] ?? []);
}

/** One port for everybody, so any probe of that socket shows it. */
function seenPort({ sights }: Round, socket: number): readonly number[] {
  const sight = [...sights.values()].find((one) => one.socket === socket);
  return sight === undefined ? [] : [sight.external.port];
}

/** The port a fresh socket is bound to: it told us, or its probe did. */
export function ownPort({ localPorts, sights }: Round, socket: number): readonly number[] {
  const port = localPorts[socket - 1] ?? [...sights.values()].find((sight) => sight.socket === socket)?.localPort;
  return port === undefined ? [] : [port];
}
