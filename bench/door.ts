/*
 * How long from an agent's start until a stranger has come in by a port that its gateway opened, against what Debian's upnpc and natpmpc
 * take for a mapping that nobody tries; and what an agent loses where no gateway answers. Real miniupnpd, 40 ms of round trip for the household.
 *
 *   bench/door.ts [starts]
 *
 * Bars: p50 ≤ 400 ms, p95 ≤ 1.5 s from start to a verified mapping; at most 300 ms lost to silence. Ends with 1 when one was missed.
 */
import { Lab, type Space } from '../test/net/lab.ts';
import { type Daemon, UpnpRouter } from '../test/net/gateways.ts';
import { quantile } from '../test/net/matrix-bars.ts';
import { missing } from '../test/net/missing.ts';
import { hearth, startRendezvous, States } from '../test/net/programs.ts';

const starts = Number(process.argv[2] ?? 20);
const BARS = { p50: 400, p95: 1500, silence: 300 };
const LINE = { delayMs: 20 };
const START_MS = 20_000;
const DAEMONS: readonly (readonly [string, Daemon, readonly string[]])[] = [
  ['PCP', { upnp: false }, ['natpmpc', '-a', '41002', '41002', 'udp', '120']],
  ['NAT-PMP', { upnp: false, pmp: 'only-natpmp' }, ['natpmpc', '-a', '41002', '41002', 'udp', '120']],
  ['UPnP 2', { pmp: false }, ['upnpc', '-r', '41002', 'udp']],
  ['UPnP 1', { upnp: 1, pmp: false }, ['upnpc', '-r', '41002', 'udp']],
];

const why = missing();
if (why !== undefined) {
  console.log(`NOT RUN  bench/door: ${why}`);
  process.exit(1);
}
const states = new States();
const lab = await Lab.create();
let missed = false;

/** Starts an agent and waits for two lines of its log: ms from its own beginning, as it says, and from outside to `agent ready`. */
async function start(space: Space, place: string, more: readonly string[]): Promise<{ door: number; ready: number }> {
  const began = performance.now();
  const words = ['agent', '--rendezvous', place, '--state', states.next(), '--lan', 'off', ...more];
  const agent = hearth(lab, space, words);
  await agent.line(/^agent ready/, START_MS);
  const ready = performance.now() - began;
  const wanted = more.length === 0;
  const [, ms = ''] = wanted ? await agent.error(/door-open .*after_ms=(\d+)/, START_MS) : [];
  await agent.stop();
  return { door: Number(ms), ready };
}

/** ms that a program takes. */
async function timed(space: Space, argv: readonly string[]): Promise<number> {
  const began = performance.now();
  await lab.run(space, argv).ended;
  return performance.now() - began;
}

function row(name: string, all: readonly number[], bars: readonly (readonly [number, number])[]): string {
  const cells = bars.map(([share, bar]) => {
    const value = quantile(all, share);
    if (!(value <= bar)) missed = true;
    return `p${share * 100} ${value.toFixed(0)} ms (bar ${bar}${value <= bar ? '' : ', MISSED'})`;
  });
  return `${name.padEnd(40)} ${cells.join(', ')}`;
}

try {
  const server = await lab.internet({ addresses: 2 });
  const { place } = await startRendezvous(lab, server, states);
  const all: number[] = [];
  for (const [i, [name, daemon, rival]] of DAEMONS.entries()) {
    const home = await lab.household({ nat: 'random', line: LINE });
    const router = new UpnpRouter(lab, home, `11.22.33.${i + 1}`);
    await router.start(daemon);
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let n = 0; n < starts; n++) {
      ours.push((await start(home.host, place, [])).door);
      theirs.push(await timed(home.host, rival));
    }
    all.push(...ours);
    const beside = `${rival[0]} p50 ${quantile(theirs, 0.5).toFixed(0)} ms, ${(quantile(ours, 0.5) / quantile(theirs, 0.5)).toFixed(2)} ×`;
    console.log(
      `${row(`${name}: start to verified`, ours, [
        [0.5, BARS.p50],
        [0.95, BARS.p95],
      ])}; ${beside}`,
    );
    await router.kill();
  }
  console.log(
    row('all: start to verified', all, [
      [0.5, BARS.p50],
      [0.95, BARS.p95],
    ]),
  );
  const home = await lab.household({ nat: 'random', line: LINE });
  const [asking, silent]: [number[], number[]] = [[], []];
  for (let n = 0; n < starts; n++) {
    silent.push((await start(home.host, place, ['--no-open-port'])).ready);
    asking.push((await start(home.host, place, ['--open-port'])).ready);
  }
  const lost = quantile(asking, 0.5) - quantile(silent, 0.5);
  if (lost > BARS.silence) missed = true;
  const sides = `${quantile(asking, 0.5).toFixed(0)} ms asking, ${quantile(silent, 0.5).toFixed(0)} ms not asking`;
  console.log(
    `nobody answers: agent ready after ${sides}; lost ${lost.toFixed(0)} ms (bar ${BARS.silence}${lost > BARS.silence ? ', MISSED' : ''})`,
  );
} finally {
  await lab.close();
  states.remove();
}
process.exit(missed ? 1 : 0);
