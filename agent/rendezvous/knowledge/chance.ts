import type { Random } from '../../base/random.ts';

const STEPS = 2 ** 32;

/** A sample of Beta(a, b), a and b above 0: where a share of successes lies after a − 1 of them and b − 1 failures. */
export function beta(a: number, b: number, random: Random): number {
  const won = gamma(a, random);
  const lost = gamma(b, random);
  // With both shapes near 0 both samples may come out as 0; then it is all or nothing.
  return won + lost > 0 ? won / (won + lost) : inside(random) < a / (a + b) ? 1 : 0;
}

/**
 * A sample of the gamma distribution of that shape and scale 1, exact by rejection.
 * Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000); 1.05 rounds in the mean.
 */
export function gamma(shape: number, random: Random): number {
  if (shape < 1) return gamma(shape + 1, random) * inside(random) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(inside(random)) < x ** 2 / 2 + d * (1 - v + Math.log(v))) return d * v;
  }
}

/** A sample of the normal distribution of mean 0 and deviation 1 (Box and Muller 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(inside(random))) * Math.cos(2 * Math.PI * inside(random));
}

/** Evenly spread in (0, 1), never an end: logarithms are taken of it. */
function inside(random: Random): number {
  return (random(STEPS) + 0.5) / STEPS;
}
