import { type Address, ipBytes } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import type { Method } from '../base/outcome.ts';
import { after, earliest, type Instant, ms } from '../base/time.ts';
import type { Misfire, VolleyPlan } from '../base/volley.ts';
import type { Account } from './account.ts';
import type { Budget } from './budget.ts';
import { LONGEST_KEEP, MANY, MOST_VOLLEYS, SHORTEST_REFRESH, WALKS } from './limits.ts';
import { measure, type Round } from './magazine.ts';
import { objection, type Rules } from './rules.ts';
import { type Barrel, Salvo } from './salvo.ts';
import { allowedTarget } from './target.ts';

export type BatteryInput =
  | { readonly kind: 'volley'; readonly volley: VolleyPlan }
  | Extract<NetInput, { kind: 'opened' | 'failed' | 'tick' }>
  /** A path has been won: nothing else is needed any more. */
  | { readonly kind: 'won'; readonly socket: SocketId }
  /** That path is gone. */
  | { readonly kind: 'lost' }
  /** The pair is over. */
  | { readonly kind: 'stop' };

export type BatteryEffect =
  | Extract<NetEffect, { kind: 'open' | 'close' }>
  /** `terse`: as short as a knock can be, because it is a volley's shot, or an answer beside one. */
  | {
      readonly kind: 'knock';
      readonly to: Address;
      readonly socket: SocketId;
      readonly ttl?: number;
      readonly terse?: 'shot' | 'answer';
    }
  /** To be sealed for that observer; the rendezvous gives it to the plan. */
  | {
      readonly kind: 'probe-shot';
      readonly socket: SocketId;
      readonly observer: number;
      readonly shot: {
        readonly round: number;
        readonly socket: number;
        readonly localPort: number;
        readonly shot: number;
      };
    }
  /** A volley is under way, or why it is not; said again when it ends early or is ordered again. */
  | Report
  /** How full is our own router's table? The answer goes to the account. */
  | { readonly kind: 'read-table' };

export interface Report {
  readonly kind: 'fired';
  readonly round: number;
  readonly misfire: Misfire;
  readonly localPorts: readonly number[];
}

export interface BatteryOptions {
  readonly main: Barrel;
  readonly newSocket: () => SocketId;
  readonly account: Account;
  readonly budget: Budget;
  readonly rules: Rules;
}

/**
 * Fires the volleys that the rendezvous orders for one pair, and keeps the sockets they were fired from.
 *
 *     volley ──▶ sockets opening ──all open──▶ fired ──startIn──▶ salvo ──last shot, keep──▶ sockets closed
 *                     └─ a rule or a limit: fired with its misfire            └─ refresh: knocks once more
 *
 * Each round is carried out once, however often it comes. Whatever is ordered, it stays within the rules and the limits
 * of this household; when a path is won, all sockets but the winner's are closed in the same tick.
 */
export class Battery implements Machine<BatteryInput, BatteryEffect> {
  readonly #options: BatteryOptions;
  readonly #reports = new Map<number, Report | undefined>();
  readonly #groups = new Map<number, Group>();
  #salvos: Firing[] = [];
  #newest = 0;
  /** The fresh socket that the path goes through, open as long as the pair lives. */
  #winner: { readonly socket: SocketId; readonly method: Method } | undefined;
  #isQuiet = false;

  constructor(options: BatteryOptions) {
    this.#options = options;
  }

  step(input: BatteryInput, now: Instant): readonly BatteryEffect[] {
    const out: BatteryEffect[] = [];
    switch (input.kind) {
      case 'volley':
        this.#order(input.volley, now, out);
        break;
      case 'opened':
        this.#opened(input.socket, input.local.port, now, out);
        break;
      case 'failed':
        this.#opened(input.socket, undefined, now, out);
        break;
      case 'won':
        this.#isQuiet = true;
        this.#closeAllBut(input.socket, out);
        break;
      case 'lost':
        this.#isQuiet = false;
        break;
      case 'stop':
        this.#isQuiet = true;
        this.#closeAllBut(undefined, out);
        break;
      case 'tick':
        this.#tick(now, out);
        break;
    }
    return out;
  }

