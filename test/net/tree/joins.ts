import { Grove, mixed, type Tree } from '../grove.ts';
import type { Lab } from '../lab.ts';
import type { LineShape } from '../line.ts';
import { type Bar, quantile } from '../matrix-bars.ts';
import { pause, type States, until } from '../programs.ts';
import { copies } from './copies.ts';
import { atMost, spread, told, within } from './figures.ts';
import { saidBy, sayingAfter, story } from './trace.ts';

type Say = (line: string) => void;

/** Behind these nothing comes in unasked: with a parent of the kind, that are two NATs in between. */
const BEHIND = ['masquerade', 'offset', 'address-restricted', 'symmetric-preserve', 'sequential'] as const;
const FIRST_PICTURE_MS = 30_000;
const CROWD_MS = 2000;

/** When its television could show the first picture, in ms after that moment of the wall clock. */
async function pictureAfter({ player }: Tree, moment: number): Promise<number> {
  const at = await until(
    async () => player.pictureAt,
    (found) => found !== undefined,
    FIRST_PICTURE_MS,
  ).catch(() => undefined);
  return at === undefined ? Infinity : at - moment;
}

/** A household comes to a tree that stands, again and again: from its question for a parent to a key picture on its LAN. */
export async function joins(grove: Grove, times: number, say: Say): Promise<readonly Bar[]> {
  const [twoNats, oneNat, whole]: [number[], number[], number[]] = [[], [], []];
  for (let turn = 1; turn <= times; turn++) {
    const plot = await grove.lay(BEHIND[turn % BEHIND.length] ?? 'masquerade');
    const started = Date.now();
    const home = await grove.settle(plot);
    const asked = sayingAfter(home.child, started, 'nat') ?? 0;
    const shown = await pictureAfter(home, started);
    const [parent] = saidBy(home.child, started).filter(({ event }) => event === 'parent');
    const { parent: fedBy } = await grove.view(home);
    const above = grove.homes.find(({ node }) => node === fedBy?.node);
    const isBehind = above !== undefined && above.nat !== 'open';
    (isBehind ? twoNats : oneNat).push(shown - asked);
    whole.push(shown);
    say(
      `join ${turn}: ${plot.nat} under ${above?.name ?? 'the origin'} (${above?.nat ?? 'open'}): asked ${asked} ms after its start, fed ${parent === undefined ? '?' : parent.at - started - asked} ms later, picture ${(shown - asked).toFixed(0)} ms after the question`,
    );
    if (shown - asked > 1500) say(story(home.child, started, asked - 50, asked + 6000));
    await pause(500);
    await grove.remove(home);
    await pause(500);
  }
  return [
    within('join over two NATs: question to key picture on the LAN', twoNats, 0.5, 600),
    within('join over two NATs: question to key picture on the LAN', twoNats, 0.95, 1500),
    told('join to an open household or the origin, the same', oneNat.length === 0 ? 'none' : spread(oneNat)),
    told('join, from the start of the program', spread(whole)),
  ];
}

/** Households that are all started within two seconds, under an origin that is alone. */
export async function crowd(
  lab: Lab,
  states: States,
  line: LineShape,
  homes: number,
  say: Say,
): Promise<readonly Bar[]> {
  const grove = await Grove.plant(lab, states, { nats: [], line });
  const plots = [];
  for (const nat of mixed(homes)) plots.push(await grove.lay(nat));
  await pause(3000);
  const began = Date.now();
  const spans = await Promise.all(
    plots.map(async (plot, i) => {
      await pause((i * CROWD_MS) / homes);
      const started = Date.now();
      const home = await grove.settle(plot);
      const asked = sayingAfter(home.child, started, 'nat') ?? 0;
      const shown = await pictureAfter(home, started);
      return { name: plot.name, asked: shown - asked, start: shown, begun: started + shown - began };
    }),
  );
  await pause(2000);
  for (const { name, asked, start } of spans)
    say(
      `crowd: ${name} has its picture ${start.toFixed(0)} ms after its start, ${asked.toFixed(0)} after its question`,
    );
  const views = await grove.settled();
  return [
    told(`crowd of ${homes}: question to key picture`, spread(spans.map(({ asked }) => asked))),
    told(`crowd of ${homes}: start of the program to key picture`, spread(spans.map(({ start }) => start))),
    told(
      'crowd: the last has its picture, after the first start',
      `${quantile(
        spans.map(({ begun }) => begun),
        1,
      ).toFixed(0)} ms`,
    ),
    atMost('crowd: households without a picture after 30 s', spans.filter(({ asked }) => asked === Infinity).length, 0),
    copies(grove, `crowd of ${homes}`, say),
    told('crowd: depth of the deepest', String(Math.max(...views.map(({ depth }) => depth)))),
  ];
}
