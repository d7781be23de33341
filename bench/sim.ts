import { at, ms } from '../agent/base/time.ts';
import { KIND_NAMES, type KindName } from '../agent/sim/kinds.ts';
import { World } from '../agent/sim/world.ts';
import { mustConnect } from '../test/sim/oracle.ts';
import { punch } from '../test/sim/punching.ts';
import { attempt } from '../test/sim/two-sided.ts';

/**
 * How many punch attempts a second the simulator makes on one core. An attempt is a whole one: a fresh world with two
 * households behind NATs, both register with a server, are introduced, and the product's own plan and punch run until
 * both are through. Lines have 20 ms, jitter and 1 % loss. Promised: at least 10,000 a second.
 */
const SECONDS = Number(process.env['SECONDS'] ?? 2);
const ACCESS = { delay: ms(20), jitter: ms(5), loss: 0.01 };

type Pair = readonly [KindName, KindName];
type Attempt = (kinds: Pair, seed: number) => number | undefined;

const withPunch: Attempt = (kinds, seed) => {
  const world = new World({ seed });
  return punch(world, kinds, [
    world.household(kinds[0], { access: ACCESS }),
    world.household(kinds[1], { access: ACCESS }),
  ]);
};

/** Without plan and punch: what the simulator itself costs. */
const bare: Attempt = ([a, b], seed) => {
  const world = new World({ seed });
  return attempt(world, world.household(a, { access: ACCESS }).host, world.household(b, { access: ACCESS }).host);
};

/** Counted in the processor's time, not the wall's: other programs may be at work on this machine. */
function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

function measure(pairs: readonly Pair[], trial: Attempt, seconds = SECONDS): string {
  const start = performance.now();
  const cpu = process.cpuUsage();
  const times: number[] = [];
  let attempts = 0;
  while (performance.now() - start < seconds * 1000) {
    for (const pair of pairs) {
      const took = trial(pair, attempts++);
      if (took !== undefined) times.push(took);
    }
  }
  const rate = Math.round(attempts / cpuSeconds(cpu));
  times.sort((x, y) => x - y);
  const percentile = (share: number): string => `${Math.round(times[Math.floor(times.length * share)] ?? 0)} ms`;
  return `${rate} attempts per second of one core; ${((100 * times.length) / attempts).toFixed(2)} % of ${attempts} through, p50 ${percentile(0.5)}, p95 ${percentile(0.95)} of simulated time`;
}

const all = KIND_NAMES.flatMap((a) => KIND_NAMES.map((b) => [a, b] as const));
const home: Pair = ['port-restricted', 'port-restricted'];
const owed = all.filter(([a, b]) => mustConnect(a, b));
measure(owed, withPunch, 0.5);
console.log(`punch, two home routers: ${measure([home], withPunch)}`);
console.log(`punch, every pair that simultaneous sending connects: ${measure(owed, withPunch)}`);
console.log(`punch, all pairs of ${KIND_NAMES.length} kinds: ${measure(all, withPunch)}`);
console.log(`no punch, least two-sided sender, two home routers: ${measure([home], bare)}`);

const cpu = process.cpuUsage();
const world = new World({ seed: 1 });
const server = world.host();
let heard = 0;
server.socket(() => heard++, 9000);
const sender = world.household('port-restricted', { access: ACCESS }).host.socket();
for (let i = 0; i < 1_000_000; i++) {
  world.at(at(i / 10), () => sender.send({ ip: server.ip, port: 9000 }, new Uint8Array(1200)));
  if (i % 10_000 === 0) world.run(at(i / 10));
}
world.run(at(200_000));
const rate = Math.round(1e6 / cpuSeconds(cpu));
console.log(
  `datagrams of 1,200 bytes through a NAT and a line: ${rate} per second of one core; ${heard} of 1000000 arrived`,
);
