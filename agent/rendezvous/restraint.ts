import { type Instant, type Millis, minutes, seconds } from '../base/time.ts';
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
/** Records of households and addresses that have been quiet for an hour are forgotten, beginning with the oldest. */
const MOST_RECORDS = 20_000;

interface Household {
  readonly mappings: Rate;
  readonly sprayed: Rate;
  birthday: Instant | undefined;
}

interface Target {
  readonly birthdays: Rate;
  /** Knocks a second that are on their way here until then. */
  sprays: { readonly pace: number; readonly until: Instant }[];
  until: Instant | undefined;
}

/** Says no to an order before a household, an address or its neighbours would get too much. */
export class Restraint {
  readonly #households = new Map<string, Household>();
  readonly #targets = new Map<string, Target>();
  #refused = 0;

  /** Orders refused so far. */
  get refused(): number {
    return this.#refused;
  }

  mappings(household: string, count: number, now: Instant): boolean {
    return this.#say(this.#household(household).mappings.take(now, count));
  }

  spray(household: string, ip: string, count: number, pace: number, now: Instant): boolean {
    const target = this.#target(ip);
    target.sprays = target.sprays.filter(({ until }) => until > now);
    const sum = target.sprays.reduce((all, one) => all + one.pace, pace);
    if (sum > PER_SECOND || !this.#household(household).sprayed.take(now, count)) return this.#say(false);
    target.sprays.push({ pace, until: (now + (1000 * count) / pace) as Instant });
    return true;
  }

  birthday(households: readonly string[], ip: string, now: Instant): boolean {
    const resting = (household: string): boolean => now - (this.#household(household).birthday ?? -Infinity) < APART;
    if (households.some(resting) || this.#underWay(networkOf(ip), now) >= PER_NETWORK) return this.#say(false);
    const target = this.#target(ip);
    if ((target.until !== undefined && target.until > now) || !target.birthdays.take(now)) return this.#say(false);
    target.until = (now + LASTS) as Instant;
    for (const household of households) this.#household(household).birthday = now;
    return true;
  }

  #underWay(network: string, now: Instant): number {
    let count = 0;
    for (const [ip, { until }] of this.#targets) {
      if (until !== undefined && until > now && networkOf(ip) === network) count++;
    }
    return count;
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
    keep(this.#households, name, household);
    return household;
  }

  #target(ip: string): Target {
    const target = this.#targets.get(ip) ?? {
      birthdays: new Rate(BIRTHDAYS.most, BIRTHDAYS.within),
      sprays: [],
      until: undefined,
    };
    keep(this.#targets, ip, target);
    return target;
  }
}

/** The last used goes last; what is over the room is forgotten from the front. */
function keep<Value>(records: Map<string, Value>, name: string, value: Value): void {
  records.delete(name);
  records.set(name, value);
  if (records.size <= MOST_RECORDS) return;
  for (const oldest of records.keys()) {
    records.delete(oldest);
    return;
  }
}

/** The /24 of an IPv4, the whole of anything else. */
function networkOf(ip: string): string {
  return ip.includes(':') ? ip : ip.slice(0, ip.lastIndexOf('.'));
}
