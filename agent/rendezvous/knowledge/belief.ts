import { NAT_KINDS, type NatKind } from '../../base/nat-profile.ts';
import type { Cells } from './cells.ts';
import type { Row } from './trials.ts';

/** How likely each kind is; they sum to 1. */
export type Prior = ReadonlyMap<NatKind, number>;

/** A key with few observations leans on the coarser one as if that were so many. */
const LEAN = 8;

/**
 * Before anything was seen: the mean of our three assumed mixes of lines (fixed, fixed with many carrier NATs, mobile),
 * in per cent. docs/knowledge.md has the table.
 */
const FIRST: Readonly<Record<NatKind, number>> = {
  unknown: 1.3,
  open: 48.5,
  preserve: 20,
  offset: 4,
  'endpoint-independent': 8.4,
  'address-dependent': 2.5,
  'preserve-first': 1.4,
  sequential: 3,
  'per-core': 0.6,
  'block-sequential': 0.8,
  'block-random': 5.3,
  'range-random': 1.5,
  random: 2.7,
};
const SUM = Object.values(FIRST).reduce((sum, weight) => sum + weight, 0);
const FIRST_PRIOR: Prior = new Map(NAT_KINDS.map((kind) => [kind, FIRST[kind] / SUM]));

/** Belief along a ladder whose keys come coarsest first: each posterior mean is the next one's prior. */
export function lean(ladder: readonly Cells[], first: Prior = FIRST_PRIOR): Prior {
  let prior = first;
  for (const cells of ladder) {
    const total = cells.total('kind') + LEAN;
    prior = new Map([...prior].map(([kind, share]) => [kind, (cells.weight('kind', kind) + LEAN * share) / total]));
  }
  return prior;
}

/** The same for one kind, from a share of belief on. */
export function leanOn(share: number, kind: NatKind, ladder: readonly Cells[]): number {
  let belief = share;
  for (const cells of ladder) {
    belief = (cells.weight('kind', kind) + LEAN * belief) / (cells.total('kind') + LEAN);
  }
  return belief;
}

/** What is believed of a method: a Beta distribution of its success, and how long it takes when it has one. */
export interface Chance {
  readonly won: number;
  readonly lost: number;
  readonly seconds: number;
}

/** Nothing known: any share of success is as likely as any other. */
const UNTRIED: Chance = { won: 1, lost: 1, seconds: 1 };
/** The usual way begins as if it had worked eight times of eight: others are tried one time in ten, until they are known. */
const USUAL: Chance = { won: 9, lost: 1, seconds: 1 };
/** Elsewhere it went so and so: worth that many trials of our own at most. */
const LEAN_TRIALS = 16;

/** Belief in a method from trials whose keys come coarsest first. */
export function chanceOf(ladder: readonly Row[], isUsual: boolean): Chance {
  let chance = isUsual ? USUAL : UNTRIED;
  for (const [i, { won, lost, seconds }] of ladder.entries()) {
    if (won + lost === 0) continue;
    const shrunk = i === 0 ? 1 : Math.min(1, LEAN_TRIALS / (chance.won + chance.lost));
    const before = { won: chance.won * shrunk, lost: chance.lost * shrunk };
    chance = {
      won: before.won + won,
      lost: before.lost + lost,
      seconds: (before.won * chance.seconds + seconds) / (before.won + won),
    };
  }
  return chance;
}
