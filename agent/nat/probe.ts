import type { Address } from '../base/address.ts';
import { type Backoff, interval } from '../base/backoff.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Machine } from '../base/machine.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { NetInput, SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { after, earliest, type Instant, type Millis, minutes, ms, seconds } from '../base/time.ts';
import { Burst, RETRY } from './burst.ts';
import { classify, UNKNOWN } from './classify.ts';
import { FilterTest } from './filter-test.ts';
import type { Observer, ProbeAnswer, ProbeOrder } from './orders.ts';
import type { Sample } from './sample.ts';

export type ProbeInput =
  /** Probe now, and from now on with these; `own` are the addresses of our own interfaces. Also after a WAN change. */
  | { readonly kind: 'start'; readonly observers: readonly Address[]; readonly own: readonly string[] }
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
 *            filtering test from another fresh socket, three times 100 ms apart
 *   250 ms   burst 2 from a third fresh socket; what burst 1 has not got, once more
 *   500 ms   what burst 2 has not got, once more
 *   then     `profile` as soon as nothing more is to be expected; the sockets are closed
 *
 * Fresh sockets, because an old hole makes any NAT look better than it is. Again after 30 minutes, after a
 * changed WAN (`start`) and after a failed punch (`doubt`); sooner when no probe was answered at all.
 */
export class Probe implements Machine<ProbeInput, ProbeEffect> {
  readonly #random: Random;
  readonly #newSocket: () => SocketId;
  readonly #deadlines = new Deadlines<'second-burst' | 'run'>();
  #observers: readonly Observer[] = [];
  #own: readonly string[] = [];
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
        return this.#begin(now);
      case 'doubt':
        return this.#doubt(now);
      case 'opened':
        return [...this.#opened(input.socket, input.local, now), ...this.#finish(now)];
      case 'failed':
        this.#parts()
          .find((part) => part.socket === input.socket)
          ?.failed();
        return this.#finish(now);
      case 'observed':
        return [...this.#observed(input, now), ...this.#finish(now)];
      case 'filtered':
        if (this.#run?.filter.socket === input.socket) this.#run.filter.filtered(input.index);
        return this.#finish(now);
      case 'tick':
        return [...this.#tick(now), ...this.#finish(now)];
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
    const first = new Burst(this.#newSocket(), order.slice(0, PROBES));
    const filter = new FilterTest(this.#newSocket(), asked, this.#observers);
    this.#run = { first, filter, second: undefined };
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
    const { first, second, filter } = this.#run;
    if (socket === first.socket) return first.opened(local, now);
    if (socket === second?.socket) return second.opened(local, now);
    return socket === filter.socket ? filter.opened(now) : [];
  }

  #observed(
    { socket, index, external, token }: Extract<ProbeAnswer, { kind: 'observed' }>,
    now: Instant,
  ): ProbeEffect[] {
    if (this.#run === undefined) return [];
    const { first, second, filter } = this.#run;
    if (socket === filter.socket) return filter.observed(token, now);
    for (const burst of [first, second]) if (burst?.socket === socket) burst.observed(index, external, now);
    return [];
  }

  #tick(now: Instant): ProbeEffect[] {
    const effects: ProbeEffect[] = this.#parts().flatMap((part) => part.tick(now));
    for (const timer of this.#deadlines.due(now)) {
      switch (timer) {
        case 'second-burst':
          effects.push(...this.#secondBurst());
          break;
        case 'run':
          effects.push(...this.#begin(now));
          break;
      }
    }
    return effects;
  }

  #secondBurst(): ProbeEffect[] {
    if (this.#run === undefined) return [];
    const order = inTurns(this.#observers);
    // Other ports where there are enough of them: a NAT may know the first ones by now.
    const others = order.slice(PROBES, 2 * PROBES);
    const second = new Burst(this.#newSocket(), others.length < PROBES ? order.slice(0, PROBES) : others);
    this.#run = { ...this.#run, second };
    return [this.#open(second.socket)];
  }

  #finish(now: Instant): ProbeEffect[] {
    const doneAt = this.#doneAt();
    if (this.#run === undefined || doneAt === undefined || now < doneAt) return [];
    const { first, second, filter } = this.#run;
    const samples = [...first.samples, ...(second?.samples ?? [])];
    const effects = this.#close();
    this.#silentRuns = samples.length === 0 ? this.#silentRuns + 1 : 0;
    const backoff = samples.length === 0 ? SILENT : REGULAR;
    this.#deadlines.set('run', after(now, interval(backoff, Math.max(0, this.#silentRuns - 1), this.#random)));
    return [...effects, { kind: 'profile', profile: classify(samples, filter.trials, this.#own), samples }];
  }

  /** When the run has heard all it will hear; undefined while something is still to be sent. */
  #doneAt(): Instant | undefined {
    if (this.#run?.second === undefined) return undefined;
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
    const trips = [this.#run?.first.roundTrip, this.#run?.second?.roundTrip].filter((trip) => trip !== undefined);
    return trips.length === 0 ? seconds(1) : ms(Math.min(1000, Math.max(150, 3 * Math.max(...trips))));
  }

  #parts(): (Burst | FilterTest)[] {
    if (this.#run === undefined) return [];
    const { first, second, filter } = this.#run;
    return second === undefined ? [first, filter] : [first, second, filter];
  }

  #open(socket: SocketId): ProbeEffect {
    const six = this.#observers.some(({ address }) => address.ip.includes(':'));
    return { kind: 'open', socket, ip: six ? '::' : '0.0.0.0', port: 0 };
  }

  #close(): ProbeEffect[] {
    const effects: ProbeEffect[] = this.#parts().map(({ socket }) => ({ kind: 'close', socket }));
    this.#run = undefined;
    this.#deadlines.clear('second-burst');
    return effects;
  }
}

interface Run {
  readonly first: Burst;
  readonly second: Burst | undefined;
  readonly filter: FilterTest;
}

/** Probes per burst: 2 × 8 told 29 allocators apart with 99.9 % (simulated before the project began, 2026-11). */
const PROBES = 8;
/** Long enough to see a carrier's counter drift, and every answer lost at the usual distances has been asked again. */
const BETWEEN_BURSTS = RETRY;
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
