import type { NatProfile, PortRange } from '../base/nat-profile.ts';

/** How a NAT counts: from one new mapping to the next, round and round in its range. */
export interface Counting {
  /** Signed, never 0. */
  readonly step: number;
  /** How many such counters take turns. */
  readonly counters: number;
  readonly range: PortRange;
}

/** Where ports come from as long as nothing else is known: the registered and dynamic ones of RFC 6335. */
export const ALL_PORTS: PortRange = { from: 1024, to: 65535 };

/** Ports tried for one datagram: in a wider bracket strangers were too busy, and the next bracket costs less than a scan. */
export const MOST_PER_BRACKET = 8;
/** Beyond the last port that was seen, with nothing to end the guess; and per counter, where several take turns. */
const BEYOND = 3;
const PER_COUNTER = 4;
/** A port so many steps on may still come from the same of several counters, strangers' flows between included. */
const REACH = 32;

export function countingOf(profile: NatProfile): Counting {
  const { step, counters, kind, ports } = profile;
  return {
    step: step === 0 ? 1 : step,
    counters: kind === 'per-core' ? Math.max(2, counters) : 1,
    range: kind === 'block-sequential' && ports !== undefined ? ports : ALL_PORTS,
  };
}

/**
 * Which outer ports the unseen datagrams of one burst have, most likely first; at most 8 each, none where nothing can be
 * said. The burst is every datagram that left in one tick, in order: its port where an observer saw it, undefined where
 * it went to the peer or was lost.
 *
 *     seen 4711      peer      seen 4713        the peer's is 4712: nobody can have taken it
 *     seen 4711      peer      seen 4715        4713, 4712 or 4714: two strangers came between
 */
export function readBurst(burst: readonly (number | undefined)[], counting: Counting): readonly (readonly number[])[] {
  if (counting.counters > 1)
    return burst.map((port, i) => (port === undefined ? amongCounters(burst, i, counting) : []));
  return burst.map((port, i) => (port === undefined ? between(burst, i, counting) : []));
}

/** How many steps lead from one port to a later one, going round at the end of the range; undefined off the step. */
export function stepsBetween(from: number, to: number, { step, range }: Counting): number | undefined {
  const size = range.to - range.from + 1;
  const distance = ((((to - from) * Math.sign(step)) % size) + size) % size;
  const steps = distance / Math.abs(step);
  return Number.isInteger(steps) ? steps : undefined;
}

/** The port so many steps on. */
export function portAfter(port: number, steps: number, { step, range }: Counting): number {
  const size = range.to - range.from + 1;
  return range.from + ((((port - range.from + step * steps) % size) + size) % size);
}

function between(burst: readonly (number | undefined)[], i: number, counting: Counting): number[] {
  let [first, last] = [i, i];
  while (first >= 0 && burst[first] === undefined) first--;
  while (last < burst.length && burst[last] === undefined) last++;
  const [below, above] = [burst[first], burst[last]];
  if (below === undefined || above === undefined) return oneSided(below, above, i - first, last - i, counting);
  const steps = stepsBetween(below, above, counting);
  if (steps === undefined) return [];
  const strangers = steps - (last - first);
  // Fewer steps than datagrams: one of ours made no mapping, and nobody knows which.
  if (strangers < 0 || strangers >= MOST_PER_BRACKET) return [];
  // They may have come anywhere between, so before a later datagram there are more of them.
  const likely = (strangers * (i - first)) / (last - first);
  return row(strangers + 1, (n) => n)
    .sort((a, b) => Math.abs(a - likely) - Math.abs(b - likely))
    .map((n) => portAfter(below, i - first + n, counting));
}

/** The probe on one side was lost. */
function oneSided(
  below: number | undefined,
  above: number | undefined,
  since: number,
  until: number,
  counting: Counting,
): number[] {
  if (below !== undefined) return row(BEYOND, (n) => portAfter(below, since + n, counting));
  return above === undefined ? [] : row(BEYOND, (n) => portAfter(above, -until - n, counting));
}

/** The next of every counter that was seen, and first of all where two of its ports leave exactly one between them. */
function amongCounters(burst: readonly (number | undefined)[], i: number, counting: Counting): number[] {
  const candidates: { readonly port: number; readonly rank: number }[] = [];
  for (const chain of chains(burst, counting)) {
    const below = chain.findLast(({ index }) => index < i)?.port;
    const above = chain.find(({ index }) => index > i)?.port;
    const steps = below !== undefined && above !== undefined ? stepsBetween(below, above, counting) : undefined;
    if (steps === undefined) {
      const [port, sign] = below === undefined ? [above, -1] : [below, 1];
      if (port === undefined) continue;
      for (let n = 1; n <= 2; n++) candidates.push({ port: portAfter(port, sign * n, counting), rank: 2 * n + 1 });
    } else {
      const width = Math.min(PER_COUNTER, steps - 1);
      for (let n = 1; n <= width; n++)
        candidates.push({ port: portAfter(below ?? 0, n, counting), rank: width + n - 2 });
    }
  }
  const ranked = candidates.sort((a, b) => a.rank - b.rank).map(({ port }) => port);
  return [...new Set(ranked)].slice(0, MOST_PER_BRACKET);
}

interface Seen {
  readonly index: number;
  readonly port: number;
}

/** Ports that follow each other belong to one counter. */
function chains(burst: readonly (number | undefined)[], counting: Counting): Seen[][] {
  const found: Seen[][] = [];
  for (const [index, port] of burst.entries()) {
    if (port === undefined) continue;
    const chain = found
      .map((one) => ({ one, steps: stepsBetween(one.at(-1)?.port ?? 0, port, counting) ?? Infinity }))
      .filter(({ steps }) => steps > 0 && steps <= REACH)
      .sort((a, b) => a.steps - b.steps)[0];
    if (chain === undefined) found.push([{ index, port }]);
    else chain.one.push({ index, port });
  }
  return found;
}

function row(length: number, port: (n: number) => number): number[] {
  return Array.from({ length }, (_, n) => port(n));
}
