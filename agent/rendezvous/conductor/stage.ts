import type { Address } from '../../base/address.ts';
import type { NatProfile } from '../../base/nat-profile.ts';
import type { Random } from '../../base/random.ts';
import { after, earliest, type Instant, type Millis, ms } from '../../base/time.ts';
import type { Misfire, VolleyPlan } from '../../base/volley.ts';
import { MAPPINGS_AT_ONCE, MOST_MAPPINGS } from '../../punch/limits.ts';
import { measure, rounds } from '../../punch/magazine.ts';

/** The two households of a pair. */
export const ROLES = ['asker', 'target'] as const;
export type Role = (typeof ROLES)[number];

export const otherThan = (role: Role): Role => (role === 'asker' ? 'target' : 'asker');

/** What the conductor believes of one of them. */
export interface Party {
  readonly profile: NatProfile;
  /** Where its session comes from. */
  readonly address: Address;
  /** External IPs where it has proven to be: nobody is told to fire at any other, whatever its probes seem to come from. */
  readonly ips: readonly string[];
  /** Its round trip to the rendezvous. */
  readonly rtt: Millis;
  /** How long a mapping lives there without traffic, where that is known. */
  readonly timeout?: Millis | undefined;
  /** Outside ports that its probes were lately seen at. */
  readonly taken?: ReadonlySet<number> | undefined;
}

/** One shot that an observer saw. */
export interface Sight {
  readonly socket: number;
  readonly shot: number;
  readonly localPort: number;
  readonly external: Address;
  readonly at: Instant;
}

/** What is ordered; the rest of a volley has usual values. */
export interface Order extends Pick<VolleyPlan, 'method' | 'from' | 'shots' | 'ips'> {
  readonly startIn?: Millis;
  readonly pace?: number;
  readonly ttl?: number;
  readonly refresh?: Millis;
  readonly keep?: Millis;
  /** All of it was sent before, so nothing gets a new mapping. */
  readonly again?: true;
}

/** A pause of a script: it goes on when that is true, or then. */
export interface Pause {
  readonly until: Instant;
  readonly enough: () => boolean;
}

/** A plan is a script that fires, pauses, and looks at what was seen. */
export type Script<Result> = Generator<Pause, Result, undefined>;

/** One volley that was ordered, and what has come of it. */
export interface Round {
  readonly role: Role;
  readonly plan: VolleyPlan;
  readonly sights: Map<string, Sight>;
  misfire: Misfire | undefined;
  localPorts: readonly number[];
}

/** Datagrams of a burst in the order they left, with the outer port where it was seen. */
export interface Burst {
  readonly ports: readonly (number | undefined)[];
  /** Places in `ports` of what went to the peer, and from which socket, to which port. */
  readonly knocks: readonly { readonly place: number; readonly socket: number; readonly to: number }[];
  /** The proven external IP that most of it came from, and the ports are those of; undefined when none was proven. */
  readonly ip: string | undefined;
}

/** What our usual volley keeps its sockets for: longer than any plan goes on. */
const KEEP = ms(20_000);
/** A volley that no `fired` answers is sent again so often in all, after one and a half round trips and a little. */
const SENDINGS = 3;
const [RESEND, RESEND_LEAST] = [1.5, ms(60)];
/** Probes of one side that say something of its line. */
const TELLING = 9;
/** An order may be carried out a little later than the one before it. */
const SLACK = 200;

/** What the scripts of one conductor play on: two households that can be given orders, and what the observers see. */
export class Stage {
  readonly parties: Readonly<Record<Role, Party>>;
  /** Places of the observers to aim at, addresses taking turns. */
  readonly observers: readonly number[];
  readonly random: Random;
  now: Instant;
  #rounds: number;
  readonly #ordered = new Map<string, Round>();
  #unanswered: { readonly round: Round; readonly since: Instant; sendings: number; at: Instant }[] = [];
  /** Round trips of volleys; `sure` when it was sent once. */
  readonly #trips: Partial<Record<Role, { readonly span: Millis; readonly sure: boolean }>> = {};
  /** Datagrams ordered of each, each maybe a new mapping. */
  readonly #spent: { readonly role: Role; readonly at: Instant; readonly count: number }[] = [];
  #outbox: { readonly role: Role; readonly plan: VolleyPlan }[] = [];

