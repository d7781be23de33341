import type { Address } from '../base/address.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Machine } from '../base/machine.ts';
import { UNKNOWN } from '../base/nat-profile.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { after, earliest, type Instant, isDue, seconds } from '../base/time.ts';
import { Probe, type ProbeEffect, type ProbeInput } from '../nat/probe.ts';
import type { HttpAnswer, HttpOrder } from '../portmap/client.ts';
import { type ClientEffect, type ClientInput, RendezvousClient, type Server } from '../rendezvous/client.ts';
import type { BlockCipher, Cipher, KeyPair, Suite } from '../seal/cipher.ts';
import { decodeHeader } from '../seal/header.ts';
import { Doorway, type DoorwayInput, type Way } from './doorway.ts';
import { LineTalk } from './line-talk.ts';
import type { Sight } from './sight.ts';
import type { TrialEffect } from './trial.ts';
import { Trials } from './trials.ts';

export interface ExaminationOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  /** None: only the gateway is asked. */
  readonly servers: readonly Server[];
  readonly networkSecret: Uint8Array;
  readonly suites: readonly Suite[];
  /** Where to bind the main socket; anywhere else where that is taken. */
  readonly local: Address;
  /** Addresses of our own interfaces. */
  readonly own: readonly string[];
  /** Whom to ask for a mapping. */
  readonly way: Way | undefined;
}

export type ExaminationInput =
  | NetInput
  | HttpAnswer
  | { readonly kind: 'start' }
  /** Our connections have been made, and have ended: what did the other end see of them? */
  | { readonly kind: 'lines-tried' }
  /** Take back what was asked of gateways, say goodbye. Answered by `left`. */
  | { readonly kind: 'leave' };

export type ExaminationEffect =
  | NetEffect
  | HttpOrder
  /** What the time is there, and where connections may be made now; these are answered by `lines-tried`. */
  | { readonly kind: 'line-ready'; readonly clock: number; readonly to: Address | undefined }
  /** Nothing more is to be seen. */
  | { readonly kind: 'over' }
  | { readonly kind: 'left' };

/** What is waited for, and for how long. */
type Patience = 'meeting' | 'gateways' | 'all';

const MAIN: SocketId = 0;
/** A rendezvous that is there answers within one or two of these, also on a bad line. */
const MEETING = seconds(5);
/** For all there is to see: a check that takes longer is not worth the wait. */
const MOST = seconds(7);
/** Most gateways answer at once; one that takes longer than this costs nothing but its own mapping. */
const GATEWAYS = seconds(3);

/** Looks at a network from inside, by a rendezvous and its observers, and by the gateway: the doctor's hands, still pure. */
export class Examination implements Machine<ExaminationInput, ExaminationEffect> {
  readonly #options: ExaminationOptions;
  readonly #header: BlockCipher;
  readonly #client: RendezvousClient;
  readonly #probe: Probe;
  readonly #door: Doorway;
  readonly #lines = new LineTalk();
  readonly #deadlines = new Deadlines<Patience>();
  #trials: Trials | undefined;
  #sockets = MAIN;
  #requests = 0;
  /** What was waited for long enough. */
  readonly #passed = new Set<Patience>();
  #phase: 'idle' | 'looking' | 'over' | 'leaving' | 'left' = 'idle';
  #met: boolean | undefined;
  #observed: Address | undefined;
  #port: number | undefined;
  #isAnother = false;
  #nat: Sight['nat'];

  constructor(options: ExaminationOptions) {
    const { cipher, random, identity, servers, networkSecret, suites } = options;
    this.#options = options;
    const headerKey = cipher.random(16);
    this.#header = cipher.block(headerKey);
    const newSocket = (): SocketId => ++this.#sockets;
    let index = random(2 ** 32);
    const newIndex = (): number => (index = (index + 1) % 2 ** 32);
    const entry = { cipher, random, identity, networkSecret, servers, suites, headerKey, newIndex };
    this.#client = new RendezvousClient({ ...entry, socket: MAIN });
    this.#probe = new Probe({ random, newSocket });
    this.#door = new Doorway({ random, newSocket, newRequest: () => ++this.#requests });
  }

