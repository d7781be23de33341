import type { Address } from '../../agent/base/address.ts';
import type { Random } from '../../agent/base/random.ts';
import { after, at, type Instant, type Millis, ms, seconds, since } from '../../agent/base/time.ts';
import type { Host, Socket } from '../../agent/sim/host.ts';
import { World } from '../../agent/sim/world.ts';
import { type Cost, Meter } from '../../test/sim/prediction/meter.ts';
import { homes, lines, mapped, type Scene } from '../../test/sim/prediction/scene.ts';

/** What one attempt of another program's method came to. */
export interface Bout {
  readonly direct: boolean;
  /** From asking to the first answered knock, milliseconds; Infinity without. */
  readonly after: number;
  /** Won by a predicted port, or in another phase of the method. */
  readonly phase: Phase;
  readonly sides: readonly [Cost & { readonly mapped: number }, Cost & { readonly mapped: number }];
}

/** What a rival is at: sending to what was observed, to ports it predicts, or to any. */
export type Phase = 'plain' | 'predicted' | 'any port';

/** The method of another program, from its description: is told both parties and does the rest by itself. */
export type Rival = (arena: Arena) => void;

const [KNOCK, ANSWER] = [1, 2];
const PORTS = [5000, 5001];
/** By then both have registered; what a program finds out about its NAT beforehand it has found out. */
const ASKED = at(3000);

/**
 * The same worlds as the bar table, with an observer that answers probes and a connection to the server that loses
 * nothing: a rival fails by its method, never by our plumbing.
 */
export class Arena {
  readonly world: World;
  readonly observers: readonly Address[];
  readonly random: Random;
  readonly parties: readonly [Party, Party];
  readonly delay: Millis;
  phase: Phase = 'plain';
  /** When the two knew of each other. */
  contact: Instant | undefined;

  constructor(scene: Scene, seed: number) {
    this.delay = scene.path.delay;
    this.world = new World({ seed });
    const { access, server } = lines(scene.path);
    const host = this.world.host({ ips: ['198.51.100.1', '198.51.100.2'], access: server });
    const observer = (ip: string, port: number): Address => {
      const socket: Socket = host.socket((from) => socket.send(from, encode(from)), port, ip);
      return socket.local;
    };
    this.observers = PORTS.flatMap((port) => host.ips.map((ip) => observer(ip, port)));
    this.random = this.world.random();
    const { home } = homes(scene);
    const [a, b] =
      home === undefined
        ? [this.world.household(scene.asks, { access }), this.world.household(scene.listens, { access })]
        : home(this.world, access);
    this.parties = [new Party(this, a.host), new Party(this, b.host)];
    this.#mapped = () => [Math.max(0, ...mapped(a)), Math.max(0, ...mapped(b))];
  }

  readonly #mapped: () => [number, number];

  get now(): Instant {
    return this.world.now;
  }

  /** Does it later. */
  later(span: number, action: () => void): void {
    this.world.at(after(this.now, ms(span)), action);
  }

  /** Lets a rival try, for as long as `hearth ping` is given. */
  run(rival: Rival, patience = seconds(20)): Bout {
    const meters = this.parties.map(({ host }) => new Meter(host.name, '', () => undefined));
    let before = [0, 0];
    this.world.at(ASKED, () => {
      before = this.#mapped();
      this.world.journal = (note) => {
        for (const meter of meters) meter.note(note);
      };
    });
    rival(this);
    this.world.runUntil(() => this.contact !== undefined, after(ASKED, patience));
    const now = this.#mapped();
    const cost = (index: 0 | 1): Bout['sides'][0] => ({
      ...(meters[index] as Meter).cost,
      mapped: now[index] - (before[index] ?? 0),
    });
    const found = this.contact === undefined ? Infinity : since(ASKED, this.contact);
    return { direct: this.contact !== undefined, after: found, phase: this.phase, sides: [cost(0), cost(1)] };
  }

  /** The instant everything counts from. */
  get asked(): Instant {
    return ASKED;
  }
}

/** One household of a rival: sockets that probe and knock. */
export class Party {
  readonly host: Host;
  readonly #arena: Arena;

  constructor(arena: Arena, host: Host) {
    this.#arena = arena;
    this.host = host;
  }

  /** A fresh socket. */
  open(): Muzzle {
    return new Muzzle(this.#arena, this.host);
  }
}

/** A socket that answers knocks, and knows when it was answered. */
export class Muzzle {
  readonly #arena: Arena;
  readonly #socket: Socket;
  #observed: ((address: Address, observer: Address) => void) | undefined;

  constructor(arena: Arena, host: Host) {
    this.#arena = arena;
    this.#socket = host.socket((from, bytes) => this.#receive(from, bytes));
  }

  get port(): number {
    return this.#socket.local.port;
  }

  /** Asks observers, all at once; `done` with what came back by then, in their order. */
  probe(observers: readonly Address[], patience: number, done: (seen: readonly Address[]) => void): void {
    const seen = new Map<string, Address>();
    let finished = false;
    const finish = (): void => {
      if (finished) return;
      finished = true;
      done(observers.flatMap(({ ip, port }) => seen.get(`${ip} ${port}`) ?? []));
    };
    this.#observed = (address, { ip, port }) => {
      seen.set(`${ip} ${port}`, address);
      if (seen.size === observers.length) finish();
    };
    for (let repeat = 0; repeat <= REPEATS; repeat++) {
      this.#arena.later(repeat * REPEAT_AFTER, () => {
        const silent = observers.filter(({ ip, port }) => !seen.has(`${ip} ${port}`));
        for (const observer of silent) this.#socket.send(observer, PROBE);
      });
    }
    this.#arena.later(patience, finish);
  }

  knock(to: Address, ttl?: number): void {
    if (this.#arena.contact === undefined) this.#socket.send(to, Uint8Array.of(KNOCK), ttl);
  }

  #receive(from: Address, bytes: Uint8Array): void {
    if (this.#arena.observers.some(({ ip, port }) => ip === from.ip && port === from.port)) {
      this.#observed?.(decode(bytes), from);
    } else if (bytes[0] === KNOCK) this.#socket.send(from, Uint8Array.of(ANSWER));
    else this.#arena.contact ??= this.#arena.now;
  }
}

/** What is lost is asked again. */
const REPEATS = 2;
const REPEAT_AFTER = 500;
const PROBE = new Uint8Array(20);

function encode({ ip, port }: Address): Uint8Array {
  return Uint8Array.of(...ip.split('.').map(Number), port >> 8, port & 255);
}

function decode(bytes: Uint8Array): Address {
  return { ip: bytes.subarray(0, 4).join('.'), port: ((bytes[4] ?? 0) << 8) | (bytes[5] ?? 0) };
}
