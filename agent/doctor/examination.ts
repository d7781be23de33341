import { type Address, scope } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import { UNKNOWN } from '../base/nat-profile.ts';
import type { NetInput, SocketId } from '../base/net.ts';
import { earliest, type Instant, isDue } from '../base/time.ts';
import { Probe, type ProbeEffect, type ProbeInput } from '../nat/probe.ts';
import type { ClientEffect, ClientInput, Presence } from '../rendezvous/client.ts';
import type { BlockCipher } from '../seal/cipher.ts';
import { decodeHeader } from '../seal/header.ts';
import { Doorways, type DoorwaysInput } from './doorways.ts';
import { LineTalk } from './line-talk.ts';
import type { ExaminationEffect, ExaminationInput, ExaminationOptions } from './orders.ts';
import { Patience } from './patience.ts';
import { Reception } from './reception.ts';
import type { Sight } from './sight.ts';
import type { TrialEffect } from './trial.ts';
import { Trials } from './trials.ts';

const MAIN: SocketId = 0;
const PRESENCE: Presence = { role: 'ping', streams: 0, most: 0, internal: [], profile: UNKNOWN };

/** Looks at a network from inside, by a rendezvous and its observers, and by the gateway: the doctor's hands, still pure. */
export class Examination implements Machine<ExaminationInput, ExaminationEffect> {
  readonly #options: ExaminationOptions;
  readonly #header: BlockCipher;
  readonly #reception: Reception;
  readonly #probe: Probe;
  readonly #doors: Doorways;
  readonly #lines = new LineTalk();
  readonly #patience = new Patience();
  #trials: Trials | undefined;
  #observers: readonly Address[] = [];
  #sockets = MAIN;
  #phase: 'idle' | 'looking' | 'over' | 'leaving' | 'left' = 'idle';
  #observed: Address | undefined;
  #port: number | undefined;
  #isAnother = false;
  #nat: Sight['nat'];

  constructor(options: ExaminationOptions) {
    const { cipher, random, identity, servers, networkSecret, suites, four, six } = options;
    this.#options = options;
    const headerKey = cipher.random(16);
    this.#header = cipher.block(headerKey);
    const newSocket = (): SocketId => ++this.#sockets;
    let index = random(2 ** 32);
    const newIndex = (): number => (index = (index + 1) % 2 ** 32);
    const entry = { cipher, random, identity, networkSecret, servers, suites, headerKey, newIndex };
    this.#reception = new Reception({ ...entry, socket: MAIN });
    this.#probe = new Probe({ random, newSocket });
    this.#doors = new Doorways({ random, newSocket, four, six });
  }

  /** All that has been seen so far. */
  get sight(): Sight {
    const trials = this.#trials?.sight;
    return {
      met: this.#options.servers.length === 0 ? undefined : this.#trials !== undefined,
      isHeard: this.#reception.isHeard,
      rtt: this.#reception.rtt,
      observed: this.#observed,
      port: this.#port,
      nat: this.#nat,
      hairpin: trials?.hairpin,
      trips: trials?.trips,
      largest: trials?.largest,
      six: trials?.six,
      ...this.#doors.sight,
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
    const parts = [this.#reception, this.#probe, this.#doors, this.#trials, this.#patience];
    return parts.map((part) => part?.wake()).reduce(earliest);
  }

  #take(input: ExaminationInput, now: Instant): readonly ExaminationEffect[] {
    switch (input.kind) {
      case 'start':
        this.#phase = 'looking';
        this.#patience.start(now);
        return [{ kind: 'open', socket: MAIN, ...this.#options.local }];
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
        this.#patience.tick(now);
        return [
          ...(isDue(this.#reception.wake(), now) ? this.#ask(input, now) : []),
          ...(isDue(this.#probe.wake(), now) ? this.#read(input, now) : []),
          ...(isDue(this.#doors.wake(), now) ? this.#knockAt(input, now) : []),
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
    return [
      ...this.#knockAt({ kind: 'bound', port: input.local.port }, now),
      ...this.#ask({ kind: 'register', ...PRESENCE }, now),
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
    if (this.#reception.takes(header, input.from)) return this.#ask({ ...input, header }, now);
    return this.#try(input.socket, input, now) ?? this.#knockAt(input, now);
  }

  /** Undefined where that socket is no trial's. */
  #try(socket: SocketId, input: Parameters<Trials['take']>[1], now: Instant): readonly ExaminationEffect[] | undefined {
    const effects = this.#trials?.take(socket, input, now);
    return effects && this.#order(effects, now);
  }

  // -- what the parts want done

  #ask(input: ClientInput, now: Instant): readonly ExaminationEffect[] {
    return this.#reception.step(input, now).flatMap((effect) => this.#said(effect, now));
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
      case 'answered':
        return this.#knockAt(effect, now);
      case 'line-ready':
        return [{ kind: 'line-ready', clock: effect.clock, to: this.#lines.invited(effect, this.#reception.host) }];
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
    if (this.#trials !== undefined || first === undefined || this.#phase !== 'looking') return [];
    const { own, six, random } = this.#options;
    this.#observers = observers;
    const ownSix = six?.own ?? own.find((ip) => ip.includes(':') && scope(ip) === 'public');
    this.#trials = new Trials(observers, ownSix, () => ++this.#sockets, random);
    return [
      ...this.#knockAt({ kind: 'seen', at: observed, observers, written: [first.ip] }, now),
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
        case 'placed':
          return this.#placed(effect.at, effect.token, now);
        case 'probe':
        case 'filter-test':
        case 'stretch':
          return this.#ask(effect, now);
      }
    });
  }

  /** Nobody is sent to knock at an IP that is not proven to be ours. */
  #placed(at: Address, token: Uint8Array, now: Instant): readonly ExaminationEffect[] {
    const proven = [{ address: at, token, opening: 'none' }] as const;
    return [
      ...this.#ask({ kind: 'register', ...PRESENCE, proven }, now),
      ...this.#knockAt({ kind: 'seen', at, observers: this.#observers, written: [] }, now),
    ];
  }

  #knockAt(input: DoorwaysInput, now: Instant): readonly ExaminationEffect[] {
    return this.#doors.step(input, now).flatMap((effect): readonly ExaminationEffect[] => {
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
    if (this.#patience.isOver('all')) return this.#end();
    if (!this.#doors.over && !this.#patience.isOver('gateways')) return [];
    if (this.#options.servers.length === 0) return this.#end();
    // Who says anything at all may still let us in.
    if (this.#trials === undefined)
      return this.#patience.isOver('meeting') && !this.#reception.isHeard ? this.#end() : [];
    return this.#nat !== undefined && this.#lines.over && this.#trials.over ? this.#end() : [];
  }

  #end(): readonly ExaminationEffect[] {
    this.#phase = 'over';
    return [{ kind: 'over' }];
  }
}
