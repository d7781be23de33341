import { type Millis, ms, seconds } from '../../../agent/base/time.ts';
import type { Foreign } from '../../../agent/sim/allocation.ts';
import { addressDependent, against, block, counting, E2, type Front, pick, range } from './fronts.ts';
import type { Scene } from './scene.ts';

/** What a row promises. Success counts direct paths only. */
export interface Bar {
  /** Shares from 0 to 1 at 1 % loss, within a time or at all; several where the promise has steps. */
  readonly direct: readonly { readonly share: number; readonly within?: Millis }[];
  /** The share at 10 % loss, where one is promised. */
  readonly atTenPercent?: number;
  /** Median and 95th percentile with a round trip of 80 ms. */
  readonly time?: readonly [p50: Millis, p95: Millis];
  /** 95th percentile of the packets of both sides together (round trip 80 ms), and of the more burdened side's new mappings. */
  readonly packets?: number;
  readonly mappings?: number;
  /** First byte by whatever way, 95th percentile; 500 ms for every class. */
  readonly firstByte: Millis;
}

/** One line of the table: a pair of classes of NAT, and what is promised for it. */
export interface Row {
  readonly name: string;
  /** Pairs of NATs that stand for the two classes; taken by turns. */
  readonly pairs: (foreign: Foreign) => readonly (readonly [Front, Front])[];
  /** New mappings of others per second; several only where a counter is shared with them. */
  readonly flows: readonly number[];
  readonly delays?: readonly number[];
  readonly perPacket?: Millis;
  readonly patience?: Millis;
  readonly bar: Bar;
}

/** One box of the table: 500 runs under the same conditions. */
export interface Cell {
  readonly row: string;
  /** One way, milliseconds. */
  readonly delay: number;
  readonly loss: number;
  readonly flows: number;
  readonly varianceOverMean: number;
}

const FIRST_BYTE = ms(500);

const QUIET = [0.4];
const EVERY_DELAY = [20, 40, 50, 150];
/** The bars for times are for a round trip of 80 ms to the rendezvous. */
export const TIMED = 40;

