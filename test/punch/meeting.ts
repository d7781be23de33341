import { type Address, sameAddress } from '../../agent/base/address.ts';
import { Reader, Writer } from '../../agent/base/bytes.ts';
import type { Machine } from '../../agent/base/machine.ts';
import { type NatProfile, UNKNOWN } from '../../agent/base/nat-profile.ts';
import type { NetEffect, NetInput, SocketId } from '../../agent/base/net.ts';
import { after, at, earliest, type Instant, type Millis, ms } from '../../agent/base/time.ts';
import { candidatesOf, plan } from '../../agent/punch/plan.ts';
import type { Punch, PunchEffect } from '../../agent/punch/punch.ts';
import type { Ground } from '../../agent/punch/target.ts';
import { type KindName, NAT_KINDS } from '../../agent/sim/kinds.ts';
import type { AccessShape } from '../../agent/sim/link.ts';
import { Nat, type NatShape } from '../../agent/sim/nat.ts';
import { type Household, World } from '../../agent/sim/world.ts';
import { counting, lone } from './lone.ts';

/*
 * The handshake between two households in its bare roles, one byte each: who asked for the introduction greets,
 * the other one knocks until it is greeted and then agrees; data proves to it that its agreement came through.
 */
const [REGISTER, REGISTERED, KNOCK, GREET, AGREE, DATA, ACK, SHOT] = [1, 2, 3, 4, 5, 6, 7, 8];
const REPEAT = ms(100);
const MAIN = 0;
const LAN_PREFIX = 24;
/** Ports of the rendezvous, on each of its two addresses. */
const OBSERVERS = [7000, 7001];

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
  readonly conducted: boolean;
}
/** From the rendezvous, to one side. */
type Order = Extract<Parameters<Punch['step']>[0], { kind: 'volley' | 'judged' }>;
interface Ready {
  readonly kind: 'ready';
  readonly observed: Address;
  readonly internal: Address;
}
type Other = Ready | Exclude<PunchEffect, { kind: 'knock' | 'open' | 'close' | 'probe-shot' }>;
type In = NetInput | Enter | Introduced | Order;

/** A household reduced to registering and punching, with Punch as it ships. */
class Party implements Machine<In, NetEffect | Other> {
  readonly #observers: readonly Address[];
  readonly #server: Address;
  readonly #ip: string;
  #local: Address = { ip: '', port: 0 };
  #punch: Punch | undefined;
  readonly #newSocket = counting();
  #initiator = false;
  #greeted = false;
  #path: { readonly to: Address; readonly socket: SocketId } | undefined;
  #repeatAt: Instant | undefined;

  constructor(observers: readonly Address[], ip: string) {
    this.#observers = observers;
    this.#server = observers[0] ?? { ip: '', port: 0 };
    this.#ip = ip;
  }

  get sent(): number {
    return this.#punch?.sent ?? 0;
  }

