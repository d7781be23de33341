import type { Address } from '../base/address.ts';
import { type Backoff, interval } from '../base/backoff.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Machine } from '../base/machine.ts';
import { type NatProfile, UNKNOWN } from '../base/nat-profile.ts';
import type { NetInput, SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { after, earliest, type Instant, type Millis, minutes, ms, seconds } from '../base/time.ts';
import { Burst, RETRY } from './burst.ts';
import { agrees, classify, wantsMore } from './classify.ts';
import { FilterTest } from './filter-test.ts';
import type { Observer, ProbeAnswer, ProbeOrder } from './orders.ts';
import { quotaOf } from './quota.ts';
import type { FilterTrials, Sample } from './sample.ts';

export type ProbeInput =
  /**
   * Probe now, and from now on with these; `own` are the addresses of our own interfaces. Also after a WAN change.
   * `carrier`: what the NATs of our carrier have always been so far, where that is known.
   */
  | {
      readonly kind: 'start';
      readonly observers: readonly Address[];
      readonly own: readonly string[];
      readonly carrier?: NatProfile | undefined;
    }
  /** A punch failed: the profile may be out of date. */
  | { readonly kind: 'doubt' }
  | Extract<NetInput, { kind: 'opened' | 'failed' | 'tick' }>
  | ProbeAnswer;

export type ProbeEffect =
  | ProbeOrder
  | { readonly kind: 'profile'; readonly profile: NatProfile; readonly samples: readonly Sample[] };

/**
 * Asks the observers what our NAT does.
 *
 *     0 ms   burst 1 from a fresh socket: one probe per observer in one tick, their IPs taken in turns
 *            filtering test from another fresh socket, three times 100 ms apart; then the test for poison
 *   250 ms   burst 2 from a third fresh socket, unless burst 1 bears out what is known of the carrier;
 *            what burst 1 has not got, once more
 *   310 ms   burst 3 from a fourth, where the answers so far can be read in two ways or have to be counted;
 *            that is 1.5 round trips after burst 2
 *   500 ms   what the later bursts have not got, once more
 *   then     `profile` as soon as nothing more is to be expected; the sockets are closed
 *
 * Fresh sockets, because an old hole makes any NAT look better than it is. Again after 30 minutes, after a
 * changed WAN (`start`) and after a failed punch (`doubt`); sooner when no probe was answered at all.
 */
export class Probe implements Machine<ProbeInput, ProbeEffect> {
  readonly #random: Random;
  readonly #newSocket: () => SocketId;
  readonly #deadlines = new Deadlines<'second-burst' | 'third-burst' | 'run'>();
  #observers: readonly Observer[] = [];
  #own: readonly string[] = [];
  #carrier: NatProfile | undefined;
  #run: Run | undefined;
  #lastStart: Instant | undefined;
  #silentRuns = 0;

  /** `newSocket` gives a number that no other machine of this household uses. */
  constructor(options: { readonly random: Random; readonly newSocket: () => SocketId }) {
    this.#random = options.random;
    this.#newSocket = options.newSocket;
  }

  step(input: ProbeInput, now: Instant): readonly ProbeEffect[] {
    switch (input.kind) {
      case 'start':
        this.#observers = oneFamily(input.observers.map((address, number) => ({ number, address })));
        this.#own = input.own;
        this.#carrier = input.carrier;
        return this.#begin(now);
      case 'doubt':
        return this.#doubt(now);
      case 'opened':
        return [...this.#opened(input.socket, input.local, now), ...this.#goOn(now)];
      case 'failed':
        this.#parts()
          .find((part) => part.socket === input.socket)
          ?.failed();
        return this.#goOn(now);
      case 'observed':
        return [...this.#observed(input, now), ...this.#goOn(now)];
      case 'filtered':
        if (this.#run?.filter.socket === input.socket) this.#run.filter.filtered(input.index);
        return this.#goOn(now);
      case 'tick':
        return [...this.#tick(now), ...this.#goOn(now)];
    }
  }

  wake(): Instant | undefined {
    const parts = this.#parts().map((part) => part.wake());
    return [...parts, this.#doneAt()].reduce(earliest, this.#deadlines.next());
  }

  #begin(now: Instant): ProbeEffect[] {
    const closing = this.#close();
    const order = inTurns(this.#observers);
    this.#lastStart = now;
    this.#deadlines.clear('run');
    const [asked] = order;
    if (asked === undefined) return [...closing, { kind: 'profile', profile: UNKNOWN, samples: [] }];
    let written = 0;
    const destinations = (): number => written++;
    const first = new Burst(this.#newSocket(), order.slice(0, PROBES), destinations);
    const filter = new FilterTest(this.#newSocket(), asked, this.#observers, destinations);
    this.#run = { bursts: [first], filter, destinations, complete: false };
    this.#deadlines.set('second-burst', after(now, BETWEEN_BURSTS));
    return [...closing, this.#open(first.socket), this.#open(filter.socket)];
  }

  #doubt(now: Instant): ProbeEffect[] {
    if (this.#run !== undefined || this.#lastStart === undefined) return [];
    const allowed = after(this.#lastStart, DOUBT_INTERVAL);
    if (now >= allowed) return this.#begin(now);
    this.#deadlines.set('run', allowed);
    return [];
  }

  #opened(socket: SocketId, local: Address, now: Instant): ProbeEffect[] {
    if (this.#run === undefined) return [];
    const { bursts, filter } = this.#run;
    if (socket === filter.socket) return filter.opened(now);
    return bursts.find((burst) => burst.socket === socket)?.opened(local, now) ?? [];
  }

  #observed(
    { socket, index, external, token }: Extract<ProbeAnswer, { kind: 'observed' }>,
    now: Instant,
  ): ProbeEffect[] {
    if (this.#run === undefined) return [];
    const { bursts, filter } = this.#run;
    if (socket === filter.socket) return filter.observed(index, external, token, now);
    bursts.find((burst) => burst.socket === socket)?.observed(index, external, now);
    return [];
  }

  #tick(now: Instant): ProbeEffect[] {
    const roundTrip = this.#roundTrip();
    const effects: ProbeEffect[] = this.#parts().flatMap((part) => part.tick(now, roundTrip));
    for (const timer of this.#deadlines.due(now)) {
      switch (timer) {
        case 'second-burst':
          effects.push(...this.#secondBurst(now));
          break;
        case 'third-burst':
          effects.push(...this.#thirdBurst());
          break;
        case 'run':
          effects.push(...this.#begin(now));
          break;
      }
    }
    return effects;
  }

  #secondBurst(now: Instant): ProbeEffect[] {
    if (this.#run === undefined) return [];
    if (this.#carrier !== undefined && agrees(this.#samples(), this.#own, this.#carrier)) {
      this.#run = { ...this.#run, complete: true };
      return [];
    }
    const order = inTurns(this.#observers);
    // Other ports where there are enough of them: a NAT may know the first ones by now.
    const others = order.slice(PROBES, 2 * PROBES);
    const answered = ms(1.5 * Math.min(LONGEST, this.#roundTrip() ?? LONGEST));
    this.#deadlines.set('third-burst', after(now, answered));
    return this.#burst(others.length < PROBES ? order.slice(0, PROBES) : others);
  }

  #thirdBurst(): ProbeEffect[] {
    if (this.#run === undefined || this.#run.complete) return [];
    this.#run = { ...this.#run, complete: true };
    return wantsMore(this.#samples(), this.#own) ? this.#burst(inTurns(this.#observers).slice(0, PROBES)) : [];
  }

  #burst(observers: readonly Observer[]): ProbeEffect[] {
    if (this.#run === undefined) return [];
    const burst = new Burst(this.#newSocket(), observers, this.#run.destinations);
    this.#run = { ...this.#run, bursts: [...this.#run.bursts, burst] };
    return [this.#open(burst.socket)];
  }

  /** The third burst, as soon as the first two are known to need it, or the end. */
  #goOn(now: Instant): ProbeEffect[] {
    const { bursts = [], complete = true } = this.#run ?? {};
    const whole = bursts.length > 1 && bursts.every((burst) => burst.doneAt(ms(0)) === 'now');
    return [...(whole && !complete ? this.#thirdBurst() : []), ...this.#finish(now)];
  }

  #finish(now: Instant): ProbeEffect[] {
    const doneAt = this.#doneAt();
    if (this.#run === undefined || doneAt === undefined || now < doneAt) return [];
    const { filter, bursts } = this.#run;
    const samples = this.#samples();
    const profile = { ...this.#read(samples, filter.trials), quota: quotaOf(bursts) };
    const effects = this.#close();
    this.#silentRuns = samples.length === 0 ? this.#silentRuns + 1 : 0;
    const backoff = samples.length === 0 ? SILENT : REGULAR;
    this.#deadlines.set('run', after(now, interval(backoff, Math.max(0, this.#silentRuns - 1), this.#random)));
    return [...effects, { kind: 'profile', profile, samples }];
  }

  /** A carrier that was recognised by one burst is known better than this burst could tell. */
  #read(samples: readonly Sample[], trials: FilterTrials): NatProfile {
    const carrier = this.#run?.bursts.length === 1 ? this.#carrier : undefined;
    if (carrier === undefined) return classify(samples, trials, this.#own);
    const read = classify(samples, trials, this.#own, { [carrier.kind]: 20 });
    const { kind, offset, step, counters, drift, burstiness, confidence } = carrier;
    const ports = kind === 'block-random' ? read.ports : carrier.ports;
    return { ...read, kind, offset, step, counters, ports, drift, burstiness, confidence };
  }

  #samples(): readonly Sample[] {
    return this.#run?.bursts.flatMap(({ samples }) => samples) ?? [];
  }

  /** When the run has heard all it will hear; undefined while something is still to be sent. */
  #doneAt(): Instant | undefined {
    if (this.#run?.complete !== true) return undefined;
    const patience = this.#patience();
    let latest = -Infinity as Instant;
    for (const part of this.#parts()) {
      const done = part.doneAt(patience);
      if (done === undefined) return undefined;
      if (done !== 'now' && done > latest) latest = done;
    }
    return latest;
  }

  /** How long an answer may take: three of the round trips seen, a second while none was. */
  #patience(): Millis {
    const roundTrip = this.#roundTrip();
    return roundTrip === undefined ? seconds(1) : ms(Math.min(1000, Math.max(150, 3 * roundTrip)));
  }

  #roundTrip(): Millis | undefined {
    const trips = this.#run?.bursts.map((burst) => burst.roundTrip).filter((trip) => trip !== undefined) ?? [];
    return trips.length === 0 ? undefined : ms(Math.max(...trips));
  }

  #parts(): (Burst | FilterTest)[] {
    return this.#run === undefined ? [] : [...this.#run.bursts, this.#run.filter];
  }

  #open(socket: SocketId): ProbeEffect {
    const six = this.#observers.some(({ address }) => address.ip.includes(':'));
    return { kind: 'open', socket, ip: six ? '::' : '0.0.0.0', port: 0 };
  }

  #close(): ProbeEffect[] {
    const effects: ProbeEffect[] = this.#parts().map(({ socket }) => ({ kind: 'close', socket }));
    this.#run = undefined;
    this.#deadlines.clear('second-burst');
    this.#deadlines.clear('third-burst');
    return effects;
  }
}

interface Run {
  readonly bursts: readonly Burst[];
  readonly filter: FilterTest;
  /** Counts up: destinations written to before this one. */
  readonly destinations: () => number;
  /** No burst will follow those that there are. */
  readonly complete: boolean;
}

/** Probes per burst: 2 × 8 told 29 allocators apart with 99.9 % (simulated before the project began, 2026-11). */
const PROBES = 8;
/** Long enough to see a carrier's counter drift, and every answer lost at the usual distances has been asked again. */
const BETWEEN_BURSTS = RETRY;
/** A round trip longer than this is not waited for before a third burst. */
const LONGEST = 333;
/** Homes change their NAT rarely; 60,000 of them asking this often are 530 probes/s (reference, section 7). */
const REGULAR: Backoff = { first: minutes(30), factor: 1, most: minutes(30), jitter: 0.2 };
/** No answer at all: UDP is blocked, or the line is not up yet. */
const SILENT: Backoff = { first: seconds(2), factor: 4, most: minutes(30), jitter: 0.2 };
const DOUBT_INTERVAL = seconds(30);

/** NATs are an IPv4 matter; IPv6 observers are asked only where there are no others. */
function oneFamily(observers: readonly Observer[]): readonly Observer[] {
  const four = observers.filter(({ address }) => !address.ip.includes(':'));
  return four.length > 0 ? four : observers;
}

/** A different IP each time as long as there is one: neighbours in time should differ in what a NAT may look at. */
function inTurns(observers: readonly Observer[]): Observer[] {
  const queues = new Map<string, Observer[]>();
  for (const observer of observers) {
    const queue = queues.get(observer.address.ip);
    if (queue === undefined) queues.set(observer.address.ip, [observer]);
    else queue.push(observer);
  }
  const order: Observer[] = [];
  for (let round = 0; order.length < observers.length; round++) {
    for (const queue of queues.values()) {
      const observer = queue[round];
      if (observer !== undefined) order.push(observer);
    }
  }
  return order;
}
