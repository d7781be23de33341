import { fileURLToPath } from 'node:url';
import type { Child } from './child.ts';
import type { HouseholdOptions, Lab, Space } from './lab.ts';
import {
  channelOf,
  type ChannelStatus,
  hearth,
  pause,
  type Rendezvous,
  startHousehold,
  startRendezvous,
  type States,
  until,
} from './programs.ts';

const TESTCARD = fileURLToPath(new URL('../../agent/web/testcard.mpegts', import.meta.url));
const START_MS = 20_000;
/** How long a missing block may be late before a viewer sees it. */
const CUSHION_MS = 700;

/** What a television got, and when. */
export interface Watched {
  readonly child: Child;
  readonly pieces: { readonly at: number; readonly bytes: Buffer }[];
}

/** One household of the grove: it can be cut off and come back. */
export interface Tree {
  readonly name: string;
  readonly nat: string;
  readonly space: Space;
  child: Child;
  node: string;
  url: string;
  /** When it is back after a kill this begins anew. */
  watched: Watched;
  view(): Promise<ChannelStatus>;
  /** Its television is switched off and on again. */
  rewatch(): void;
  /** Starts a new one in its place; ready when it plays. */
  restore(): Promise<void>;
}

export interface Grove {
  readonly rendezvous: Rendezvous;
  readonly origin: Child;
  readonly channel: string;
  readonly homes: readonly Tree[];
}

/** A rendezvous, an origin that feeds two, and households behind these NATs, one after the other. */
export async function plant(
  lab: Lab,
  states: States,
  nats: readonly (NonNullable<HouseholdOptions['nat']> & string)[],
  line: { readonly delayMs: number; readonly loss?: number },
): Promise<Grove> {
  const rendezvous = await startRendezvous(lab, await lab.internet({ addresses: 2, line }), states);
  const studio = await lab.internet({ line });
  const words = ['--rendezvous', rendezvous.place, '--channel', 'Grove', '--in', TESTCARD, '--loop'];
  const origin = hearth(lab, studio, ['origin', ...words, '--state', states.next(), '--log-level', 'debug']);
  const [, channel = ''] = await origin.line(/^channel ready ([a-z2-7]{52})$/, START_MS);
  const homes: Tree[] = [];
  for (const [i, nat] of nats.entries()) {
    const space = (await lab.household({ nat, line })).host;
    const home: Tree = {
      name: `H${i}`,
      nat,
      space,
      child: origin,
      node: '',
      url: '',
      watched: { child: origin, pieces: [] },
      view: async () => channelOf(lab, space, home.url),
      rewatch: () => {
        home.watched = watch(lab, space, `${home.url}live/${channel}.ts`);
      },
      restore: async () => {
        const more = ['--cushion-ms', String(CUSHION_MS)];
        Object.assign(home, await startHousehold(lab, space, rendezvous.place, channel, states, more));
        await until(
          async () => home.view(),
          ({ block }) => block !== null,
          30_000,
        );
        home.rewatch();
      },
    };
    homes.push(home);
    await home.restore();
  }
  return { rendezvous, origin, channel, homes };
}

/** Until everybody has a parent and a spare, or it has been long enough. */
export async function settled({ homes }: Grove, patience = 20_000): Promise<readonly ChannelStatus[]> {
  const last = Date.now() + patience;
  for (;;) {
    const views = await Promise.all(homes.map(async (home) => home.view()));
    const isGood = views.every(({ parent, spares }) => parent !== null && spares.length > 0);
    if (isGood || Date.now() > last) return views;
    await pause(300);
  }
}

function watch(lab: Lab, space: Space, url: string): Watched {
  const pieces: { at: number; bytes: Buffer }[] = [];
  const child = lab.run(space, ['curl', '-sSN', url], {
    onBytes: (bytes) => pieces.push({ at: performance.now(), bytes }),
  });
  return { child, pieces };
}

/** How long after that moment a player had something that was not on its way yet. */
export function mendedAfter({ pieces }: Watched, moment: number, inFlight: number): number {
  return (pieces.find(({ at }) => at >= moment + inFlight)?.at ?? Infinity) - moment;
}

/** The longest time without a byte at a player between these moments, in ms. */
export function pauseOf({ pieces }: Watched, from: number, to: number): number {
  let longest = 0;
  for (const [i, { at }] of pieces.entries()) {
    const next = pieces[i + 1]?.at ?? at;
    if (next < from || at > to) continue;
    longest = Math.max(longest, next - at);
  }
  return longest;
}