  step(input: In, now: Instant): readonly (NetEffect | Other)[] {
    switch (input.kind) {
      case 'enter':
        return [{ kind: 'open', socket: MAIN, ip: '0.0.0.0', port: 0 }];
      case 'opened':
        if (input.socket !== MAIN) return this.#drive(input, now);
        this.#local = { ip: this.#ip, port: input.local.port };
        this.#repeatAt = after(now, REPEAT);
        return [send(MAIN, this.#server, REGISTER)];
      case 'volley':
      case 'judged':
        return this.#drive(input, now);
      case 'failed':
        throw new Error(input.reason);
      case 'introduced':
        return this.#introduced(input, now);
      case 'datagram':
        return this.#datagram(input, now);
      case 'tick':
        return this.#tick(now);
    }
  }

  wake(): Instant | undefined {
    return earliest(this.#repeatAt, this.#punch?.wake());
  }

  #introduced(
    { initiator, mine, theirs, addresses, startIn, conducted }: Introduced,
    now: Instant,
  ): (NetEffect | Other)[] {
    const ground: Ground = { networks: [{ ip: this.#ip, prefix: LAN_PREFIX }], rendezvous: this.#observers };
    this.#initiator = initiator;
    this.#punch = lone({
      plan: plan(
        mine,
        theirs,
        candidatesOf(
          addresses.map((address) => ({ ...address, opening: 'none' })),
          ground,
        ),
        initiator,
        conducted,
      ),
      ground,
      port: this.#local.port,
      nat: mine.kind,
      ips: [...addresses.map(({ ip }) => ip), ...theirs.external],
      newSocket: this.#newSocket,
    });
    return this.#drive({ kind: 'start', startIn }, now);
  }

  #drive(input: Parameters<Punch['step']>[0], now: Instant): (NetEffect | Other)[] {
    return this.#act(this.#punch?.step(input, now) ?? [], now);
  }

  #datagram({ from, socket, bytes }: NetInput & { kind: 'datagram' }, now: Instant): (NetEffect | Other)[] {
    const [type = 0, ...rest] = bytes;
    if (sameAddress(from, this.#server)) {
      const observed = new Reader(Uint8Array.from(rest)).address();
      if (type !== REGISTERED || observed === undefined || this.#repeatAt === undefined) return [];
      this.#repeatAt = undefined;
      return [{ kind: 'ready', observed, internal: this.#local }];
    }
    if (type === ACK) this.#repeatAt = undefined;
    if (type === GREET) this.#greeted = true;
    const effects: (NetEffect | Other)[] = type === DATA ? [send(socket, from, ACK)] : [];
    const way = { from, socket };
    const proves = type === (this.#initiator ? AGREE : DATA);
    const input = proves ? ({ kind: 'answered', ...way } as const) : ({ kind: 'heard', ...way } as const);
    return [...effects, ...this.#drive(input, now)];
  }

  #tick(now: Instant): (NetEffect | Other)[] {
    const effects = this.#drive({ kind: 'tick' }, now);
    if (this.#repeatAt === undefined || now < this.#repeatAt) return effects;
    this.#repeatAt = after(now, REPEAT);
    const path = this.#path ?? { socket: MAIN, to: this.#server };
    return [...effects, send(path.socket, path.to, this.#path === undefined ? REGISTER : DATA)];
  }

  #act(effects: readonly PunchEffect[], now: Instant): (NetEffect | Other)[] {
    return effects.flatMap((effect): (NetEffect | Other)[] => {
      switch (effect.kind) {
        case 'knock':
          return [this.#knock(effect)];
        case 'probe-shot': {
          const to = this.#observers[effect.observer];
          const { round, socket, shot, localPort } = effect.shot;
          const bytes = new Writer().u8(SHOT).u16(round).u8(socket).u16(shot).u16(localPort).done();
          return to === undefined ? [] : [{ kind: 'send', socket: effect.socket, to, bytes }];
        }
        case 'reached': {
          const { to, socket } = effect;
          if (!this.#initiator) return [effect];
          this.#path = { to, socket };
          this.#repeatAt = after(now, REPEAT);
          return [send(socket, to, DATA), effect];
        }
        case 'open':
        case 'close':
        case 'fired':
        case 'failed':
        case 'gave-up':
        case 'read-table':
          return [effect];
      }
    });
  }

  #knock({ to, socket, ttl }: PunchEffect & { kind: 'knock' }): NetEffect {
    const knock = send(socket, to, this.#initiator ? GREET : this.#greeted ? AGREE : KNOCK);
    return ttl === undefined ? knock : { ...knock, ttl };
  }
}

function send(socket: SocketId, to: Address, type: number): NetEffect & { kind: 'send' } {
  return { kind: 'send', socket, to, bytes: Uint8Array.of(type) };
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
  /** Orders volleys, as the rendezvous does; what it does is up to the test. */
  readonly conduct?: (stage: Stage) => Conductor;
}

/** A shot of a volley, as an observer saw it. */
export interface Sight {
  readonly side: 0 | 1;
  readonly round: number;
  readonly socket: number;
  readonly shot: number;
  readonly localPort: number;
  readonly observer: number;
  readonly external: Address;
}

/** What a conductor can do, and what it knows from the beginning. */
export interface Stage {
  readonly world: World;
  /** Where the main sockets were seen. */
  readonly seenAt: readonly [Address, Address];
  /** Sends an order to one side; it takes half a round trip. */
  readonly order: (side: 0 | 1, order: Order) => void;
}

export interface Conductor {
  readonly begin: () => void;
  readonly seen?: (sight: Sight) => void;
  readonly said?: (side: 0 | 1, event: Exclude<Other, Ready>) => void;
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
  const { seed = 1, access = HOME, skew = ms(0), believed, home, until = 3000, conduct } = options;
  const world = new World({ seed });
  let conductor: Conductor | undefined;
  const seen = (from: Address, observer: number, bytes: Uint8Array): void => {
    const r = new Reader(bytes);
    const [round, socket, shot, localPort] = [r.u16(), r.u8(), r.u16(), r.u16()];
    const side = from.ip === right.ready?.observed.ip ? 1 : 0;
    conductor?.seen?.({ side, round, socket, shot, localPort, observer, external: from });
  };
  const observers = rendezvous(world, seen);
  const [a, b] =
    home === undefined
      ? [world.household(first, { access }), world.household(second, { access })]
      : home(world, access);
  const said = (side: 0 | 1) => (event: Exclude<Other, Ready>) => conductor?.said?.(side, event);
  const [left, right] = [enter(a, observers, said(0)), enter(b, observers, said(1))];
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
      me.drive.give({
        kind: 'introduced',
        initiator,
        mine,
        theirs,
        addresses,
        startIn: ms(0),
        conducted: conduct !== undefined,
      });
    world.at(after(start, initiator ? ms(0) : skew), introduce);
  }
  if (conduct !== undefined && left.ready !== undefined && right.ready !== undefined) {
    const order: Stage['order'] = (side, what) =>
      world.at(after(world.now, ms(20)), () => [left, right][side]?.drive.give(what));
    conductor = conduct({ world, seenAt: [left.ready.observed, right.ready.observed], order });
    conductor.begin();
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

function enter({ host, boxes }: Side, observers: readonly Address[], said: (event: Exclude<Other, Ready>) => void) {
  const party = new Party(observers, host.ip);
  const events: { at: number; event: Exclude<Other, Ready> }[] = [];
  const outermost = boxes.at(-1);
  const side = {
    external: outermost instanceof Nat ? outermost.ips : [host.ip],
    ready: undefined as Ready | undefined,
    start: at(0),
    drive: host.run(party, (effect, now) => {
      if (effect.kind === 'ready') {
        side.ready = effect;
        return;
      }
      events.push({ at: now - side.start, event: effect });
      said(effect);
    }),
    outcome: (): Outcome => ({ events, sent: party.sent }),
  };
  side.drive.give({ kind: 'enter' });
  return side;
}

function rendezvous(world: World, seen: (from: Address, observer: number, bytes: Uint8Array) => void): Address[] {
  const host = world.host({ ips: ['198.51.100.1', '198.51.100.2'] });
  const observers = OBSERVERS.flatMap((port) => host.ips.map((ip) => ({ ip, port })));
  for (const [n, { ip, port }] of observers.entries()) {
    const socket = host.socket(
      (from, bytes) => {
        if (bytes[0] === REGISTER) socket.send(from, new Writer().u8(REGISTERED).address(from).done());
        else seen(from, n, bytes.subarray(1));
      },
      port,
      ip,
    );
  }
  return observers;
}

export function truth(kind: KindName, external: readonly string[]): NatProfile {
  return { ...UNKNOWN, ...NAT_KINDS[kind].truth, confidence: 0.99, external };
}
