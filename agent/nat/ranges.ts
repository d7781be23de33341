import type { PortRange } from '../base/nat-profile.ts';
import { logSum, PORTS } from './likelihood.ts';
import type { Reading } from './reading.ts';
import { blockAround, SIZES } from './wrapping.ts';

/** Readings as ports drawn at random: from a block, from a range that boxes are known for, from all there are. */
export function drawn(ports: readonly number[]): Reading[] {
  return [...everywhere(ports), ...ranges(ports), ...blocks(ports), ...somewhere(ports)];
}

function everywhere(ports: readonly number[]): Reading[] {
  const size = Math.min(...ports) < 1024 ? 65_535 : PORTS;
  return [{ ...RANDOM, kind: 'random', log: -ports.length * Math.log(size) }];
}

function ranges(ports: readonly number[]): Reading[] {
  return KNOWN.flatMap(({ from, to, share }) => {
    if (!ports.every((port) => port >= from && port <= to)) return [];
    const log = Math.log(share) - ports.length * Math.log(to - from + 1);
    return [{ ...RANDOM, kind: 'range-random', ports: { from, to }, log }];
  });
}

/** Whole blocks counted from 1024, as carriers hand them out: each place as likely as another. */
function blocks(ports: readonly number[]): Reading[] {
  return SIZES.flatMap((size) => {
    const from = blockAround(ports, size);
    if (from === undefined) return [];
    const log = Math.log(((ALIGNED / SIZES.length) * size) / PORTS) - ports.length * Math.log(size);
    return [{ ...RANDOM, kind: 'block-random', ports: { from, to: from + size - 1 }, log }];
  });
}

/** A range of any width at any place: what a person typed into a configuration. */
function somewhere(ports: readonly number[]): Reading[] {
  const [least, most] = [Math.min(...ports), Math.max(...ports)];
  const span = most - least + 1;
  if (ports.length < 4 || least < 1024) return [];
  const logs: { narrow: number[]; wide: number[] } = { narrow: [], wide: [] };
  for (let width = span; width < PORTS; width = Math.ceil(width * 2 ** 0.25)) {
    const places = (Math.min(width - span, least - 1024) + 1) / PORTS;
    const log = Math.log(places / WIDTHS) - ports.length * Math.log(width);
    (width <= WIDEST_BLOCK ? logs.narrow : logs.wide).push(log);
  }
  const estimate = around(least, most, ports.length);
  const narrow = Math.log(1 - ALIGNED) + logSum(logs.narrow);
  const wide = Math.log(TYPED) + logSum(logs.wide);
  return [
    { ...RANDOM, kind: 'block-random', ports: estimate, log: narrow },
    { ...RANDOM, kind: 'range-random', ports: estimate, log: wide },
  ];
}

/** The range that draws of this spread most likely come from: as much more on either side as lies between two draws. */
function around(least: number, most: number, draws: number): PortRange {
  const margin = Math.round((most - least + 1) / (draws - 1));
  return { from: Math.max(1024, least - margin), to: Math.min(65_535, most + margin) };
}

const RANDOM = { step: 0, counters: 1, ports: undefined };
/** Of blocks, how many are whole ones; of ranges, how many are nobody's default. */
const ALIGNED = 0.97;
const TYPED = 0.01;
const WIDEST_BLOCK = 4096;
/** Widths tried between a block of 64 and all ports. */
const WIDTHS = 40;

/** pf's default; Linux' ports of its own; the dynamic ports of IANA. */
const KNOWN = [
  { from: 50_001, to: 65_535, share: 0.45 },
  { from: 32_768, to: 60_999, share: 0.35 },
  { from: 49_152, to: 65_535, share: 0.15 },
];