  wake(): Instant | undefined {
    if (this.#salvos.length === 0 && this.#groups.size === 0) return undefined;
    let wake: Instant | undefined;
    for (const { salvo } of this.#salvos) wake = earliest(wake, salvo.wake());
    for (const group of this.#groups.values()) {
      // What is due while it fires is done when the last shot is out, and that is a wake of its own.
      if (group.waiting !== undefined || this.#isFiring(group)) continue;
      wake = earliest(wake, group.closeAt);
      for (const { at } of group.refreshes) wake = earliest(wake, at);
    }
    return wake;
  }

  /** Until when something may still come of what was fired; undefined when nothing is under way. */
  get busyUntil(): Instant | undefined {
    let until: Instant | undefined;
    for (const { salvo } of this.#salvos) until = later(until, salvo.wake());
    for (const group of this.#groups.values()) until = later(until, group.closeAt);
    return until;
  }

  /** How a path to that address is called, when a volley fired there or opened that socket. */
  methodOf(socket: SocketId, to: Address): Method | undefined {
    const aimed = this.#options.budget.methodOf(socket, to);
    if (aimed !== undefined) return aimed;
    if (socket === this.#winner?.socket) return this.#winner.method;
    for (const group of this.#groups.values()) if (group.sockets.has(socket)) return group.method;
    return undefined;
  }

  // -- orders

  #order(volley: VolleyPlan, now: Instant, out: BatteryEffect[]): void {
    const { round, from } = volley;
    if (this.#reports.has(round) || round + MOST_VOLLEYS <= this.#newest) {
      const report = this.#reports.get(round);
      if (report !== undefined) out.push(report);
      return;
    }
    this.#newest = Math.max(this.#newest, round);
    this.#reports.set(round, undefined);
    if (this.#reports.size > REMEMBERED)
      for (const old of [...this.#reports.keys()].slice(0, 1)) this.#reports.delete(old);
    const earlier = from.kind === 'round' ? this.#groups.get(from.round) : undefined;
    const misfire = this.#objection(volley, earlier, now);
    if (misfire !== undefined) {
      this.#report(round, misfire, [], out);
      return;
    }
    if (measure(volley, 1).rounds > MANY || this.#options.account.tableIsDue()) out.push({ kind: 'read-table' });
    const start = after(now, volley.startIn);
    switch (from.kind) {
      case 'main':
        this.#fire(volley, [this.#options.main], undefined, start, out);
        break;
      case 'fresh':
        this.#open(volley, from.sockets, start, out);
        break;
      case 'round':
        if (earlier !== undefined) this.#fire(volley, barrelsOf(earlier), earlier, start, out);
        break;
    }
    this.#tick(now, out);
  }

  #objection(volley: VolleyPlan, earlier: Group | undefined, now: Instant): Misfire | undefined {
    const { from } = volley;
    const { rules, account, budget } = this.#options;
    // The pair has its path: there is nobody to be knocked at.
    if (this.#isQuiet) return 'no-target';
    if (this.#salvos.length + this.#groups.size >= 2 * MOST_VOLLEYS) return 'datagrams';
    if (from.kind === 'round' && (earlier === undefined || earlier.waiting !== undefined)) return 'sockets';
    const sockets = from.kind === 'fresh' ? from.sockets : (earlier?.sockets.size ?? 1);
    const refused = objection(volley, sockets, earlier?.wide ?? 0, rules);
    if (refused !== undefined) return refused;
    if (account.isTableFull) return 'table';
    const size = measure(volley, sockets).rounds;
    if (volley.pace === 0 && size > WALKS.shots && !account.mayWalk(budget.attempt, now)) return 'datagrams';
    return budget.begin(volley.method, from.kind === 'fresh' ? from.sockets : 0, size, now);
  }

  #report(round: number, misfire: Misfire, localPorts: readonly number[], out: BatteryEffect[]): void {
    const report: Report = { kind: 'fired', round, misfire, localPorts };
    if (this.#reports.has(round)) this.#reports.set(round, report);
    out.push(report);
  }

  // -- sockets

  #open(volley: VolleyPlan, sockets: number, start: Instant, out: BatteryEffect[]): void {
    const ids = Array.from({ length: sockets }, () => this.#options.newSocket());
    const { round, method } = volley;
    const group: Group = {
      round,
      method,
      sockets: new Map(),
      waiting: { volley, start, left: new Set(ids) },
      closeAt: start,
      wide: 0,
      refreshes: [],
    };
    this.#groups.set(round, group);
    const six = volley.ips.some((ip) => ipBytes(ip)?.length === 16);
    for (const socket of ids) out.push({ kind: 'open', socket, ip: six ? '::' : '0.0.0.0', port: 0 });
  }

  #opened(socket: SocketId, port: number | undefined, now: Instant, out: BatteryEffect[]): void {
    for (const group of this.#groups.values()) {
      const { waiting } = group;
      if (waiting?.left.delete(socket) !== true) continue;
      if (port === undefined) this.#options.account.closed();
      else group.sockets.set(socket, port);
      if (waiting.left.size > 0) return;
      group.waiting = undefined;
      if (group.sockets.size === 0) {
        this.#groups.delete(group.round);
        this.#report(group.round, 'sockets', [], out);
        return;
      }
      const start = waiting.start > now ? waiting.start : now;
      this.#fire(waiting.volley, barrelsOf(group), group, start, out);
      this.#tick(now, out);
      return;
    }
  }

  #closeAllBut(winner: SocketId | undefined, out: BatteryEffect[]): void {
    this.#salvos = [];
    const before = this.#winner;
    if (before !== undefined && before.socket !== winner) {
      this.#winner = undefined;
      this.#closeOne(before.socket, out);
    }
    for (const group of this.#groups.values()) {
      if (winner !== undefined && group.sockets.delete(winner)) this.#winner = { socket: winner, method: group.method };
      this.#close(group, out);
    }
  }

  #close(group: Group, out: BatteryEffect[]): void {
    this.#groups.delete(group.round);
    for (const socket of [...group.sockets.keys(), ...(group.waiting?.left ?? [])]) this.#closeOne(socket, out);
  }

  #closeOne(socket: SocketId, out: BatteryEffect[]): void {
    this.#options.account.closed();
    out.push({ kind: 'close', socket });
  }

  // -- fire

  #fire(
    volley: VolleyPlan,
    barrels: readonly Barrel[],
    group: Group | undefined,
    start: Instant,
    out: BatteryEffect[],
  ): void {
    const ports = volley.from.kind === 'main' ? [] : barrels.slice(0, TOLD).map(({ port }) => port);
    this.#salvos.push({ salvo: new Salvo(volley, barrels, start, volley.pace, false), group, again: false });
    if (group !== undefined) group.wide += measure(volley, barrels.length).widest;
    this.#report(volley.round, 'none', ports, out);
  }

  #tick(now: Instant, out: BatteryEffect[]): void {
    for (const firing of this.#salvos) {
      const { salvo, again, group } = firing;
      if (!salvo.isOver && salvo.wake() > now) continue;
      const misfire = salvo.fire(now, (round, barrel) => this.#shoot(salvo.volley, round, barrel, now, out));
      if (misfire !== undefined && !again) {
        this.#report(salvo.volley.round, misfire, this.#reports.get(salvo.volley.round)?.localPorts ?? [], out);
      }
      if (salvo.isOver && group !== undefined) this.#rest(salvo.volley, group, again, now);
    }
    this.#salvos = this.#salvos.filter(({ salvo }) => !salvo.isOver);
    for (const group of this.#groups.values()) {
      if (group.waiting !== undefined || this.#isFiring(group)) continue;
      if (now < group.closeAt) {
        this.#refresh(group, now, out);
        continue;
      }
      this.#close(group, out);
    }
  }

  /** The last shot of a volley is out. */
  #rest(volley: VolleyPlan, group: Group, again: boolean, now: Instant): void {
    if (!again) {
      const keep = ms(Math.min(volley.keep, LONGEST_KEEP));
      group.closeAt = later(group.closeAt, after(now, keep)) ?? now;
    }
    if (volley.refresh === 0) return;
    const every = ms(Math.max(volley.refresh, SHORTEST_REFRESH));
    group.refreshes.push({ volley, at: after(now, every) });
  }

  #refresh(group: Group, now: Instant, out: BatteryEffect[]): void {
    const due = group.refreshes.filter(({ at }) => at <= now);
    if (due.length === 0) return;
    group.refreshes = group.refreshes.filter(({ at }) => at > now);
    for (const { volley } of due) {
      const salvo = new Salvo(volley, barrelsOf(group), now, volley.pace === 0 ? USUAL_PACE : volley.pace, true);
      this.#salvos.push({ salvo, group, again: true });
    }
    this.#tick(now, out);
  }

  #shoot(
    volley: VolleyPlan,
    round: Round,
    { socket, port }: Barrel,
    now: Instant,
    out: BatteryEffect[],
  ): Misfire | undefined {
    const { account, budget, main, rules } = this.#options;
    if (account.isTableFull) return 'table';
    const target = round.kind === 'probe' ? round.observer : { ip: round.ip, port: round.port };
    // A port of the rendezvous itself may lie in a range: it is passed over.
    if (typeof target === 'object' && allowedTarget(target, rules.ground) === undefined) return undefined;
    const isMain = socket === main.socket;
    const refused = budget.shoot({ socket, main: isMain }, target, volley.method, now);
    if (refused !== undefined) return refused;
    if (account.tableIsDue()) out.push({ kind: 'read-table' });
    if (typeof target === 'object') {
      const knock = { kind: 'knock', to: target, socket, terse: 'shot' } as const;
      out.push(volley.ttl === 0 ? knock : { ...knock, ttl: volley.ttl });
      return undefined;
    }
    const { shot, by } = round;
    const facts = { round: volley.round, socket: isMain ? 0 : by, localPort: port, shot };
    out.push({ kind: 'probe-shot', socket, observer: target, shot: facts });
    return undefined;
  }

  #isFiring(group: Group): boolean {
    return this.#salvos.some((firing) => firing.group === group);
  }
}

/** Fresh sockets of one round. */
interface Group {
  readonly round: number;
  readonly method: Method;
  /** Open ones and the ports they are bound to. */
  readonly sockets: Map<SocketId, number>;
  /** The volley, until all sockets are open. */
  waiting: { readonly volley: VolleyPlan; readonly start: Instant; readonly left: Set<SocketId> } | undefined;
  closeAt: Instant;
  /** Addresses that the busiest socket has written to. */
  wide: number;
  refreshes: { readonly volley: VolleyPlan; readonly at: Instant }[];
}

interface Firing {
  readonly salvo: Salvo;
  readonly group: Group | undefined;
  readonly again: boolean;
}

const REMEMBERED = 256;
/** Local ports that a report names. */
const TOLD = 8;
/** Datagrams a second where a burst is repeated. */
const USUAL_PACE = 100;

function barrelsOf(group: Group): Barrel[] {
  return [...group.sockets].map(([socket, port]) => ({ socket, port }));
}

function later(a: Instant | undefined, b: Instant): Instant {
  return a === undefined || b > a ? b : a;
}
