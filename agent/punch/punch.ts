import { type Address, key, sameAddress } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NatKind } from '../base/nat-profile.ts';
import type { SocketId } from '../base/net.ts';
import type { Method, Reason } from '../base/outcome.ts';
import { after, earliest, type Instant, type Millis, ms } from '../base/time.ts';
import type { VolleyPlan } from '../base/volley.ts';
import type { Account } from './account.ts';
import { Battery, type BatteryEffect, type BatteryInput } from './battery.ts';
import { Budget } from './budget.ts';
import { ADOPTED, KNOCK_BYTES, MOST_TARGETS, RETRIES, ROUND, SHOT_BYTES, VERDICT } from './limits.ts';
import type { PunchPlan } from './plan.ts';
import type { Rules } from './rules.ts';
import { allowedTarget } from './target.ts';

export type PunchInput =
  /** Begin; `startIn` from the introduction makes both sides begin together. */
  | { readonly kind: 'start'; readonly startIn?: Millis }
  /** A word over the relay: the peer has begun, and its own NAT is open for us. */
  | { readonly kind: 'begun' }
  /** An authentic datagram of the peer: its way to us is open. */
  | {
      readonly kind: 'heard';
      readonly from: Address;
      readonly socket: SocketId;
      /** An answer to it is on its way already. */
      readonly replied?: true;
    }
  /** An authentic datagram that could only follow one of ours: the way is open in both directions. */
  | { readonly kind: 'answered'; readonly from: Address; readonly socket: SocketId }
  /** An order of the rendezvous. */
  | { readonly kind: 'volley'; readonly volley: VolleyPlan }
  /** Its verdict: this came to nothing; `retryIn` 0 says that it does not try again. */
  | { readonly kind: 'judged'; readonly reason: Reason; readonly retryIn: Millis }
  /** The path that was reached carries nothing any more. */
  | { readonly kind: 'lost' }
  /** The pair is over: sockets are closed. */
  | { readonly kind: 'stop' }
  /** Of the sockets that volleys opened; and of time. */
  | Extract<BatteryInput, { kind: 'opened' | 'failed' | 'tick' }>;

export type PunchEffect =
  /** `knock`: send what proves us to the peer; which bytes that are is the handshake's business. */
  | BatteryEffect
  /** Said once for each path. */
  | { readonly kind: 'reached'; readonly to: Address; readonly socket: SocketId; readonly method: Method }
  /** A round has come to nothing as far as can be seen from here: to be told to the rendezvous. */
  | { readonly kind: 'failed'; readonly reason: Reason }
  /** The last word on that round; the next one begins by itself after `retryIn`, undefined says that there is none. */
  | { readonly kind: 'gave-up'; readonly reason: Reason; readonly retryIn: Millis | undefined };

/** The sockets knocked from; without `six`, IPv6 candidates are left alone. */
export interface Doors {
  readonly four: SocketId;
  readonly six?: SocketId;
}

export interface PunchOptions {
  readonly plan: PunchPlan;
  readonly doors: Doors;
  /** The port that `four` is bound to. */
  readonly port: number;
  /** A number for a socket that nobody else in this household uses. */
  readonly newSocket: () => SocketId;
  /** What punching costs the household, this peer and all others. */
  readonly account: Account;
  readonly rules: Rules;
  /** Our own NAT. */
  readonly nat: NatKind;
}

/**
 * Makes a hole through two NATs, one side of it.
 *
 *   start ──▶ waiting ──▶ knocking ──patience over──▶ (judging) ──▶ resting ──▶ knocking … ──no round left──▶ over
 *                            │ answered                  │ answered                              │ answered
 *                            ▼                           ▼                                       ▼
 *                         choosing (a LAN path may still come) ──▶ reached ──lost──▶ resting
 *
 * It knocks as planned, fires what the rendezvous orders (battery.ts), answers at once whatever address the peer is
 * heard from (a NAT between may have chosen another port than anybody foresaw), and has arrived when the peer has heard
 * us and we the peer. A hole may open late: it listens in every state, and never sends more than its budget.
 */
export class Punch implements Machine<PunchInput, PunchEffect> {
  readonly #plan: PunchPlan;
  readonly #doors: Doors;
  readonly #rules: Rules;
  readonly #budget: Budget;
  readonly #battery: Battery;
  /** Paths knocked at or adopted. */
  readonly #targets = new Set<string>();
  #state: State = { name: 'idle' };
  /** Knocks still to come, in order of time. */
  #agenda: Due[] = [];
  #heard = false;
  #knocked = false;
  /** The peer came in before we had sent it anything. */
  #unasked = false;
  #begun = false;
  #round = 0;

