import { after, at, type Instant, ms, seconds, since } from '../base/time.ts';
import type { EndpointOptions } from '../house/endpoint.ts';
import { Household, type HouseholdEffect, type HouseholdInput } from '../house/household.ts';
import { Ping, type PingEffect, type PingInput } from '../house/ping.ts';
import type { FilmedNat, PunchFilm, PunchMark, PunchStep } from '../io/demo-state.ts';
import { Rendezvous, type RendezvousEvent } from '../rendezvous/server.ts';
import type { Cipher } from '../seal/cipher.ts';
import type { Note } from '../sim/ground.ts';
import type { Host } from '../sim/host.ts';
import { type KindName, NAT_KINDS } from '../sim/kinds.ts';
import { type Household as Home, World } from '../sim/world.ts';

/** As `hearth ping` waits by default. */
const PATIENCE = seconds(20);
/** Both households have been on for so long when the clock of the film begins. */
const WARM_UP = seconds(3);
/** What comes after the contact is only data. */
const AFTERWARDS = ms(150);
const MARKS_MOST = 4000;
const ADDRESSES = ['198.51.100.1', '198.51.100.2'];

export interface FilmOptions {
  readonly cipher: Cipher;
  readonly asks: KindName;
  readonly listens: KindName;
  readonly seed: number;
}

/**
 * One `hearth ping` between two households of these kinds, run to its end on the virtual clock with the machines of the
 * product, as a film: what each NAT mapped, let in and refused, and what was said about it.
 */
export function filmPunch({ cipher, asks, listens, seed }: FilmOptions): PunchFilm {
  const world = new World({ seed });
  const identity = cipher.pair();
  const server = world.host({ name: 'rendezvous', ips: ADDRESSES });
  const listen = Array.from({ length: 16 }, (_, i) => ({ ip: ADDRESSES[i % 2] ?? '', port: 3478 + (i >> 1) }));
  const steps: PunchStep[] = [];
  let begin: Instant | undefined;
  const tell = (who: PunchStep['who'], what: string, fields: PunchStep['fields']): void => {
    if (begin !== undefined) steps.push({ atMs: since(begin, world.now), who, what, fields });
  };
  const shared = { cipher, networkSecret: new Uint8Array(0), suites: ['aes-128-gcm'] as const };
  const rendezvous = new Rendezvous({ ...shared, random: world.random(), identity, listen, now: server.now() });
  server.run<never, RendezvousEvent>(rendezvous, ({ name, fields }) => tell('rendezvous', name, fields));
  const endpoint = (host: Host): Omit<EndpointOptions, 'role' | 'children'> => ({
    ...shared,
    random: world.random(),
    identity: cipher.pair(),
    servers: [{ address: { ip: ADDRESSES[0] ?? '', port: 3478 }, key: identity.publicKey }],
    firstByte: 'any',
    local: { ip: '0.0.0.0', port: 0 },
    networks: [{ ip: host.ip, prefix: 24 }],
    punch: 'full',
  });
  const line = { delay: ms(10), jitter: ms(2) };
  const here = world.household(asks, { name: 'asks', access: line });
  const there = world.household(listens, { name: 'listens', access: line });
  const place = endpoint(there.host);
  const household = new Household({
    ...place,
    role: 'agent',
    children: 2,
    channels: [],
    ringSpan: seconds(8),
    ringBytes: 2 ** 20,
    hold: ms(1000),
  });
  there.host.run<HouseholdInput, HouseholdEffect>(household).give({ kind: 'start' });
  world.run(at(WARM_UP));

  const marks: PunchMark[] = [];
  const node = place.identity.publicKey;
  const ping = new Ping({ ...endpoint(here.host), role: 'ping', children: 0, node, patience: PATIENCE });
  let line_: string | undefined;
  const drive = here.host.run<PingInput, PingEffect>(ping, (effect, now) => {
    if (effect.kind === 'result') line_ = effect.line;
    if (effect.kind !== 'event') return;
    // The clock of the film is that of `hearth ping`: it begins when the introduction is asked for.
    if (effect.name === 'classified') begin = now;
    tell('asks', effect.name, effect.fields);
  });
  world.journal = (note) => {
    if (begin === undefined || marks.length >= MARKS_MOST) return;
    for (const mark of marksOf(note, since(begin, note.at), here, there)) marks.push(mark);
  };
  drive.give({ kind: 'start' });
  world.runUntil(() => line_ !== undefined, at(WARM_UP + PATIENCE + seconds(10)));
  const endMs = begin === undefined ? 0 : since(begin, world.now);
  world.run(after(world.now, AFTERWARDS));
  return {
    seed,
    asks: natOf(asks, ping.endpoint.profile),
    listens: natOf(listens, household.endpoint.profile),
    result: line_ ?? 'not connected: timeout',
    endMs,
    marks,
    steps,
  };
}

function natOf(kind: KindName, { kind: found, step, ports, confidence }: Ping['endpoint']['profile']): FilmedNat {
  return { kind, words: NAT_KINDS[kind].words, found, step, ports: ports ?? null, confidence };
}

/** What one line of the journal says of the two NATs: a datagram that is refused by one was sent through the other. */
function marksOf(note: Note, atMs: number, here: Home, there: Home): PunchMark[] {
  const marks: PunchMark[] = [];
  const sides = [
    { nat: 'asks', home: here, other: there },
    { nat: 'listens', home: there, other: here },
  ] as const;
  for (const { nat, home, other } of sides) {
    const outermost = home.boxes.at(-1)?.name ?? home.host.name;
    const toPeer = outsideOf(other).includes(ipOf(note.to));
    const fromPeer = outsideOf(other).includes(ipOf(note.from));
    if (note.where === outermost && note.what === 'mapped') {
      marks.push({ atMs, nat, port: portOf(note.from), what: toPeer ? 'opened' : 'probed' });
    }
    if (note.where === outermost && fromPeer) {
      const inside = note.what === 'admitted' || note.what === 'delivered';
      if (inside) marks.push({ atMs, nat, port: portOf(note.to), what: 'admitted' });
      if (note.what === 'filter') marks.push({ atMs, nat, port: portOf(note.to), what: 'refused' });
    }
    if (note.where === 'rendezvous' && note.what === 'delivered' && outsideOf(home).includes(ipOf(note.from))) {
      marks.push({ atMs, nat, port: portOf(note.from), what: 'seen' });
    }
  }
  return marks;
}

function outsideOf({ boxes, host }: Home): readonly string[] {
  const outermost = boxes.at(-1);
  return outermost !== undefined && 'ips' in outermost ? outermost.ips : [host.ip];
}

function ipOf(text: string): string {
  return text.slice(0, text.lastIndexOf(':'));
}

function portOf(text: string): number {
  return Number(text.slice(text.lastIndexOf(':') + 1));
}
