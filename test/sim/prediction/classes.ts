import { ms } from '../../../agent/base/time.ts';
import type { Foreign } from '../../../agent/sim/allocation.ts';
import { addressDependent, block, counting, E2, type Front, range } from './fronts.ts';
import type { Row } from './rows.ts';
import { CLASSES } from './weights.ts';

type Udp = (typeof CLASSES)[number];

/** Who stands for a class where the classes are weighed against each other; all of one class are equally common. */
const KINDS: Readonly<Record<Udp, readonly ((foreign: Foreign) => Front)[]>> = {
  O: [() => 'open', () => 'full-cone'],
  E1: [() => 'address-restricted'],
  E2: E2.map((kind) => () => kind),
  Ea: [
    (foreign) => addressDependent({ kind: 'sequential' }, foreign),
    (foreign) => addressDependent({ kind: 'random' }, foreign),
  ],
  Sq: [counting, (foreign) => counting(foreign, 2), (foreign) => counting(foreign, -1)],
  B: [() => block(512), () => block(1024)],
  R: [() => range(1024), () => range(50_001)],
};

export interface Member {
  readonly name: string;
  readonly of: Udp;
  /** Share of its class. */
  readonly share: number;
  readonly front: (foreign: Foreign) => Front;
}

export const MEMBERS: readonly Member[] = CLASSES.flatMap((of) =>
  KINDS[of].map((front, i) => ({ name: `${of} ${i + 1}`, of, share: 1 / KINDS[of].length, front })),
);

/** Every unordered pair of members as a row without a bar. */
export const CLASS_ROWS: readonly Row[] = MEMBERS.flatMap((a, i) =>
  MEMBERS.slice(i).map((b) => ({
    name: rowName(a, b),
    pairs: (foreign) => [[a.front(foreign), b.front(foreign)]],
    flows: [15],
    bar: { direct: [], firstByte: ms(500) },
  })),
);

export function rowName(a: Member, b: Member): string {
  const [first, second] = MEMBERS.indexOf(a) <= MEMBERS.indexOf(b) ? [a, b] : [b, a];
  return `class ${first.name} x class ${second.name}`;
}
