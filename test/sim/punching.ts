import { type Address, sameAddress } from '../../agent/base/address.ts';
import { Reader } from '../../agent/base/bytes.ts';
import type { Machine } from '../../agent/base/machine.ts';
import { type NatProfile, UNKNOWN } from '../../agent/base/nat-profile.ts';
import type { NetEffect, NetInput } from '../../agent/base/net.ts';
import { after, earliest, type Instant, ms } from '../../agent/base/time.ts';
import { candidatesOf, plan } from '../../agent/punch/plan.ts';
import type { Punch, PunchEffect } from '../../agent/punch/punch.ts';
import { type KindName, NAT_KINDS } from '../../agent/sim/kinds.ts';
import type { Household, World } from '../../agent/sim/world.ts';
import { lone } from '../punch/lone.ts';
import { introducing } from './introducing.ts';

type Reached = PunchEffect & { readonly kind: 'reached' };

/** What a datagram says in place of a handshake: I am here; I have heard you; we have both heard. */
const [HERE, HEARD, DONE] = [3, 4, 5];
const REGISTER = Uint8Array.of(1);
const REGISTER_AGAIN = ms(250);
const LAN = { ip: '192.168.1.0', prefix: 24 };

/** A household that does nothing but get through to one other: the punch of the product with bytes for keys. */
class Puncher implements Machine<NetInput, NetEffect | Reached> {
  readonly #server: Address;
  readonly #mine: NatProfile;
  readonly #theirs: NatProfile;
  readonly #initiator: boolean;
  #register: Instant;
  #punch: Punch | undefined;
  #opened = false;
  #heard = false;
  #reached = false;

  constructor(options: { server: Address; mine: NatProfile; theirs: NatProfile; initiator: boolean; start: Instant }) {
    this.#server = options.server;
    this.#mine = options.mine;
    this.#theirs = options.theirs;
    this.#initiator = options.initiator;
    this.#register = options.start;
  }

  step(input: NetInput, now: Instant): readonly (NetEffect | Reached)[] {
    switch (input.kind) {
      case 'failed':
        throw new Error(input.reason);
      case 'opened':
        return [];
      case 'tick':
        if (this.#punch !== undefined) return this.#carryOut(this.#punch.step(input, now));
        this.#register = after(now, REGISTER_AGAIN);
        return [...this.#opening(), send(this.#server, REGISTER)];
      case 'datagram':
        if (!sameAddress(input.from, this.#server)) return this.#hear(input, now);
        return this.#punch === undefined ? this.#introduced(input.bytes, now) : [];
    }
  }

  wake(): Instant | undefined {
    return this.#punch === undefined ? this.#register : earliest(undefined, this.#punch.wake());
  }

  #opening(): readonly NetEffect[] {
    if (this.#opened) return [];
    this.#opened = true;
    return [{ kind: 'open', socket: 0, ip: '0.0.0.0', port: 0 }];
  }

  #introduced(bytes: Uint8Array, now: Instant): readonly (NetEffect | Reached)[] {
    const ground = { networks: [LAN], rendezvous: [this.#server] };
    const peer = new Reader(bytes).address();
    const candidates = candidatesOf(peer === undefined ? [] : [{ ...peer, opening: 'none' }], ground);
    const made = plan(this.#mine, this.#theirs, candidates, this.#initiator, false);
    this.#punch = lone({ plan: made, ground });
    return this.#carryOut(this.#punch.step({ kind: 'start' }, now));
  }

  #hear({ from, socket, bytes }: NetInput & { kind: 'datagram' }, now: Instant): readonly (NetEffect | Reached)[] {
    this.#heard = true;
    // Whoever is through tells it once more to one who does not know it yet.
    if (this.#reached) return bytes[0] === DONE ? [] : [send(from, Uint8Array.of(DONE))];
    const effects = [...(this.#punch?.step({ kind: 'heard', from, socket }, now) ?? [])];
    if (bytes[0] !== HERE) effects.push(...(this.#punch?.step({ kind: 'answered', from, socket }, now) ?? []));
    return this.#carryOut(effects);
  }

  #carryOut(effects: readonly PunchEffect[]): readonly (NetEffect | Reached)[] {
    return effects.flatMap((effect): (NetEffect | Reached)[] => {
      switch (effect.kind) {
        case 'knock':
          return [send(effect.to, Uint8Array.of(this.#heard ? HEARD : HERE), effect.ttl)];
        case 'reached':
          this.#reached = true;
          return [effect];
        case 'failed':
        case 'gave-up':
        case 'open':
        case 'close':
        case 'probe-shot':
        case 'fired':
        case 'read-table':
          return [];
      }
    });
  }
}

function send(to: Address, bytes: Uint8Array, ttl?: number): NetEffect {
  return ttl === undefined ? { kind: 'send', socket: 0, to, bytes } : { kind: 'send', socket: 0, to, bytes, ttl };
}

/** What a perfect observer would say of a household of this kind. */
export function profileOf(kind: KindName, { host, boxes }: Household): NatProfile {
  const outermost = boxes.at(-1);
  const external = outermost !== undefined && 'ips' in outermost ? outermost.ips : host.ips;
  return { ...UNKNOWN, ...NAT_KINDS[kind].truth, confidence: 1, external };
}

/**
 * One attempt with the product's own punch between two fresh households of these kinds; how long it took from the
 * first datagram until both were through, or undefined within the patience.
 */
export function punch(
  world: World,
  kinds: readonly [KindName, KindName],
  houses: readonly [Household, Household],
  patience = ms(2500),
): number | undefined {
  const server = introducing(world.host({ name: 'server' }));
  const profiles = houses.map((house, i) => profileOf(kinds[i === 0 ? 0 : 1], house)) as [NatProfile, NatProfile];
  const start = world.now;
  let reached = 0;
  const drives = houses.map(({ host }, i) => {
    const [mine, theirs] = i === 0 ? profiles : profiles.toReversed();
    if (mine === undefined || theirs === undefined) throw new Error('two households');
    const machine = new Puncher({ server, mine, theirs, initiator: i === 0, start: host.now() });
    return host.run<NetInput, Reached>(machine, () => reached++);
  });
  const through = world.runUntil(() => reached === 2, after(start, patience));
  for (const drive of drives) drive.stop();
  return through ? world.now - start : undefined;
}
