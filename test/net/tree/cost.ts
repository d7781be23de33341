import { withoutNulls } from '../continuity.ts';
import { Grove, mixed } from '../grove.ts';
import type { Lab } from '../lab.ts';
import type { LineShape } from '../line.ts';
import type { Bar } from '../matrix-bars.ts';
import { pause, type States } from '../programs.ts';
import { copies } from './copies.ts';
import { told } from './figures.ts';
import { sentBy, usageOf } from './load.ts';

const WATCHED_MS = 30_000;

/** A tree of so many households in its quiet hours: what it costs whom. */
export async function cost(
  lab: Lab,
  states: States,
  line: LineShape,
  homes: number,
  say: (line: string) => void,
): Promise<readonly Bar[]> {
  const grove = await Grove.plant(lab, states, { nats: mixed(homes), line });
  const empty = usageOf(grove.rendezvous.child);
  await grove.grow();
  await grove.settled(40_000);
  await pause(5000);
  let given = 0;
  grove.given = (bytes) => (given += withoutNulls(bytes).length);
  const views = await grove.views();
  const programs = [grove.rendezvous.child, grove.origin, ...grove.homes.map(({ child }) => child)];
  const before = programs.map((child) => ({ ...usageOf(child), ...sentBy(child) }));
  const at = performance.now();
  await pause(WATCHED_MS);
  const minutes = (performance.now() - at) / 60_000;
  const used = programs.map((child, i) => {
    const [was, is] = [before[i], { ...usageOf(child), ...sentBy(child) }];
    if (was === undefined) throw new Error('a program that came later');
    return {
      cpuShare: (is.cpuMs - was.cpuMs) / (minutes * 60_000),
      cpuMs: is.cpuMs - was.cpuMs,
      rss: is.rssBytes,
      bytes: is.bytes - was.bytes,
      packets: (is.packets - was.packets) / minutes / 60,
    };
  });
  const [rendezvous, origin, ...agents] = used;
  if (rendezvous === undefined || origin === undefined) throw new Error('nothing was measured');
  const sent = origin.bytes / given;
  const [inner, leaves] = [agents.filter((_, i) => isInner(i)), agents.filter((_, i) => !isInner(i))];
  function isInner(i: number): boolean {
    return (views[i]?.children.length ?? 0) === 2;
  }
  const mean = (all: typeof agents, of: (one: (typeof agents)[number]) => number): number =>
    all.reduce((sum, one) => sum + of(one), 0) / all.length;
  const household = (all: typeof agents): string =>
    all.length === 0
      ? 'none'
      : `${all.length}: CPU ${(100 * mean(all, ({ cpuShare }) => cpuShare)).toFixed(1)} %, RSS ${(mean(all, ({ rss }) => rss) / 2 ** 20).toFixed(0)} MiB, ${mean(all, ({ packets }) => packets).toFixed(0)} datagrams a second`;
  say(`cost at ${homes}: the stream is ${((given * 8) / (minutes * 60_000)).toFixed(0)} kbit/s`);
  await Promise.all(grove.homes.map(async ({ child }) => child.stop('SIGKILL')));
  return [
    copies(grove, `${homes} households`, say),
    told(
      `${homes} households: what leaves the origin with all headers, seals, manifests and acknowledgements, against the stream`,
      sent.toFixed(2),
    ),
    told(
      `${homes} households: rendezvous, per member and minute`,
      `${(rendezvous.cpuMs / minutes / homes).toFixed(1)} ms of CPU`,
    ),
    told(
      `${homes} households: rendezvous, memory per member since it was empty`,
      `${((rendezvous.rss - empty.rssBytes) / 1024 / homes).toFixed(0)} KiB`,
    ),
    told(`${homes} households: those that feed two`, household(inner)),
    told(`${homes} households: the others`, household(leaves)),
  ];
}
