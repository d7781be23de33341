import type { NatShape } from '../../agent/sim/nat.ts';
import { type HouseholdOptions, Lab, type Space } from './lab.ts';
import type { LineShape } from './line.ts';
import { pingOnce, type Read } from './matrix.ts';
import { quantile } from './matrix-bars.ts';
import { shapeOf } from './nats.ts';
import { startAgent, startRendezvous, States } from './programs.ts';

/** A place of the world that the matrix has no row for. */
export interface Corner {
  readonly name: string;
  readonly asks: HouseholdOptions;
  readonly listens: HouseholdOptions;
  /** Both households are customers of one carrier with this NAT. */
  readonly carrier?: NatShape;
  readonly line?: LineShape;
  /** What has to come of it; `either`: luck decides. */
  readonly wanted: 'direct' | 'relay' | 'either';
  /** REASON of the relay, where it is certain. */
  readonly reason?: string;
}

/** What came of one corner. */
export interface CornerResult {
  readonly corner: Corner;
  readonly reads: readonly Read[];
}

const LINE: LineShape = { delayMs: 20 };
const SYMMETRIC: NatShape = { mapping: 'address-and-port-dependent' };
/** A pool that gives a household the same address each time. */
const POOL: NatShape = { ...SYMMETRIC, allocation: { kind: 'sequential' }, pooling: 'paired' };
const QUOTA = { mappings: 100, perSecond: 50 };
const CARRIER = shapeOf('block');

/** Pairs that stand for one method each. */
const METHODS: readonly (readonly [HouseholdOptions['nat'] & string, HouseholdOptions['nat'] & string])[] = [
  ['masquerade', 'masquerade'],
  ['masquerade', 'sequential'],
  ['sequential', 'sequential'],
  ['random-block', 'masquerade'],
];

function onLines(what: string, line: LineShape): Corner[] {
  return METHODS.map(([asks, listens]) => ({
    name: `${asks} → ${listens}, ${what}`,
    asks: { nat: asks },
    listens: { nat: listens },
    line,
    wanted: 'direct',
  }));
}

export const CORNERS: readonly Corner[] = [
  {
    name: 'two gateways without an input firewall: what comes first takes the port',
    asks: { nat: 'masquerade', input: 'accept' },
    listens: { nat: 'masquerade', input: 'accept' },
    wanted: 'direct',
  },
  {
    name: 'a gateway without an input firewall → sequential',
    asks: { nat: 'masquerade', input: 'accept' },
    listens: { nat: 'sequential' },
    wanted: 'direct',
  },
  {
    name: 'sequential → a gateway without an input firewall',
    asks: { nat: 'sequential' },
    listens: { nat: 'masquerade', input: 'accept' },
    wanted: 'direct',
  },
  {
    name: 'a gateway without an input firewall → random block',
    asks: { nat: 'masquerade', input: 'accept' },
    listens: { nat: 'random-block' },
    wanted: 'direct',
  },
  {
    name: 'one carrier with hairpin for two households',
    asks: {},
    listens: {},
    carrier: { ...CARRIER, hairpin: 'external-source' },
    wanted: 'direct',
  },
  {
    name: 'one carrier with hairpin that shows the inner source',
    asks: {},
    listens: {},
    carrier: { ...CARRIER, hairpin: 'internal-source' },
    wanted: 'either',
  },
  {
    name: 'one carrier without hairpin for two households',
    asks: {},
    listens: {},
    carrier: CARRIER,
    wanted: 'relay',
    reason: 'hairpin',
  },
  {
    name: 'a router behind a router, both sides',
    asks: { nat: 'double' },
    listens: { nat: 'double' },
    wanted: 'direct',
  },
  {
    name: 'a router behind a carrier → sequential',
    asks: { nat: 'carrier' },
    listens: { nat: 'sequential' },
    wanted: 'direct',
  },
  {
    name: 'random block → a router behind a carrier',
    asks: { nat: 'random-block' },
    listens: { nat: 'carrier' },
    wanted: 'direct',
  },
  {
    name: 'a pool of four that stays with one address → masquerade',
    asks: { nat: POOL, addresses: 4 },
    listens: { nat: 'masquerade' },
    wanted: 'direct',
  },
  {
    name: 'a pool of four in turn, random ports → masquerade',
    asks: { nat: 'pool' },
    listens: { nat: 'masquerade' },
    wanted: 'relay',
    reason: 'pool',
  },
  {
    name: 'a pool of four in turn → full cone',
    asks: { nat: 'pool' },
    listens: { nat: 'full-cone' },
    wanted: 'direct',
  },
  {
    name: '100 mappings, 50 a second → masquerade',
    asks: { nat: 'quota' },
    listens: { nat: 'masquerade' },
    wanted: 'direct',
  },
  {
    name: '100 mappings, 50 a second, both sides',
    asks: { nat: 'quota' },
    listens: { nat: 'quota' },
    wanted: 'direct',
  },
  {
    name: '100 mappings, 50 a second, random block → masquerade',
    asks: { nat: { ...shapeOf('random-block'), quota: QUOTA } },
    listens: { nat: 'masquerade' },
    wanted: 'direct',
  },
  {
    name: '100 mappings, 50 a second, random → masquerade',
    asks: { nat: { ...SYMMETRIC, allocation: { kind: 'random' }, quota: QUOTA } },
    listens: { nat: 'masquerade' },
    wanted: 'either',
  },
  ...onLines('5 % lost', { delayMs: 20, loss: 0.05 }),
  ...onLines('20 % lost', { delayMs: 20, loss: 0.2 }),
  ...onLines('out of order', { delayMs: 20, jitterMs: 15 }),
];

