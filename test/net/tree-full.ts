import { monitorEventLoopDelay } from 'node:perf_hooks';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Bar, barText } from './matrix-bars.ts';
import { missing } from './missing.ts';
import { measure, MEASURES, type MeasureName } from './tree/measures.ts';

/*
 * The tree with real programs, NATs, lines and a real encoder: `make tree-full`. Prints every bar with what was measured, and
 * ends with 1 when one is missed. Times are the machine's as well: thirty households share its cores, so what it made them wait
 * is printed beside.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [...MEASURES] },
    households: { type: 'string', default: '31' },
    kills: { type: 'string', default: '50' },
    leaves: { type: 'string', default: '20' },
    stalls: { type: 'string', default: '5' },
    joins: { type: 'string', default: '30' },
    crowd: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '10' },
    sizes: { type: 'string', default: '3,15,31' },
  },
});
const why = missing(['curl', 'ffmpeg']);
if (why !== undefined) {
  console.error(`NOT RUN  the tree: ${why}`);
  process.exit(1);
}
const names = values.only.flatMap((text) => text.split(','));
const unknown = names.filter((name) => !MEASURES.includes(name as MeasureName));
if (unknown.length > 0) {
  console.error(`no such measurement: ${unknown.join(', ')}; there are ${MEASURES.join(', ')}`);
  process.exit(2);
}
const extent = {
  homes: Number(values.households),
  kills: Number(values.kills),
  leaves: Number(values.leaves),
  stalls: Number(values.stalls),
  joins: Number(values.joins),
  crowd: Number(values.crowd),
  minutes: Number(values.minutes),
  sizes: values.sizes.split(',').map(Number),
};
const judged: Bar[] = [];
for (const name of names as MeasureName[]) {
  const began = performance.now();
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  console.log(`\n== ${name}`);
  const bars = await measure(name, extent, (line) => console.log(`  ${line}`));
  delays.disable();
  const took = (performance.now() - began) / 1000;
  console.log(
    `  took ${took.toFixed(0)} s; this program's own loop was late by ${(delays.percentile(99) / 1e6).toFixed(0)} ms in one of a hundred rounds; load ${loadavg()[0]?.toFixed(1)}`,
  );
  console.log(bars.map(barText).join('\n'));
  judged.push(...bars);
}
console.log(`\n== all\n${judged.map(barText).join('\n')}`);
if (judged.some(({ held }) => !held)) process.exitCode = 1;
