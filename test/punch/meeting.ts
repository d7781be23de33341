import { type Address, sameAddress } from '../../agent/base/address.ts';
import { Reader, Writer } from '../../agent/base/bytes.ts';
import type { Machine } from '../../agent/base/machine.ts';
import type { NatProfile } from '../../agent/base/nat-profile.ts';
import type { NetEffect, NetInput } from '../../agent/base/net.ts';
import { after, at, earliest, type Instant, type Millis, ms } from '../../agent/base/time.ts';
import { candidatesOf, plan } from '../../agent/punch/plan.ts';
import { Punch, type PunchEffect } from '../../agent/punch/punch.ts';
import type { Ground } from '../../agent/punch/target.ts';
import { type KindName, NAT_KINDS } from '../../agent/sim/kinds.ts';
import type { AccessShape } from '../../agent/sim/link.ts';
import { Nat, type NatShape } from '../../agent/sim/nat.ts';
import { type Household, World } from '../../agent/sim/world.ts';

/*
 * The handshake between two households in its bare roles, one byte each: who asked for the introduction greets,
 * the other one knocks until it is greeted and then agrees; data proves to it that its agreement came through.
 */
const [REGISTER, REGISTERED, KNOCK, GREET, AGREE, DATA, ACK] = [1, 2, 3, 4, 5, 6, 7];
const REPEAT = ms(100);
const MAIN = 0;
const LAN_PREFIX = 24;

interface Enter {
  readonly kind: 'enter';
}
interface Introduced {
  readonly kind: 'introduced';
  readonly initiator: boolean;
  readonly mine: NatProfile;
  readonly theirs: NatProfile;
  readonly addresses: readonly Address[];
  readonly startIn: Millis;
}
interface Ready {
  readonly kind: 'ready';
  readonly observed: Address;
  readonly internal: Address;
}
type Other = Ready | Exclude<PunchEffect, { kind: 'knock' }>;

/** A household reduced to registering and punching, with Punch as it ships. */
class Party implements Machine<NetInput | Enter | Introduced, NetEffect | Other> {
  readonly #server: Address;
  readonly #ip: string;
  #local: Address = { ip: '', port: 0 };
  #punch: Punch | undefined;
  #initiator = false;
  #greeted = false;
  #path: Address | undefined;
  #repeatAt: Instant | undefined;

  constructor(server: Address, ip: string) {
    this.#server = server;
    this.#ip = ip;
  }

  get sent(): number {
    return this.#punch?.sent ?? 0;
  }