/** `runs` pings of each, by new households each time, `atOnce` corners side by side. */
export async function corners(
  all: readonly Corner[],
  runs: number,
  atOnce: number,
  told: (result: CornerResult) => void,
): Promise<readonly CornerResult[]> {
  const states = new States();
  const lab = await Lab.create();
  try {
    const server = await lab.internet({ addresses: 2 });
    const rendezvous = await startRendezvous(lab, server, states, [], 8);
    const settle = async (corner: Corner): Promise<{ readonly asker: Space; readonly listener: Space }> => {
      const line = corner.line ?? LINE;
      const behind = corner.carrier && (await lab.carrier({ nat: corner.carrier, line }));
      const house = async (options: HouseholdOptions): Promise<Space> =>
        (await lab.household({ ...options, ...(behind === undefined ? { line } : { behind }) })).host;
      return { asker: await house(corner.asks), listener: await house(corner.listens) };
    };
    const waiting = [...all];
    const results: CornerResult[] = [];
    const worker = async (): Promise<void> => {
      for (let corner = waiting.shift(); corner !== undefined; corner = waiting.shift()) {
        const reads: Read[] = [];
        for (let run = 0; run < runs; run++) {
          const { asker, listener } = await settle(corner);
          const { node, child } = await startAgent(lab, listener, rendezvous.place, states, ['--lan', 'off']);
          reads.push(await pingOnce(lab, asker, node, rendezvous, 20));
          await child.stop();
        }
        const result = { corner, reads };
        results.push(result);
        told(result);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return results;
  } finally {
    await lab.close();
    states.remove();
  }
}

/** Did every run come out as it has to? */
export function isAsWanted({ corner: { wanted, reason }, reads }: CornerResult): boolean {
  if (reads.some(({ method }) => method === undefined)) return false;
  switch (wanted) {
    case 'direct':
      return reads.every(({ direct }) => direct);
    case 'relay':
      return reads.every(({ direct, line }) => !direct && (reason === undefined || line.endsWith(`: ${reason}`)));
    case 'either':
      return true;
  }
}

export function cornerText(result: CornerResult): string {
  const { corner, reads } = result;
  const direct = reads.filter((read) => read.direct);
  const after = direct.map(({ directAfter = Number.NaN }) => directAfter);
  const first = reads.map(({ firstByte = Infinity }) => firstByte);
  const time = direct.length === 0 ? '' : `, ${quantile(after, 0.5).toFixed(2)} s`;
  const words = [
    ...new Set(
      reads.map(({ direct: isDirect, line, method = 'nothing' }) => (isDirect ? method : line.replace(/^.*: /, ''))),
    ),
  ];
  const verdict = isAsWanted(result) ? 'held  ' : 'MISSED';
  return `${verdict} ${corner.name}: direct ${direct.length} of ${reads.length}${time} (${words.join(', ')}), first byte p95 ${quantile(first, 0.95).toFixed(2)} s (wanted: ${corner.wanted})`;
}