export const ROWS: readonly Row[] = [
  {
    name: 'O x any',
    pairs: (foreign) =>
      against(
        [
          ...E2,
          'address-restricted',
          'symmetric-preserve',
          addressDependent({ kind: 'sequential' }, foreign),
          counting(foreign),
          block(512),
          range(1024),
        ],
        ['open', 'full-cone'],
      ),
    flows: [50],
    bar: { direct: [{ share: 0.9995 }], time: [ms(100), ms(200)], packets: 5, firstByte: FIRST_BYTE },
  },
  {
    name: 'E1 x hard',
    pairs: (foreign) =>
      against(
        ['symmetric-preserve', counting(foreign), counting(foreign, 7), block(512), range(50_001), range(1024)],
        ['address-restricted'],
      ),
    flows: [50],
    bar: { direct: [{ share: 0.999 }], time: [ms(150), ms(300)], packets: 10, firstByte: FIRST_BYTE },
  },
  {
    name: 'E2 x E2',
    pairs: () => E2.map((kind, i) => [kind, pick(E2, i * 5 + 1)]),
    flows: QUIET,
    bar: {
      direct: [{ share: 0.999 }],
      atTenPercent: 0.995,
      time: [ms(150), ms(400)],
      packets: 20,
      firstByte: FIRST_BYTE,
    },
  },
  {
    name: 'preserve/offset, poison',
    pairs: () => [
      ['port-restricted', 'poison'],
      ['poison', 'poison'],
      ['offset', 'poison'],
      ['port-restricted', 'symmetric-preserve'],
      ['poison', 'symmetric-preserve'],
    ],
    flows: QUIET,
    bar: { direct: [{ share: 0.995 }], time: [ms(200), ms(500)], packets: 20, firstByte: FIRST_BYTE },
  },
  {
    name: 'symmetric-preserve, both',
    pairs: () => [['symmetric-preserve', 'symmetric-preserve']],
    flows: QUIET,
    bar: { direct: [{ share: 0.995 }], time: [ms(400), seconds(2)], firstByte: FIRST_BYTE },
  },
  {
    name: 'E2 x Sq',
    pairs: (foreign) => against([counting(foreign)]),
    flows: [0.4, 4, 15, 50, 250, 1000],
    bar: { direct: [{ share: 0.998 }], time: [ms(250), ms(600)], mappings: 9, packets: 40, firstByte: FIRST_BYTE },
  },
  {
    name: 'E2 x stride, per-core',
    pairs: (foreign) =>
      against([
        counting(foreign, 2),
        counting(foreign, -1),
        counting(foreign, 7),
        counting(foreign, 8),
        counting(foreign, 1, 2),
        counting(foreign, 1, 4),
        'sequential-block',
      ]),
    flows: [0.4, 4, 15, 50, 250],
    bar: { direct: [{ share: 0.99 }], time: [ms(300), ms(800)], packets: 60, firstByte: FIRST_BYTE },
  },
  {
    name: 'E2 x Ea',
    pairs: (foreign) =>
      against([addressDependent({ kind: 'sequential' }, foreign), addressDependent({ kind: 'random' }, foreign)]),
    flows: [0.4, 50],
    bar: { direct: [{ share: 0.99 }], firstByte: FIRST_BYTE },
  },
  {
    name: 'Sq x Sq',
    pairs: (foreign) => [[counting(foreign), counting(foreign)]],
    flows: [0.4, 4, 15, 50],
    bar: { direct: [{ share: 0.995 }], time: [ms(350), ms(900)], mappings: 32, firstByte: FIRST_BYTE },
  },
  {
    name: 'Sq x Sq 250/s',
    pairs: (foreign) => [[counting(foreign), counting(foreign)]],
    flows: [250],
    delays: [20, 40, 50],
    bar: { direct: [{ share: 0.97 }], time: [ms(450), seconds(2)], mappings: 128, firstByte: FIRST_BYTE },
  },
  {
    name: 'Sq x Sq 250/s, slow router',
    pairs: (foreign) => [[counting(foreign), counting(foreign)]],
    flows: [250],
    delays: [20, 40, 50],
    perPacket: ms(0.5),
    bar: { direct: [{ share: 0.85 }], time: [ms(450), seconds(2)], mappings: 128, firstByte: FIRST_BYTE },
  },
  {
    name: 'Sq x stride 7',
    pairs: (foreign) => [[counting(foreign), counting({ ...foreign, perSecond: 10 }, 7)]],
    flows: [4, 50],
    bar: { direct: [{ share: 0.99 }], firstByte: FIRST_BYTE },
  },
  {
    name: 'E2 x B',
    pairs: () => against([block(256), block(512), block(1024), block(2048)]),
    flows: QUIET,
    bar: { direct: [{ share: 0.998 }], time: [ms(400), ms(1200)], mappings: 64, firstByte: FIRST_BYTE },
  },
  {
    name: 'E2 x R 16 k',
    pairs: () => against([range(50_001)]),
    flows: QUIET,
    bar: {
      direct: [{ share: 0.995 }],
      time: [ms(1200), seconds(4)],
      mappings: 128,
      packets: 1400,
      firstByte: FIRST_BYTE,
    },
  },
  {
    name: 'E2 x R full',
    pairs: () => against([range(1024)]),
    flows: QUIET,
    bar: {
      direct: [
        { share: 0.985, within: seconds(12) },
        { share: 0.999, within: seconds(18) },
      ],
      time: [seconds(2), seconds(8)],
      mappings: 256,
      packets: 1750 + 2 * 256,
      firstByte: FIRST_BYTE,
    },
  },
  {
    name: 'Sq x B(512), lottery',
    pairs: (foreign) => [[counting(foreign), block(512)]],
    flows: [4],
    patience: seconds(25),
    bar: { direct: [{ share: 0.85, within: seconds(20) }], firstByte: FIRST_BYTE },
  },
  {
    name: 'B(512) x B(512)',
    pairs: () => [[block(512), block(512)]],
    flows: QUIET,
    patience: seconds(25),
    bar: { direct: [{ share: 0.2 }], mappings: 256, firstByte: FIRST_BYTE },
  },
  {
    name: 'R x R, Sq x R',
    pairs: (foreign) => [
      [range(1024), range(1024)],
      [counting(foreign), range(1024)],
    ],
    flows: [4],
    bar: { direct: [], packets: 40, firstByte: ms(300) },
  },
];

const LOSSES = [0.01, 0.1];
const VARIANCES = [1.5, 19];

export function cells(row: Row): Cell[] {
  const variances = row.flows.length > 1 || row.flows[0] === 250 ? VARIANCES : VARIANCES.slice(0, 1);
  return (row.delays ?? EVERY_DELAY).flatMap((delay) =>
    LOSSES.flatMap((loss) =>
      row.flows.flatMap((flows) =>
        variances.map((varianceOverMean) => ({ row: row.name, delay, loss, flows, varianceOverMean })),
      ),
    ),
  );
}

/** What the run with this seed is about: the pairs by turns, and who of the two asks. */
export function scene(row: Row, cell: Cell, seed: number): Scene {
  const pairs = row.pairs({ perSecond: cell.flows, varianceOverMean: cell.varianceOverMean });
  const [a, b] = pick(pairs, seed >> 1);
  const [asks, listens] = seed % 2 === 0 ? [a, b] : [b, a];
  const { perPacket, patience } = row;
  return {
    asks,
    listens,
    path: { delay: ms(cell.delay), loss: cell.loss, ...(perPacket === undefined ? {} : { perPacket }) },
    ...(patience === undefined ? {} : { patience }),
  };
}
