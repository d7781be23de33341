import { type Address, key } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { SocketId } from '../base/net.ts';
import type { Method, Reason } from '../base/outcome.ts';
import { after, earliest, type Instant, type Millis, ms } from '../base/time.ts';
import { Budget } from './budget.ts';
import { ADOPTED, MOST_TARGETS } from './limits.ts';
import type { PunchPlan } from './plan.ts';
import { allowedTarget, type Ground } from './target.ts';

export type PunchInput =
  /** Begin; `startIn` from the introduction makes both sides begin together. */
  | { readonly kind: 'start'; readonly startIn?: Millis }
  /** An authentic datagram of the peer: its way to us is open. */
  | { readonly kind: 'heard'; readonly from: Address; readonly socket: SocketId }
  /** An authentic datagram that could only follow one of ours: the way is open in both directions. */
  | { readonly kind: 'answered'; readonly from: Address; readonly socket: SocketId }
  | { readonly kind: 'tick' };

export type PunchEffect =
  /** Send what proves us to the peer: which bytes that are is the handshake's business. */
  | { readonly kind: 'knock'; readonly to: Address; readonly socket: SocketId; readonly ttl?: number }
  /** Said once. */
  | { readonly kind: 'reached'; readonly to: Address; readonly socket: SocketId; readonly method: Method }
  /** A round has failed; the next one begins by itself after `retryIn`, undefined says that there is none. */
  | { readonly kind: 'gave-up'; readonly reason: Reason; readonly retryIn: Millis | undefined };

/** The sockets knocked from; without `six`, IPv6 candidates are left alone. */
export interface Doors {
  readonly four: SocketId;
  readonly six?: SocketId;
}

/**
 * Makes a hole through two NATs, one side of it.
 *
 *   start ──▶ waiting ──▶ knocking ──patience over──▶ resting ──▶ knocking … ──no round left──▶ over
 *                            │ answered                  │ answered                              │ answered
 *                            ▼                           ▼                                       ▼
 *                         choosing (a LAN path may still come) ──▶ reached
 *
 * It knocks as planned, answers at once whatever address the peer is heard from (a NAT between may have chosen
 * another port than anybody foresaw), and has arrived when the peer has heard us and we the peer. A hole may
 * open late: it listens in every state, and never sends more than its budget.
 */
export class Punch implements Machine<PunchInput, PunchEffect> {
  readonly #plan: PunchPlan;
  readonly #doors: Doors;
  readonly #ground: Ground;
  readonly #budget = new Budget();
  /** Addresses knocked at or adopted. */
  readonly #targets = new Set<string>();
  #state: State = { name: 'idle' };
  /** Knocks still to come, in order of time. */
  #agenda: Due[] = [];
  #heard = false;
  #round = 0;

  constructor(options: { readonly plan: PunchPlan; readonly doors: Doors; readonly ground: Ground }) {
    this.#plan = options.plan;
    this.#doors = options.doors;
    this.#ground = options.ground;
    for (const { to } of options.plan.schedule) this.#targets.add(key(to));
  }

