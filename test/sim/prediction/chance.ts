/**
 * Is a promise kept, that of all runs at least this share goes well? `open`: it was not, but so few runs may look like
 * that by chance where the promise is kept exactly. With `ENOUGH` runs the plain share decides.
 */
export type Held = 'held' | 'open' | 'missed';

/** A whole measurement: what is below its bar then is below its bar. */
const ENOUGH = 500;
/** A sample that is less likely than this is no chance. */
const RARE = 0.01;

/** `well` of `runs` runs went well; `perCell` of them under the same conditions. */
export function holds(well: number, runs: number, share: number, perCell: number): Held {
  if (well >= share * runs) return 'held';
  return perCell < ENOUGH && atMost(well, runs, share) > RARE ? 'open' : 'missed';
}

/** Chance of at most so many successes of so many, each with that probability. */
export function atMost(well: number, runs: number, share: number): number {
  if (share <= 0) return 1;
  if (share >= 1) return well < runs ? 0 : 1;
  let logarithm = runs * Math.log1p(-share);
  let sum = Math.exp(logarithm);
  for (let k = 1; k <= well; k++) {
    logarithm += Math.log((runs - k + 1) / k) + Math.log(share) - Math.log1p(-share);
    sum += Math.exp(logarithm);
  }
  return Math.min(1, sum);
}