  constructor(options: PunchOptions) {
    const { plan, doors, port, newSocket, account, rules, nat } = options;
    this.#plan = plan;
    this.#doors = doors;
    this.#rules = rules;
    this.#budget = new Budget(account, nat);
    const main = { socket: doors.four, port };
    this.#battery = new Battery({ main, newSocket, account, budget: this.#budget, rules });
    for (const { to } of plan.schedule) this.#targets.add(nameOf({ to, socket: this.#doorTo(to) ?? doors.four }));
  }

  step(input: PunchInput, now: Instant): readonly PunchEffect[] {
    switch (input.kind) {
      case 'start':
        if (this.#state.name !== 'idle') return [];
        this.#state = { name: 'waiting', until: after(now, input.startIn ?? ms(0)) };
        return this.#tick(now);
      case 'heard':
        return this.#answer(input, now);
      case 'answered':
        return this.#arrive({ to: input.from, socket: input.socket }, now);
      case 'begun':
        return this.#hurry(now);
      case 'volley':
        return this.#order(input.volley, now);
      case 'judged':
        return this.#judged(input.reason, input.retryIn, now);
      case 'lost':
        return this.#lost(now);
      case 'stop':
        this.#state = { name: 'over' };
        this.#agenda = [];
        return this.#battery.step(input, now);
      case 'opened':
      case 'failed':
        return this.#battery.step(input, now);
      case 'tick':
        return this.#tick(now);
    }
  }

  wake(): Instant | undefined {
    const next = earliest(this.#agenda[0]?.at, this.#battery.wake());
    switch (this.#state.name) {
      case 'waiting':
      case 'knocking':
      case 'judging':
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
  methodFor(to: Address, socket: SocketId): Method {
    const way = allowedTarget(to, this.#rules.ground);
    if (way === 'lan') return way;
    const door = this.#plan.doors.find((one) => sameAddress(one, to))?.opening ?? 'none';
    if (door !== 'none') return door;
    if (way === 'ipv6') return way;
    if (this.#plan.door !== 'none' && this.#unasked) return this.#plan.door;
    return this.#battery.methodOf(socket, to) ?? this.#plan.method;
  }

  #tick(now: Instant): PunchEffect[] {
    const effects: PunchEffect[] = [];
    switch (this.#state.name) {
      case 'waiting':
      case 'resting':
        if (now >= this.#state.until) this.#begin(now);
        break;
      case 'knocking':
        if (now >= this.#state.until) effects.push(...this.#giveUp(now));
        break;
      case 'judging':
        if (now >= this.#state.until)
          effects.push(this.#rest(this.#state.reason, this.#plan.retries[this.#round - 1], now));
        break;
      case 'choosing':
        if (now >= this.#state.until) effects.push(...this.#settle(this.#state.path, now));
        break;
      case 'idle':
      case 'reached':
      case 'over':
        break;
    }
    const volleys = this.#battery.step({ kind: 'tick' }, now);
    return [...this.#due(now), ...volleys, ...effects];
  }

  #begin(now: Instant): void {
    this.#state = { name: 'knocking', until: after(now, this.#plan.patience) };
    this.#round++;
    for (const { after: span, to, ttl, held = false } of this.#plan.schedule) {
      const socket = this.#doorTo(to);
      if (socket !== undefined) this.#agenda.push({ at: after(now, span), to, socket, ttl, held });
    }
    this.#sort();
    if (this.#begun) this.#release(now);
  }

  #giveUp(now: Instant): PunchEffect[] {
    const busy = this.#battery.busyUntil;
    if (busy !== undefined && busy >= now) {
      this.#state = { name: 'knocking', until: after(busy, AFTERWARDS) };
      return [];
    }
    const reason = this.#heard ? 'loss' : this.#plan.reason;
    const failed: PunchEffect = { kind: 'failed', reason };
    if (!this.#plan.conducted && this.#plan.reason !== 'timeout')
      return [failed, this.#rest(reason, this.#plan.retries[this.#round - 1], now)];
    this.#state = { name: 'judging', reason, until: after(now, VERDICT) };
    return [failed];
  }

  #rest(reason: Reason, retryIn: Millis | undefined, now: Instant): PunchEffect {
    this.#state = retryIn === undefined ? { name: 'over' } : { name: 'resting', until: after(now, retryIn) };
    return { kind: 'gave-up', reason, retryIn };
  }

  #order(volley: VolleyPlan, now: Instant): readonly PunchEffect[] {
    const effects = this.#battery.step({ kind: 'volley', volley }, now);
    const until = after(now, ms(volley.startIn + ROUND));
    switch (this.#state.name) {
      case 'knocking':
      case 'judging':
        if (this.#state.until < until) this.#state = { ...this.#state, until };
        break;
      case 'resting':
      case 'over':
        this.#state = { name: 'knocking', until };
        break;
      case 'idle':
      case 'waiting':
      case 'choosing':
      case 'reached':
        break;
    }
    return effects;
  }

  #judged(reason: Reason, retryIn: Millis, now: Instant): PunchEffect[] {
    this.#budget.judged(now);
    const own = this.#plan.conducted ? undefined : this.#plan.retries[this.#round - 1];
    const again = retryIn === 0 ? own : retryIn;
    switch (this.#state.name) {
      case 'waiting':
      case 'knocking':
      case 'judging':
        this.#agenda = [];
        return [this.#rest(reason, again, now)];
      case 'resting':
        this.#rest(reason, again, now);
        return [];
      case 'idle':
      case 'over':
      case 'choosing':
      case 'reached':
        return [];
    }
  }

  #lost(now: Instant): PunchEffect[] {
    if (this.#state.name !== 'reached') return [];
    this.#heard = false;
    this.#round = 0;
    this.#battery.step({ kind: 'lost' }, now);
    this.#budget.judged(now);
    this.#state = { name: 'resting', until: after(now, RETRIES[0] ?? ROUND) };
    return [{ kind: 'failed', reason: 'timeout' }];
  }

  #hurry(now: Instant): PunchEffect[] {
    this.#begun = true;
    this.#release(now);
    return this.#due(now);
  }

  /** Knocks that were held back leave from now on. */
  #release(now: Instant): void {
    const first = this.#agenda.find(({ held }) => held);
    if (first === undefined || first.at <= now) return;
    const sooner = first.at - now;
    this.#agenda = this.#agenda.map((due) =>
      due.held ? { ...due, at: after(due.at, ms(-sooner)), held: false } : due,
    );
    this.#sort();
  }

  /** The peer is heard: its NAT lets it out to us; ours lets it in; whether it hears us must be tried. */
  #answer({ from, socket, replied }: Extract<PunchInput, { kind: 'heard' }>, now: Instant): PunchEffect[] {
    if (this.#state.name === 'reached' || allowedTarget(from, this.#rules.ground) === undefined) return [];
    if (!this.#knocked) this.#unasked = true;
    this.#heard = true;
    const name = nameOf({ to: from, socket });
    if (!this.#targets.has(name)) {
      if (this.#targets.size >= MOST_TARGETS) return [];
      this.#targets.add(name);
      for (const span of ADOPTED)
        this.#agenda.push({ at: after(now, span), to: from, socket, ttl: undefined, held: false });
      this.#sort();
    }
    return replied === true ? [] : this.#knock({ at: now, to: from, socket, ttl: undefined, held: false }, now);
  }

  #arrive(path: Path, now: Instant): PunchEffect[] {
    this.#heard = true;
    switch (this.#state.name) {
      case 'reached':
        return [];
      case 'choosing':
        return this.#isLan(path) ? this.#settle(path, now) : [];
      case 'idle':
      case 'waiting':
      case 'knocking':
      case 'judging':
      case 'resting':
      case 'over':
        if (this.#plan.lanGrace === 0 || this.#isLan(path)) return this.#settle(path, now);
        this.#state = { name: 'choosing', path, until: after(now, this.#plan.lanGrace) };
        return [];
    }
  }

  #isLan({ to, socket }: Path): boolean {
    return this.methodFor(to, socket) === 'lan';
  }

  #settle(path: Path, now: Instant): PunchEffect[] {
    const method = this.methodFor(path.to, path.socket);
    this.#state = { name: 'reached' };
    this.#agenda = [];
    const closed = this.#battery.step({ kind: 'won', socket: path.socket }, now);
    return [{ kind: 'reached', ...path, method }, ...closed];
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
    // Beside a volley, which may use up all that is allowed, an answer is as short as its shots.
    const terse = this.#battery.busyUntil !== undefined;
    if (!this.#budget.take(now, terse ? SHOT_BYTES : KNOCK_BYTES)) return [];
    this.#knocked = true;
    return [{ kind: 'knock', to, socket, ...(ttl !== undefined && { ttl }), ...(terse && { terse: 'answer' }) }];
  }

  #doorTo({ ip }: Address): SocketId | undefined {
    return ip.includes(':') ? this.#doors.six : this.#doors.four;
  }

  #sort(): void {
    this.#agenda.sort((a, b) => a.at - b.at);
  }
}

/** Datagrams of a volley may be under way when its sockets' time is over. */
const AFTERWARDS = ms(500);

function nameOf({ to, socket }: Path): string {
  return `${socket} ${key(to)}`;
}

interface Path {
  readonly to: Address;
  readonly socket: SocketId;
}

interface Due extends Path {
  readonly at: Instant;
  readonly ttl: number | undefined;
  readonly held: boolean;
}

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'waiting'; readonly until: Instant }
  | { readonly name: 'knocking'; readonly until: Instant }
  /** A path works, but a shorter one may come. */
  | { readonly name: 'choosing'; readonly path: Path; readonly until: Instant }
  /** Given up; the rendezvous may know why. */
  | { readonly name: 'judging'; readonly reason: Reason; readonly until: Instant }
  | { readonly name: 'resting'; readonly until: Instant }
  | { readonly name: 'reached' }
  | { readonly name: 'over' };
