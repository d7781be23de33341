import { ms } from '../../../agent/base/time.ts';
import { counting, type Front, range } from './fronts.ts';
import type { Row } from './rows.ts';

const QUIET = { perSecond: 0.4 };

/** Their names. The port-preserving one is a Linux NAT whose input is open, as theirs was. */
const SIX = {
  fcn: 'full-cone',
  rcn: 'address-restricted',
  prcn: 'port-restricted',
  sympp: 'poison',
  symsp: counting(QUIET),
  symrp: range(1024),
} as const satisfies Record<string, Front>;
export type Name = keyof typeof SIX;
export const NAMES = Object.keys(SIX) as Name[];

export const P2PSP_ROWS: readonly Row[] = NAMES.flatMap((a) =>
  NAMES.map((b) => ({
    name: `p2psp ${a} ${b}`,
    pairs: () => [[SIX[a], SIX[b]]],
    flows: [0.4],
    bar: { direct: [], firstByte: ms(500) },
  })),
);

/** What they measured, percent, where it is known. */
export function theirs(a: Name, b: Name, loss: number): string {
  const pair = [a, b].sort().join(' ');
  const cones: readonly Name[] = ['fcn', 'rcn', 'prcn'];
  if (cones.includes(a) && cones.includes(b)) return '99-100';
  if (pair === 'symsp symsp') return loss > 0.01 ? '30' : '68';
  if (loss > 0.01) return '-';
  if (pair === 'prcn symsp') return '70';
  if (pair === 'prcn symrp' || pair === 'symrp symrp' || pair === 'symrp symsp' || pair === 'sympp symrp') return '0';
  if (pair.includes('sympp')) return '27-54';
  return '-';
}

/** Nobody can know the port. */
export function owed(a: Name, b: Name): boolean {
  const free = (name: Name): boolean => name === 'symsp' || name === 'symrp';
  return !(free(a) && free(b) && (a === 'symrp' || b === 'symrp'));
}