  constructor(options: Pick<Stage, 'parties' | 'observers' | 'random' | 'now'> & { readonly round: number }) {
    this.parties = options.parties;
    this.observers = options.observers;
    this.random = options.random;
    this.now = options.now;
    this.#rounds = options.round;
  }

  /** The number of the last volley. */
  get round(): number {
    return this.#rounds;
  }

  /** Volleys to be sent now. */
  take(): readonly { readonly role: Role; readonly plan: VolleyPlan }[] {
    const taken = this.#outbox;
    this.#outbox = [];
    return taken;
  }

  fire(role: Role, order: Order): Round {
    const { startIn = ms(0), pace = 0, ttl = 0, refresh = ms(0), keep = KEEP, again = false, ...facts } = order;
    const plan = { ...facts, startIn, pace, ttl, refresh, keep, round: ++this.#rounds };
    const round: Round = { role, plan, sights: new Map(), misfire: undefined, localPorts: [] };
    this.#ordered.set(nameOf(role, plan.round), round);
    const sockets = plan.from.kind === 'fresh' ? plan.from.sockets : 1;
    if (!again) this.#spent.push({ role, at: this.now, count: measure(plan, sockets).rounds });
    this.#outbox.push({ role, plan });
    this.#unanswered.push({ round, since: this.now, sendings: 1, at: this.#resendAt(role) });
    return round;
  }

  seen(role: Role, number: number, sight: Sight): void {
    const round = this.#ordered.get(nameOf(role, number));
    // The main socket is the first of its volley.
    round?.sights.set(`${Math.max(1, sight.socket)} ${sight.shot}`, sight);
  }

  fired(role: Role, number: number, misfire: Misfire, localPorts: readonly number[]): void {
    const round = this.#ordered.get(nameOf(role, number));
    if (round === undefined) return;
    round.misfire = misfire;
    round.localPorts = localPorts;
    const order = this.#unanswered.find((one) => one.round === round);
    if (order !== undefined) this.#measure(role, ms(this.now - order.since), order.sendings === 1);
    this.#unanswered = this.#unanswered.filter((one) => one.round !== round);
  }

  /** Sends again what nobody has answered. */
  tick(): void {
    for (const one of this.#unanswered) {
      if (one.at > this.now) continue;
      one.sendings++;
      one.at = this.#resendAt(one.round.role);
      this.#outbox.push({ role: one.round.role, plan: one.round.plan });
    }
    this.#unanswered = this.#unanswered.filter(({ sendings }) => sendings < SENDINGS);
  }

  wake(): Instant | undefined {
    let wake: Instant | undefined;
    for (const { at } of this.#unanswered) wake = earliest(wake, at);
    return wake;
  }

  /** The shots of a round in the order they left its socket, or sockets. */
  burst({ role, plan, sights }: Round): Burst {
    const sockets = plan.from.kind === 'fresh' ? plan.from.sockets : 1;
    const ports: (number | undefined)[] = [];
    const knocks: { place: number; socket: number; to: number }[] = [];
    const ip = commonest(
      [...sights.values()].map(({ external }) => external.ip).filter((one) => this.parties[role].ips.includes(one)),
    );
    for (const one of rounds(plan, sockets, false)) {
      const sight = one.kind === 'probe' ? sights.get(`${one.by} ${one.shot}`) : undefined;
      if (one.kind === 'knock') knocks.push({ place: ports.length, socket: one.by, to: one.port });
      ports.push(sight !== undefined && sight.external.ip === ip ? sight.external.port : undefined);
    }
    return { ports, knocks, ip };
  }

  /** New mappings that this household's own limits still allow at once. */
  room(role: Role): number {
    const own = this.#spent.filter((one) => one.role === role);
    const recent = own.filter(({ at }) => this.now - at < MAPPINGS_AT_ONCE.within + SLACK);
    const sum = (all: readonly { readonly count: number }[]): number => all.reduce((so, { count }) => so + count, 0);
    return Math.min(MAPPINGS_AT_ONCE.most - sum(recent), MOST_MAPPINGS - sum(own));
  }

  /** What is left of them in this attempt. */
  left(role: Role): number {
    return MOST_MAPPINGS - this.#spent.reduce((sum, one) => sum + (one.role === role ? one.count : 0), 0);
  }

  /** Share of the probes that were seen, of all that were fired; of one side, where it fired enough to say. */
  arrived(): number {
    const count = { asker: { seen: 0, fired: 0 }, target: { seen: 0, fired: 0 } };
    for (const round of this.#ordered.values()) {
      if (round.misfire !== 'none' && (isRefused(round) || round.sights.size === 0)) continue;
      const { ports, knocks } = this.burst(round);
      count[round.role].fired += ports.length - knocks.length;
      count[round.role].seen += round.sights.size;
    }
    const { asker, target } = count;
    const both = { seen: asker.seen + target.seen, fired: asker.fired + target.fired };
    const shares = [both, ...[asker, target].filter(({ fired }) => fired >= TELLING)].map(({ seen, fired }) =>
      fired === 0 ? 1 : seen / fired,
    );
    return Math.min(...shares);
  }

  /** Sockets of that side whose probes were seen in part: a line loses them like that, a quota refuses all. */
  halves(role: Role): number {
    let count = 0;
    for (const round of this.#ordered.values()) {
      const { plan, sights } = round;
      if (round.role !== role || plan.from.kind !== 'fresh') continue;
      const fired = new Map<number, number>();
      for (const one of rounds(plan, plan.from.sockets, false))
        if (one.kind === 'probe') fired.set(one.by, (fired.get(one.by) ?? 0) + 1);
      const seen = [...sights.values()].reduce(
        (so, { socket }) => so.set(socket, (so.get(socket) ?? 0) + 1),
        new Map<number, number>(),
      );
      for (const [socket, number] of seen) if (number < (fired.get(socket) ?? 0)) count++;
    }
    return count;
  }

  /** Waits for so long, or until it is true. */
  *wait(span: number, enough: () => boolean = never): Script<boolean> {
    const until = after(this.now, ms(span));
    while (!enough() && this.now < until) yield { until, enough };
    return enough();
  }

  /** Round trip to that household and back: of the last volley it answered, before that what it said itself. */
  rtt(role: Role): Millis {
    return this.#trips[role]?.span ?? this.parties[role].rtt;
  }

  /** How long an answer of this household may take, its order sent again included. */
  patience(role: Role): Millis {
    return ms(SENDINGS * this.#resendIn(role));
  }

  /** From an order to a path that is reported, when it works: order, knock, answer, report. */
  meeting(role: Role): Millis {
    const [a, b] = [this.rtt('asker'), this.rtt('target')];
    return ms(this.rtt(role) / 2 + a + b + Math.max(a, b) / 2);
  }

  #resendAt(role: Role): Instant {
    return after(this.now, this.#resendIn(role));
  }

  #resendIn(role: Role): Millis {
    return ms(Math.max(RESEND_LEAST, RESEND * this.rtt(role)));
  }

  /** Of an order that was sent more than once nobody knows which was answered: the first, as long as nothing better is known. */
  #measure(role: Role, span: Millis, sure: boolean): void {
    if (sure || this.#trips[role]?.sure !== true) this.#trips[role] = { span, sure };
  }
}

/** Its household did not fire it, or not to its end. */
export function isRefused({ misfire }: Round): boolean {
  return misfire !== undefined && misfire !== 'none';
}

function commonest(words: readonly string[]): string | undefined {
  const count = (word: string): number => words.filter((one) => one === word).length;
  return [...new Set(words)].sort((a, b) => count(b) - count(a))[0];
}

function nameOf(role: Role, round: number): string {
  return `${role} ${round}`;
}

function never(): boolean {
  return false;
}
