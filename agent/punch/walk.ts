import type { NatProfile } from '../base/nat-profile.ts';
import type { Millis } from '../base/time.ts';
import { type Counting, portAfter } from './brackets.ts';

/*
 * Two counters meet. The anchor H sends one datagram to each of m ports of the walker W that lie 2g steps apart, ahead
 * of W's counter; brackets show from which ports h(j) they left. W is read once more and then sends g datagrams, from g
 * sockets, to each h(j) in the same order, from the j0-th on:
 *
 *     W's ports for the i-th         c + s (Y + g i + 1 ... g)       Y: steps that W's counter has taken since it was read
 *     what h(j0 + i) expects         c + s (D + 2g (j0 + i) + g)     D: where the list begins
 *
 * The two differ by Y - D - 2g j0 - g i, which falls by g from one hole to the next and rises by one with each stranger.
 * So it comes by 0 ... g - 1 once if D + 2g j0 <= Y < D + 2g j0 + g n, and there both NATs let the other in. The list is
 * long enough for the time of both round trips, the walk only for that of the last one.
 *
 * Where the anchor has c counters that take turns, each h(j) is one of c ports. W sends to all of them, from one socket;
 * the targets lie c + 1 steps apart, and the same holds for each of the c places in turn.
 */

/** How busy the strangers behind the walker's address are. */
export type Pace = Pick<NatProfile, 'drift' | 'burstiness'>;

/** From so many to so many, both included. */
export interface Reach {
  readonly least: number;
  readonly most: number;
}

/** The anchor's holes. */
export interface Holes {
  /** Steps of the walker's counter from where it was read, from which on they are met. */
  readonly lead: number;
  readonly count: number;
  /** Ports that each may have. */
  readonly width: number;
  /** Datagrams of the walker to each of these. */
  readonly depth: number;
}

/** Which of the holes the walker walks through. */
export interface Walk {
  readonly first: number;
  readonly count: number;
}

/** Standard deviations about the expected drift: a walk that misses costs less than one that is longer each time. */
const DEVIATIONS = 2;
/** One more deviation upwards, for who has been quiet so far. */
const UNEXPECTED = 4;
/** How wrong a rate may be that two bursts a quarter of a second apart have shown. */
const UNSURE = 0.15;
/** As many as may be new at once. */
const MOST = 128;
/** With more the anchor would need fewer holes, and the walker more sockets. */
const DEPTH = 2;
/** Strangers that may come into one bracket of the anchor, on average. */
const STRANGERS = 0.3;
const LARGEST_BRACKET = 8;

/** How many mappings strangers make in so long, nearly always. */
export function strangers({ drift, burstiness }: Pace, span: Millis): Reach {
  const mean = (drift * span) / 1000;
  const variance = Math.max(1, burstiness) * mean + (UNSURE * mean) ** 2;
  return {
    least: Math.max(0, Math.floor(mean - DEVIATIONS * Math.sqrt(variance))),
    most: Math.ceil(mean + DEVIATIONS * Math.sqrt(variance + UNEXPECTED ** 2)),
  };
}

/** Holes for a walker whose counter will have taken so many steps when it fires, of which it then knows all but `steps`. */
export function holesFor(whole: Reach, steps: number, width: number, deepest = DEPTH): Holes {
  const span = whole.most - whole.least + 1;
  const last = Math.min(span, steps);
  const depth = width > 1 ? 1 : deepest;
  const apart = depth * (width + 1);
  const count = Math.floor((span - last) / apart) + Math.floor((last + apart + width - 3) / depth) + 1;
  return { lead: whole.least, count: Math.min(MOST, count), width, depth };
}

/** The walker's ports to aim at, from the port its counter gave when it was read. */
export function targets(origin: number, holes: Holes, counting: Counting): readonly number[] {
  return Array.from({ length: holes.count }, (_, j) => portAfter(origin, beginning(holes, j) + holes.depth, counting));
}

/** Where to walk when the walker's counter has taken so many steps. */
export function walkThrough(holes: Holes, { least, most }: Reach): Walk {
  const { count, width, depth } = holes;
  const first = Math.max(0, Math.min(count, Math.floor((least - holes.lead) / (depth * (width + 1)))));
  const wanted = Math.ceil((most - beginning(holes, first) + width) / depth);
  return { first, count: Math.max(0, Math.min(count - first, wanted)) };
}

/** Could the two have met, if the walker's counter had taken so many steps before its first datagram? */
export function mayMeet(holes: Holes, { first, count }: Walk, steps: number): boolean {
  const begin = beginning(holes, first);
  return steps > begin - holes.width && steps < begin + holes.depth * count;
}

/** The part of the walk where they then met, with so many holes beside it. */
export function placeOf(holes: Holes, { first, count }: Walk, steps: number, beside: number): Walk {
  const passed = Math.floor((steps - beginning(holes, first)) / holes.depth);
  const place = Math.min(first + count - 1, Math.max(first, first + passed));
  const [from, to] = [Math.max(first, place - beside), Math.min(first + count, place + 2)];
  return { first: from, count: to - from };
}

/** Knocks between two probes of the anchor, whose datagrams are `gap` apart on their way through its NAT. */
export function bracketSize(drift: number, gap: Millis): number {
  const between = (drift * gap) / 1000;
  return Math.max(1, Math.min(LARGEST_BRACKET, Math.floor(STRANGERS / Math.max(between, 1e-6))));
}

/** Steps from which on a walk that begins with this hole meets it. */
function beginning({ lead, width, depth }: Holes, hole: number): number {
  return lead + depth * (width + 1) * hole;
}