  step(input: PunchInput, now: Instant): readonly PunchEffect[] {
    switch (input.kind) {
      case 'start':
        if (this.#state.name !== 'idle') return [];
        this.#state = { name: 'waiting', until: after(now, input.startIn ?? ms(0)) };
        return this.#tick(now);
      case 'heard':
        return this.#answer(input.from, input.socket, now);
      case 'answered':
        return this.#arrive({ to: input.from, socket: input.socket }, now);
      case 'tick':
        return this.#tick(now);
    }
  }

  wake(): Instant | undefined {
    const next = this.#agenda[0]?.at;
    switch (this.#state.name) {
      case 'waiting':
      case 'knocking':
      case 'resting':
      case 'choosing':
        return earliest(next, this.#state.until);
      case 'idle':
      case 'reached':
      case 'over':
        return next;
    }
  }

  /** Datagrams ordered so far. */
  get sent(): number {
    return this.#budget.sent;
  }

  /** What a path to that address is called. */
  methodFor(to: Address): Method {
    const way = allowedTarget(to, this.#ground);
    return way === 'lan' || way === 'ipv6' ? way : this.#plan.method;
  }

  #tick(now: Instant): PunchEffect[] {
    const effects: PunchEffect[] = [];
    switch (this.#state.name) {
      case 'waiting':
      case 'resting':
        if (now >= this.#state.until) this.#begin(now);
        break;
      case 'knocking':
        if (now >= this.#state.until) effects.push(this.#giveUp(now));
        break;
      case 'choosing':
        if (now >= this.#state.until) effects.push(this.#settle(this.#state.path));
        break;
      case 'idle':
      case 'reached':
      case 'over':
        break;
    }
    return [...this.#due(now), ...effects];
  }

  #begin(now: Instant): void {
    this.#state = { name: 'knocking', until: after(now, this.#plan.patience) };
    this.#round++;
    for (const { after: span, to, ttl } of this.#plan.schedule) {
      const socket = this.#doorTo(to);
      if (socket !== undefined) this.#agenda.push({ at: after(now, span), to, socket, ttl });
    }
    this.#sort();
  }

  #giveUp(now: Instant): PunchEffect {
    const retryIn = this.#plan.retries[this.#round - 1];
    this.#state = retryIn === undefined ? { name: 'over' } : { name: 'resting', until: after(now, retryIn) };
    return { kind: 'gave-up', reason: this.#heard ? 'loss' : this.#plan.reason, retryIn };
  }

  /** The peer is heard: its NAT lets it out to us; ours lets it in; whether it hears us must be tried. */
  #answer(from: Address, socket: SocketId, now: Instant): PunchEffect[] {
    if (this.#state.name === 'reached' || allowedTarget(from, this.#ground) === undefined) return [];
    this.#heard = true;
    if (!this.#targets.has(key(from))) {
      if (this.#targets.size >= MOST_TARGETS) return [];
      this.#targets.add(key(from));
      for (const span of ADOPTED) this.#agenda.push({ at: after(now, span), to: from, socket, ttl: undefined });
      this.#sort();
    }
    return this.#knock({ at: now, to: from, socket, ttl: undefined }, now);
  }

  #arrive(path: Path, now: Instant): PunchEffect[] {
    this.#heard = true;
    switch (this.#state.name) {
      case 'reached':
        return [];
      case 'choosing':
        return this.methodFor(path.to) === 'lan' ? [this.#settle(path)] : [];
      case 'idle':
      case 'waiting':
      case 'knocking':
      case 'resting':
      case 'over':
        if (this.#plan.lanGrace === 0 || this.methodFor(path.to) === 'lan') return [this.#settle(path)];
        this.#state = { name: 'choosing', path, until: after(now, this.#plan.lanGrace) };
        return [];
    }
  }

  #settle(path: Path): PunchEffect {
    this.#state = { name: 'reached' };
    this.#agenda = [];
    return { kind: 'reached', ...path, method: this.methodFor(path.to) };
  }

  #due(now: Instant): PunchEffect[] {
    const effects: PunchEffect[] = [];
    while (this.#agenda[0] !== undefined && this.#agenda[0].at <= now) {
      const due = this.#agenda.shift();
      if (due !== undefined) effects.push(...this.#knock(due, now));
    }
    return effects;
  }

  /** A knock over the budget is left out, not put off: a late one is worth nothing. */
  #knock({ to, socket, ttl }: Due, now: Instant): PunchEffect[] {
    if (!this.#budget.take(now)) return [];
    return [ttl === undefined ? { kind: 'knock', to, socket } : { kind: 'knock', to, socket, ttl }];
  }

  #doorTo({ ip }: Address): SocketId | undefined {
    return ip.includes(':') ? this.#doors.six : this.#doors.four;
  }

  #sort(): void {
    this.#agenda.sort((a, b) => a.at - b.at);
  }
}

interface Path {
  readonly to: Address;
  readonly socket: SocketId;
}

interface Due extends Path {
  readonly at: Instant;
  readonly ttl: number | undefined;
}

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'waiting'; readonly until: Instant }
  | { readonly name: 'knocking'; readonly until: Instant }
  /** A path works, but a shorter one may come. */
  | { readonly name: 'choosing'; readonly path: Path; readonly until: Instant }
  | { readonly name: 'resting'; readonly until: Instant }
  | { readonly name: 'reached' }
  | { readonly name: 'over' };
