import { ms } from '../../../agent/base/time.ts';
import type { Foreign } from '../../../agent/sim/allocation.ts';
import { addressDependent, against, block, counting, E2, type Front, range } from './fronts.ts';
import type { Row } from './rows.ts';
import { CLASSES } from './weights.ts';

type Udp = (typeof CLASSES)[number];

/** Who stands for a class where the classes are weighed against each other. */
const MEMBERS: Readonly<Record<Udp, (foreign: Foreign) => readonly Front[]>> = {
  O: () => ['open', 'full-cone'],
  E1: () => ['address-restricted'],
  E2: () => E2,
  Ea: (foreign) => [addressDependent({ kind: 'sequential' }, foreign), addressDependent({ kind: 'random' }, foreign)],
  Sq: (foreign) => [counting(foreign), counting(foreign, 2), counting(foreign, -1)],
  B: () => [block(512), block(1024)],
  R: () => [range(1024), range(50_001)],
};

/** Every unordered pair of classes as a row without a bar. */
export const CLASS_ROWS: readonly Row[] = CLASSES.flatMap((a, i) => CLASSES.slice(i).map((b) => row(a, b)));

export function classRow(a: Udp, b: Udp): Row {
  return CLASS_ROWS.find(({ name }) => name === nameOf(a, b)) ?? row(a, b);
}

function nameOf(a: Udp, b: Udp): string {
  return `class ${a} x class ${b}`;
}

function row(a: Udp, b: Udp): Row {
  return {
    name: nameOf(a, b),
    pairs: (foreign) => against(MEMBERS[a](foreign), MEMBERS[b](foreign)),
    flows: [15],
    bar: { direct: [], firstByte: ms(500) },
  };
}
