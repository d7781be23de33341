import type { Millis } from '../base/time.ts';
import { type Counting, portAfter } from './brackets.ts';

/*
 * Two counters meet. The anchor H sends one datagram to each of m ports of the walker W that lie two steps apart, ahead
 * of W's counter; brackets show from which ports h(k) they left. W then sends one datagram to each h(k) in the same order:
 *
 *     W's k-th port       c + s (X + k + 1)          X: what strangers took meanwhile, the drift
 *     what h(k) expects   c + s (D + 2k + 1)         D: where the list begins
 *
 * The two differ by X - D - k, which falls by one with each datagram and rises by one with each stranger, so it goes
 * through zero once if D <= X < D + m: there both NATs let the other in.
 *
 * Where the anchor has c counters that take turns, each h(k) is one of c ports. W sends to all of them, the targets lie
 * c + 1 steps apart, and the same holds for each of the c places in turn.
 */

export interface Walk {
  /** Steps from the walker's counter to the first target; may be below 0 only in theory, and is not. */
  readonly lead: number;
  /** Targets. */
  readonly count: number;
}

/** Three standard deviations below the expected drift and as many above, and eight more for what was not expected. */
const [BELOW, WHOLE, SPARE] = [3, 6.5, 8];
const [FEWEST, MOST] = [8, 128];
/** How wrong a rate may be that two bursts a quarter of a second apart have shown. */
const UNSURE = 0.15;
/** Strangers that may come into one bracket of the anchor, on average. */
const STRANGERS = 0.3;
const LARGEST_BRACKET = 8;

/** How far to reach, for a walker whose strangers make `drift` mappings a second, until it fires `span` from its reading. */
export function walkOf(drift: number, burstiness: number, span: Millis, attempt: number): Walk {
  const mean = (drift * span) / 1000;
  const deviation = Math.sqrt(Math.max(1, burstiness) * mean + (UNSURE * mean) ** 2);
  const lead = Math.max(0, Math.floor(mean - BELOW * deviation));
  const wanted = (WHOLE * deviation + SPARE) * 2 ** attempt;
  return { lead, count: Math.min(MOST, Math.max(FEWEST, Math.ceil(wanted))) };
}

/** Knocks between two probes of the anchor, whose datagrams are `gap` apart on their way through its NAT. */
export function bracketSize(drift: number, gap: Millis): number {
  const strangers = (drift * gap) / 1000;
  return Math.max(1, Math.min(LARGEST_BRACKET, Math.floor(STRANGERS / Math.max(strangers, 1e-6))));
}

/** The walker's ports to aim at, from the port its counter gave last; it will send `width` datagrams for each. */
export function targets(last: number, { lead, count }: Walk, width: number, counting: Counting): readonly number[] {
  return Array.from({ length: count }, (_, k) => portAfter(last, lead + (width + 1) * k + 1, counting));
}