  step(input: NetInput | Enter | Introduced, now: Instant): readonly (NetEffect | Other)[] {
    switch (input.kind) {
      case 'enter':
        return [{ kind: 'open', socket: MAIN, ip: '0.0.0.0', port: 0 }];
      case 'opened':
        this.#local = { ip: this.#ip, port: input.local.port };
        this.#repeatAt = after(now, REPEAT);
        return [send(this.#server, REGISTER)];
      case 'failed':
        throw new Error(input.reason);
      case 'introduced':
        return this.#introduced(input, now);
      case 'datagram':
        return this.#datagram(input.from, input.bytes, now);
      case 'tick':
        return this.#tick(now);
    }
  }

  wake(): Instant | undefined {
    return earliest(this.#repeatAt, this.#punch?.wake());
  }

  #introduced({ initiator, mine, theirs, addresses, startIn }: Introduced, now: Instant): (NetEffect | Other)[] {
    const ground: Ground = { networks: [{ ip: this.#ip, prefix: LAN_PREFIX }], rendezvous: [this.#server] };
    this.#initiator = initiator;
    this.#punch = new Punch({
      plan: plan(mine, theirs, candidatesOf(addresses, ground), initiator),
      doors: { four: MAIN },
      ground,
    });
    return this.#act(this.#punch.step({ kind: 'start', startIn }, now), now);
  }

  #datagram(from: Address, [type = 0, ...rest]: Uint8Array, now: Instant): (NetEffect | Other)[] {
    if (sameAddress(from, this.#server)) {
      const observed = new Reader(Uint8Array.from(rest)).address();
      if (type !== REGISTERED || observed === undefined || this.#repeatAt === undefined) return [];
      this.#repeatAt = undefined;
      return [{ kind: 'ready', observed, internal: this.#local }];
    }
    if (type === ACK) this.#repeatAt = undefined;
    if (type === GREET) this.#greeted = true;
    const effects: (NetEffect | Other)[] = type === DATA ? [send(from, ACK)] : [];
    const way = { from, socket: MAIN };
    const proves = type === (this.#initiator ? AGREE : DATA);
    const input = proves ? ({ kind: 'answered', ...way } as const) : ({ kind: 'heard', ...way } as const);
    return [...effects, ...this.#act(this.#punch?.step(input, now) ?? [], now)];
  }

  #tick(now: Instant): (NetEffect | Other)[] {
    const effects = this.#act(this.#punch?.step({ kind: 'tick' }, now) ?? [], now);
    if (this.#repeatAt === undefined || now < this.#repeatAt) return effects;
    this.#repeatAt = after(now, REPEAT);
    return [...effects, this.#path === undefined ? send(this.#server, REGISTER) : send(this.#path, DATA)];
  }

  #act(effects: readonly PunchEffect[], now: Instant): (NetEffect | Other)[] {
    return effects.flatMap((effect): (NetEffect | Other)[] => {
      switch (effect.kind) {
        case 'knock':
          return [send(effect.to, this.#initiator ? GREET : this.#greeted ? AGREE : KNOCK)];
        case 'reached':
          if (!this.#initiator) return [effect];
          this.#path = effect.to;
          this.#repeatAt = after(now, REPEAT);
          return [send(effect.to, DATA), effect];
        case 'gave-up':
          return [effect];
      }
    });
  }
}

function send(to: Address, type: number): NetEffect {
  return { kind: 'send', socket: MAIN, to, bytes: Uint8Array.of(type) };
}

/** A household as far as it matters here; the boxes from the inside to the outside. */
export type Side = Pick<Household, 'host' | 'boxes'>;

export interface Meeting {
  readonly seed?: number;
  readonly access?: AccessShape;
  /** How much later the second side hears of the introduction. */
  readonly skew?: Millis;
  /** What is believed of the NATs, where it is not the truth. */
  readonly believed?: readonly [NatProfile, NatProfile];
  /** Where the two live, when it is one place. */
  readonly home?: (world: World, access: AccessShape) => readonly [Side, Side];
  readonly until?: number;
}

export interface Outcome {
  readonly events: readonly { readonly at: number; readonly event: Exclude<Other, Ready> }[];
  /** Datagrams that Punch ordered, from introduction to end. */
  readonly sent: number;
}

/** 40 ms of round trip per home. */
export const HOME: AccessShape = { delay: ms(20) };

/** Introduces the household behind `first` to the one behind `second`; what either side said, in milliseconds since. */
export function meet(first: KindName, second: KindName, options: Meeting = {}): readonly [Outcome, Outcome] {
  const { seed = 1, access = HOME, skew = ms(0), believed, home, until = 3000 } = options;
  const world = new World({ seed });
  const server = rendezvous(world);
  const [a, b] =
    home === undefined
      ? [world.household(first, { access }), world.household(second, { access })]
      : home(world, access);
  const sides = [a, b].map((household) => enter(household, server));
  const [left, right] = sides;
  if (left === undefined || right === undefined) throw new Error('two sides');
  if (!world.runUntil(() => left.ready !== undefined && right.ready !== undefined, at(10_000))) {
    return [left.outcome(), right.outcome()];
  }
  const start = world.now;
  const profiles = believed ?? [truth(first, left.external), truth(second, right.external)];
  const together = left.ready?.observed.ip === right.ready?.observed.ip;
  for (const [me, other, mine, theirs, initiator] of [
    [left, right, profiles[0], profiles[1], true],
    [right, left, profiles[1], profiles[0], false],
  ] as const) {
    const { ready } = other;
    if (ready === undefined) continue;
    const addresses = together ? [ready.observed, ready.internal] : [ready.observed];
    me.start = start;
    const introduce = (): void =>
      me.drive.give({ kind: 'introduced', initiator, mine, theirs, addresses, startIn: ms(0) });
    world.at(after(start, initiator ? ms(0) : skew), introduce);
  }
  world.run(after(start, ms(until)));
  return [left.outcome(), right.outcome()];
}

/** Two households on one LAN behind one NAT. */
export function sameLan(shape: NatShape): NonNullable<Meeting['home']> {
  return (world, access) => {
    const nat = world.nat(shape, { access });
    const host = (): Side => ({ host: world.host({ behind: nat }), boxes: [nat] });
    return [host(), host()];
  };
}

/** Two home routers, each LAN 192.168.1.0/24, behind one carrier's NAT. */
export function sameCarrier(shape: NatShape): NonNullable<Meeting['home']> {
  return (world, access) => {
    const carrier = world.nat(shape, { access });
    const home = (): Side => {
      const { host, boxes } = world.household('port-restricted', { behind: carrier });
      return { host, boxes: [...boxes, carrier] };
    };
    return [home(), home()];
  };
}

function enter({ host, boxes }: Side, server: Address) {
  const party = new Party(server, host.ip);
  const events: { at: number; event: Exclude<Other, Ready> }[] = [];
  const outermost = boxes.at(-1);
  const side = {
    external: outermost instanceof Nat ? outermost.ips : [host.ip],
    ready: undefined as Ready | undefined,
    start: at(0),
    drive: host.run(party, (effect, now) => {
      if (effect.kind === 'ready') side.ready = effect;
      else events.push({ at: now - side.start, event: effect });
    }),
    outcome: (): Outcome => ({ events, sent: party.sent }),
  };
  side.drive.give({ kind: 'enter' });
  return side;
}

function rendezvous(world: World): Address {
  const host = world.host();
  const socket = host.socket((from, [type]) => {
    if (type === REGISTER) socket.send(from, new Writer().u8(REGISTERED).address(from).done());
  }, 7000);
  return { ip: host.ip, port: 7000 };
}

function truth(kind: KindName, external: readonly string[]): NatProfile {
  return { ...NAT_KINDS[kind].truth, confidence: 0.99, external };
}
