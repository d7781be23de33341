import { Grove, mixed } from '../grove.ts';
import { Lab } from '../lab.ts';
import type { LineShape } from '../line.ts';
import type { Bar } from '../matrix-bars.ts';
import { States } from '../programs.ts';
import { copies } from './copies.ts';
import { cost } from './cost.ts';
import { glass } from './glass.ts';
import { crowd, joins } from './joins.ts';
import { kills } from './kills.ts';
import { leaves } from './leaves.ts';
import { liars } from './liars.ts';
import { calm } from './load.ts';
import { outage } from './outage.ts';
import { slow, stalls } from './stalls.ts';

/** How much of each. */
export interface Extent {
  readonly homes: number;
  readonly kills: number;
  readonly leaves: number;
  readonly stalls: number;
  readonly joins: number;
  readonly crowd: number;
  /** Without a rendezvous. */
  readonly minutes: number;
  /** Sizes at which the cost is measured. */
  readonly sizes: readonly number[];
}

/** Two of these are between two households: 40 ms of round trip, the median that the simulated tree has. */
const LINE: LineShape = { delayMs: 10, loss: 0.002 };

type Say = (line: string) => void;

/** On a tree that stands. */
const STANDING = {
  kills: (grove, extent, say) => kills(grove, extent.kills, say),
  leaves: (grove, extent, say) => leaves(grove, extent.leaves, say),
  stalls: (grove, extent, say) => stalls(grove, extent.stalls, say),
  slow: (grove, extent, say) => slow(grove, extent.stalls, say),
  joins: (grove, extent, say) => joins(grove, extent.joins, say),
  outage: (grove, extent, say) => outage(grove, extent.minutes, say),
} satisfies Record<string, (grove: Grove, extent: Extent, say: Say) => Promise<readonly Bar[]>>;

/** On ground of their own. */
const APART = {
  liars: async (lab, states, { homes }, say) => {
    const options = { nats: mixed(Math.min(homes, 15)), line: LINE, keep: true, liars: 6 };
    return liars(await grown(lab, states, options), say);
  },
  crowd: (lab, states, extent, say) => crowd(lab, states, LINE, extent.crowd, say),
  glass: (lab, states, _extent, say) => glass(lab, states, say),
} satisfies Record<string, (lab: Lab, states: States, extent: Extent, say: Say) => Promise<readonly Bar[]>>;

export type MeasureName = keyof typeof STANDING | keyof typeof APART | 'cost';

export const MEASURES: readonly MeasureName[] = [
  ...(Object.keys(STANDING) as (keyof typeof STANDING)[]),
  ...(Object.keys(APART) as (keyof typeof APART)[]),
  'cost',
];

/** One measurement in a laboratory of its own, or several on the same standing tree. */
export async function measure(name: MeasureName, extent: Extent, say: Say): Promise<readonly Bar[]> {
  if (name === 'cost') {
    const bars: Bar[] = [];
    for (const size of extent.sizes) {
      bars.push(...(await inLab(async (lab, states) => cost(lab, states, LINE, size, say))));
    }
    return bars;
  }
  return inLab(async (lab, states) => {
    if (isApart(name)) return APART[name](lab, states, extent, say);
    const grove = await grown(lab, states, { nats: mixed(extent.homes), line: LINE });
    const deepest = Math.max(...(await grove.settled()).map(({ depth }) => depth));
    const idle = await calm();
    say(`${extent.homes} households stand ${deepest} deep; ${(100 * idle).toFixed(0)} % of the machine is idle`);
    return [...(await STANDING[name](grove, extent, say)), copies(grove, name, say)];
  });
}

function isApart(name: Exclude<MeasureName, 'cost'>): name is keyof typeof APART {
  return name in APART;
}

async function grown(lab: Lab, states: States, options: Parameters<typeof Grove.plant>[2]): Promise<Grove> {
  const grove = await Grove.plant(lab, states, options);
  await grove.grow();
  await grove.settled(30_000);
  return grove;
}

async function inLab<T>(work: (lab: Lab, states: States) => Promise<T>): Promise<T> {
  const states = new States();
  const lab = await Lab.create();
  try {
    return await work(lab, states);
  } finally {
    await lab.close();
    states.remove();
  }
}
