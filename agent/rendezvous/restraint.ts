import { keepNewest } from '../base/newest.ts';
import { after, at, type Instant, type Millis, minutes, ms, seconds, since } from '../base/time.ts';
import { Rate } from '../punch/rate.ts';

/*
 * What may be ordered of all clients together, and towards one address. Reference: section 8 of our notes on NAT
 * traversal; households have the same limits for themselves and refuse what is over them.
 */

/** New mappings of one household: gm-quic's minute of cooling. */
const MAPPINGS = { most: 512, within: minutes(1) } as const;
/** Knocks of sprays that one household is told to send in an hour. */
const SPRAYED = { most: 4000, within: minutes(60) } as const;
/** Knocks a second towards one IPv4, of all households together. */
const PER_SECOND = 200;
/** Birthdays towards one IPv4: one at a time, so many an hour; and so many at a time towards its /24. */
const BIRTHDAYS = { most: 20, within: minutes(60) } as const;
const PER_NETWORK = 2;
/** From one birthday of a household to its next one. */
const APART: Millis = seconds(20);
/** How long a birthday counts as under way: 1750 knocks at 150 a second, and the order's trips. */
const LASTS: Millis = seconds(15);
/** Whose hour is full is asked again so much later. */
const FULL: Millis = minutes(5);
/** Records of households and addresses that have been quiet for an hour are forgotten, beginning with the oldest. */
const MOST_RECORDS = 20_000;

const FAR_BACK = at(-Infinity);

interface Household {
  readonly mappings: Rate;
  readonly sprayed: Rate;
  birthday: Instant | undefined;
}

/** Knocks that are on their way from one household, at so many a second. */
interface Spray {
  readonly by: Household;
  readonly target: Target;
  readonly count: number;
  readonly pace: number;
  readonly from: Instant;
  readonly until: Instant;
}

interface Target {
  readonly birthdays: Rate;
  sprays: Spray[];
  until: Instant | undefined;
}

/** Says no to an order before a household, an address or its neighbours would get too much. */
export class Restraint {
  readonly #households = new Map<string, Household>();
  readonly #targets = new Map<string, Target>();
  /** By the pair they are for, until it is over. */
  readonly #sprays = new Map<number, Spray>();
  #refused = 0;

  /** Orders refused so far. */
  get refused(): number {
    return this.#refused;
  }

  mappings(household: string, count: number, now: Instant): boolean {
    return this.#say(this.#household(household).mappings.take(now, count));
  }

  /** Takes so many knocks of this household for that pair, towards that address: 0, or how long it has to wait until it may ask again. */
  spray(pairId: number, household: string, ip: string, count: number, pace: number, now: Instant): Millis {
    const [target, by] = [this.#target(ip), this.#household(household)];
    target.sprays = target.sprays.filter(({ until }) => until > now);
    const sum = target.sprays.reduce((all, one) => all + one.pace, pace);
    const first = Math.min(...target.sprays.map(({ until }) => until));
    const wait = by.sprayed.room(now) < count ? FULL : sum > PER_SECOND ? Math.max(1, first - now) : 0;
    if (!this.#say(wait === 0)) return ms(wait);
    const spray: Spray = { by, target, count, pace, from: now, until: after(now, ms((1000 * count) / pace)) };
    by.sprayed.add(now, count);
    target.sprays.push(spray);
    this.#sprays.set(pairId, spray);
    return ms(0);
  }

  /** They have met, or gave up: nothing of what they were told to send is under way any more, and the rest is not counted. */
  over(pairId: number, now: Instant): void {
    const spray = this.#sprays.get(pairId);
    if (spray === undefined) return;
    this.#sprays.delete(pairId);
    const { by, target, count, pace, from } = spray;
    target.sprays = target.sprays.filter((one) => one !== spray);
    target.until = undefined;
    const sent = Math.ceil((pace * since(from, now)) / 1000);
    by.sprayed.add(now, Math.min(0, sent - count));
  }

  /** Takes one birthday of these households towards that address: 0, or how long they have to wait until they may ask again. */
  birthday(households: readonly string[], ip: string, now: Instant): Millis {
    const target = this.#target(ip);
    const wait = Math.max(
      ...households.map((household) => since(now, after(this.#household(household).birthday ?? FAR_BACK, APART))),
      since(now, target.until ?? now),
      this.#freeIn(networkOf(ip), now),
      target.birthdays.room(now) < 1 ? FULL : 0,
    );
    if (!this.#say(wait <= 0)) return ms(wait);
    target.birthdays.add(now);
    target.until = after(now, LASTS);
    for (const household of households) this.#household(household).birthday = now;
    return ms(0);
  }

  /** When one more address of that network may be aimed at, from now. */
  #freeIn(network: string, now: Instant): number {
    const ends: Instant[] = [];
    for (const [ip, { until }] of this.#targets) {
      if (until !== undefined && until > now && networkOf(ip) === network) ends.push(until);
    }
    const last = ends.toSorted((a, b) => b - a)[PER_NETWORK - 1];
    return last === undefined ? 0 : since(now, last);
  }

  #say(allowed: boolean): boolean {
    if (!allowed) this.#refused++;
    return allowed;
  }

  #household(name: string): Household {
    const known = this.#households.get(name);
    const household = known ?? {
      mappings: new Rate(MAPPINGS.most, MAPPINGS.within),
      sprayed: new Rate(SPRAYED.most, SPRAYED.within),
      birthday: undefined,
    };
    keepNewest(this.#households, name, household, MOST_RECORDS);
    return household;
  }

  #target(ip: string): Target {
    const target = this.#targets.get(ip) ?? {
      birthdays: new Rate(BIRTHDAYS.most, BIRTHDAYS.within),
      sprays: [],
      until: undefined,
    };
    keepNewest(this.#targets, ip, target, MOST_RECORDS);
    return target;
  }
}

/** The /24 of an IPv4, the whole of anything else. */
function networkOf(ip: string): string {
  return ip.includes(':') ? ip : ip.slice(0, ip.lastIndexOf('.'));
}