  /** All that has been seen so far. */
  get sight(): Sight {
    const trials = this.#trials?.sight;
    return {
      met: this.#options.servers.length === 0 ? undefined : this.#met === true,
      rtt: this.#client.rtt,
      observed: this.#observed,
      port: this.#port,
      nat: this.#nat,
      hairpin: trials?.hairpin,
      trips: trials?.trips,
      largest: trials?.largest,
      six: trials?.six,
      gateways: this.#door.gateways,
      mapping: this.#door.mapping,
      isOpen: this.#door.isOpen,
      lineReady: this.#lines.ready,
      lineReport: this.#lines.report,
    };
  }

  step(input: ExaminationInput, now: Instant): readonly ExaminationEffect[] {
    if (this.#phase === 'left') return [];
    return [...this.#take(input, now), ...this.#overWhenDone()];
  }

  wake(): Instant | undefined {
    if (this.#phase === 'idle' || this.#phase === 'left') return undefined;
    const parts = [this.#client, this.#probe, this.#door, this.#trials].map((part) => part?.wake());
    return parts.reduce(earliest, this.#deadlines.next());
  }

  #take(input: ExaminationInput, now: Instant): readonly ExaminationEffect[] {
    switch (input.kind) {
      case 'start': {
        this.#phase = 'looking';
        this.#deadlines.set('meeting', after(now, MEETING));
        this.#deadlines.set('gateways', after(now, GATEWAYS));
        this.#deadlines.set('all', after(now, MOST));
        const { ip, port } = this.#options.local;
        return [{ kind: 'open', socket: MAIN, ip, port }];
      }
      case 'opened':
      case 'failed':
        return this.#bound(input, now);
      case 'datagram':
        return this.#datagram(input, now);
      case 'http-answered':
      case 'http-failed':
        return this.#knockAt(input, now);
      case 'lines-tried':
        return this.#ask(this.#lines.goOn(), now);
      case 'leave':
        this.#phase = 'leaving';
        return [...this.#ask({ kind: 'leave' }, now), ...this.#knockAt({ kind: 'stop' }, now)];
      case 'tick':
        for (const name of this.#deadlines.due(now)) this.#passed.add(name);
        return [
          ...(isDue(this.#client.wake(), now) ? this.#ask(input, now) : []),
          ...(isDue(this.#probe.wake(), now) ? this.#read(input, now) : []),
          ...(isDue(this.#door.wake(), now) ? this.#knockAt(input, now) : []),
          ...this.#order(this.#trials?.tick(now) ?? [], now),
        ];
    }
  }

  // -- sockets

  #bound(input: Extract<NetInput, { kind: 'opened' | 'failed' }>, now: Instant): readonly ExaminationEffect[] {
    if (input.socket !== MAIN) {
      return this.#try(input.socket, input, now) ?? [...this.#read(input, now), ...this.#knockAt(input, now)];
    }
    if (input.kind === 'failed') return this.#openAnother();
    this.#port = input.local.port;
    const { way, servers } = this.#options;
    const presence = { role: 'ping', children: 0, internal: [], profile: UNKNOWN } as const;
    return [
      ...this.#knockAt({ kind: 'start', way, port: input.local.port }, now),
      ...(servers.length === 0 ? [] : this.#ask({ kind: 'register', ...presence }, now)),
    ];
  }

  /** A running agent may have the port that was asked for. */
  #openAnother(): readonly ExaminationEffect[] {
    if (this.#isAnother) return this.#end();
    this.#isAnother = true;
    return [{ kind: 'open', socket: MAIN, ip: this.#options.local.ip, port: 0 }];
  }

  #datagram(input: Extract<NetInput, { kind: 'datagram' }>, now: Instant): readonly ExaminationEffect[] {
    const header = decodeHeader(input.bytes, this.#header);
    if (this.#client.takes(header, input.from)) return this.#ask({ ...input, header }, now);
    return this.#try(input.socket, input, now) ?? this.#knockAt(input, now);
  }

  /** Undefined where that socket is no trial's. */
  #try(socket: SocketId, input: Parameters<Trials['take']>[1], now: Instant): readonly ExaminationEffect[] | undefined {
    const effects = this.#trials?.take(socket, input, now);
    return effects && this.#order(effects, now);
  }

  // -- what the parts want done

  #ask(input: ClientInput, now: Instant): readonly ExaminationEffect[] {
    return this.#client.step(input, now).flatMap((effect) => this.#said(effect, now));
  }

  #said(effect: ClientEffect, now: Instant): readonly ExaminationEffect[] {
    switch (effect.kind) {
      case 'send':
        return [effect];
      case 'registered':
        return this.#registered(effect, now);
      case 'moved':
        this.#observed = effect.observed;
        return [];
      case 'observed':
      case 'filtered':
        return this.#try(effect.socket, effect, now) ?? this.#read(effect, now);
      case 'knocked':
        return this.#knockAt({ kind: 'knocked', index: effect.index, token: effect.token }, now);
      case 'line-ready':
        return [{ kind: 'line-ready', clock: effect.clock, to: this.#lines.invited(effect, this.#client.status()) }];
      case 'line-report':
        this.#lines.told(effect);
        return [];
      case 'refused':
        this.#lines.refused(effect);
        return [];
      case 'state':
      case 'channel-info':
      case 'published':
      case 'publish-refused':
      case 'introduction':
      case 'relayed':
      case 'nudged':
      case 'volley':
      case 'judged':
      case 'carry':
      case 'bridge':
        return [];
    }
  }

  /** A session stands: everything that needs one begins, once. */
  #registered(
    { observed, observers }: Extract<ClientEffect, { kind: 'registered' }>,
    now: Instant,
  ): readonly ExaminationEffect[] {
    this.#observed = observed;
    const [first] = observers;
    if (this.#met === true || first === undefined || this.#phase !== 'looking') return [];
    this.#met = true;
    const { own, random } = this.#options;
    const strangers = [...observers.entries()].filter(([, { ip }]) => ip !== first.ip && !ip.includes(':'));
    this.#trials = new Trials(observers, own, () => ++this.#sockets, random);
    return [
      ...this.#knockAt({ kind: 'seen', at: observed, strangers: strangers.map(([number]) => number) }, now),
      ...this.#read({ kind: 'start', observers, own }, now),
      ...this.#order(this.#trials.begin(now), now),
      ...this.#ask(this.#lines.begin(), now),
    ];
  }

  #read(input: ProbeInput, now: Instant): readonly ExaminationEffect[] {
    return this.#order(this.#probe.step(input, now), now);
  }

  #order(effects: readonly (TrialEffect | ProbeEffect)[], now: Instant): readonly ExaminationEffect[] {
    return effects.flatMap((effect) => {
      switch (effect.kind) {
        case 'open':
        case 'close':
        case 'send':
          return [effect];
        case 'profile': {
          const { profile, samples } = effect;
          this.#nat = { profile, samples };
          return [];
        }
        case 'probe':
        case 'filter-test':
        case 'try-door':
        case 'stretch':
          return this.#ask(effect, now);
      }
    });
  }

  #knockAt(input: DoorwayInput, now: Instant): readonly ExaminationEffect[] {
    return this.#door.step(input, now).flatMap((effect): readonly ExaminationEffect[] => {
      switch (effect.kind) {
        case 'open':
        case 'send':
        case 'close':
        case 'http':
          return [effect];
        case 'try-door':
          return this.#ask(effect, now);
        case 'stopped':
          if (this.#phase !== 'leaving') return [];
          this.#phase = 'left';
          return [{ kind: 'left' }];
      }
    });
  }

  // -- the end

  #overWhenDone(): readonly ExaminationEffect[] {
    if (this.#phase !== 'looking' || this.#port === undefined) return [];
    const waited = (name: Patience): boolean => this.#passed.has(name);
    if (waited('all')) return this.#end();
    if (!this.#door.over && !waited('gateways')) return [];
    if (this.#options.servers.length === 0) return this.#end();
    if (this.#met !== true) return waited('meeting') ? this.#end() : [];
    const done = this.#nat !== undefined && this.#lines.over && this.#trials?.over === true;
    return done ? this.#end() : [];
  }

  #end(): readonly ExaminationEffect[] {
    this.#phase = 'over';
    return [{ kind: 'over' }];
  }
}
