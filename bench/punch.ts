import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Lab, type Space } from '../test/net/lab.ts';
import { type MatrixKind, pingOnce, type Read } from '../test/net/matrix.ts';
import { quantile } from '../test/net/matrix-bars.ts';
import { missing } from '../test/net/missing.ts';
import { MATRIX } from '../test/net/nats.ts';
import { startAgent, startRendezvous, States } from '../test/net/programs.ts';

/*
 * `hearth ping` and HyperDHT between the same households behind the same NATs, by turns, 40 ms of round trip per household:
 * share of attempts that come to a direct path, and the time to it. HyperDHT has a bootstrap node and four more on the
 * internet, each with an address of its own; both know their own NAT before the clock starts. HyperDHT relays nothing here,
 * and its server is left alone as long between two attempts as it asks for.
 *
 *   bench/punch.ts [--runs N] [--kinds a,b,...] [--patience S]
 *
 * All twelve kinds take half an hour. Bars: at least as many direct paths, and where both came, in no more time in the
 * median; every pair connected. Ends with 1 when one was missed.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1' },
    kinds: { type: 'string', default: MATRIX.join(',') },
    patience: { type: 'string', default: '20' },
  },
});
const why = missing();
if (why !== undefined) {
  console.log(`NOT RUN  bench/punch: ${why}`);
  process.exit(1);
}
const HYPERDHT = fileURLToPath(new URL('punch/hyperdht.ts', import.meta.url));
const PORT = 49737;
const NODES = 4;
const line = { delayMs: 20 };
const kinds = values.kinds.split(',') as MatrixKind[];
const patience = Number(values.patience);
/** A HyperDHT server refuses a punch by random ports sooner after another one (`randomPunchInterval`), and the asker then gives up. */
const REST = 21_000;
const states = new States();
const lab = await Lab.create();

interface Result {
  readonly from: MatrixKind;
  readonly to: MatrixKind;
  readonly ours: Read;
  /** Seconds; undefined without a path. */
  readonly theirs: number | undefined;
}

const results: Result[] = [];
try {
  const rendezvous = await startRendezvous(lab, await lab.internet({ addresses: 2 }), states, [], 8);
  const boot = await lab.internet();
  const bootIp = boot.addresses[0] ?? '';
  await hyperdht(boot, ['bootstrap', '--host', bootIp, '--port', String(PORT)]).line(/^ready$/);
  for (let i = 0; i < NODES; i++) {
    const space = await lab.internet();
    const words = ['--host', space.addresses[0] ?? '', '--port', String(PORT), '--boot', `${bootIp}:${PORT}`];
    await hyperdht(space, ['node', ...words]).line(/^ready$/);
  }
  const houses = new Map<MatrixKind, { asker: Space; node: string; key: string }>();
  for (const nat of kinds) {
    const { host: asker } = await lab.household({ nat, line });
    const { host } = await lab.household({ nat, line });
    const { node } = await startAgent(lab, host, rendezvous.place, states, ['--lan', 'off']);
    const server = hyperdht(host, ['server', '--boot', `${bootIp}:${PORT}`]);
    const [, key = ''] = await server.line(/^ready ([0-9a-f]{64})$/, 60_000);
    houses.set(nat, { asker, node, key });
  }
  const rested = new Map<MatrixKind, number>();
  for (let run = 0; run < Number(values.runs); run++) {
    for (const [from, { asker }] of houses) {
      for (const [to, { node, key }] of houses) {
        const ours = await pingOnce(lab, asker, node, rendezvous, patience);
        await wait(Math.max(0, (rested.get(to) ?? 0) - performance.now()));
        const words = ['client', '--boot', `${bootIp}:${PORT}`, '--key', key, '--patience', String(patience)];
        const child = hyperdht(asker, words);
        await child.ended;
        rested.set(to, performance.now() + REST);
        const [, after] = /^connected after ([\d.]+) s$/.exec(child.lines.at(-1) ?? '') ?? [];
        const theirs = after === undefined ? undefined : Number(after);
        results.push({ from, to, ours, theirs });
        console.log(`${from} → ${to}: hearth ${time(ours.directAfter)}, hyperdht ${time(theirs)}`);
      }
    }
  }
} finally {
  await lab.close();
  states.remove();
}

const ours = results.map((one) => one.ours.directAfter).filter((one) => one !== undefined);
const theirs = results.map((one) => one.theirs).filter((one) => one !== undefined);
const both = results.filter((one) => one.ours.directAfter !== undefined && one.theirs !== undefined);
const [mine, yours] = [
  both.map((one) => one.ours.directAfter ?? Infinity).sort((a, b) => a - b),
  both.map((one) => one.theirs ?? Infinity).sort((a, b) => a - b),
].map((times) => quantile(times, 0.5)) as [number, number];
const carried = results.filter((one) => one.ours.method !== undefined).length;
console.log(`
${results.length} attempts, ${kinds.length} × ${kinds.length} NATs, 40 ms of round trip per household
hearth     direct ${percent(ours.length)}, median ${time(quantile(ours, 0.5))}, p95 ${time(quantile(ours, 0.95))}
hyperdht   direct ${percent(theirs.length)}, median ${time(quantile(theirs, 0.5))}, p95 ${time(quantile(theirs, 0.95))}
`);
judge('direct', `>= ${percent(theirs.length)}`, percent(ours.length), ours.length >= theirs.length);
judge(
  `median of the ${both.length} pairs that both met`,
  `<= ${time(yours)}`,
  time(mine),
  both.length === 0 || mine <= yours,
);
judge('connected, relays counted', '>= 100.0 %', percent(carried), carried === results.length);

function judge(what: string, bar: string, figure: string, held: boolean): void {
  if (!held) process.exitCode = 1;
  console.log(`${what.padEnd(38)} bar ${bar.padEnd(12)} measured ${figure.padEnd(10)} ${held ? 'held' : 'MISSED'}`);
}

function hyperdht(space: Space, words: readonly string[]) {
  return lab.run(space, [process.execPath, HYPERDHT, ...words]);
}

function time(seconds: number | undefined): string {
  return seconds === undefined || Number.isNaN(seconds) ? 'no direct path' : `${seconds.toFixed(3)} s`;
}

function percent(count: number): string {
  return `${((100 * count) / results.length).toFixed(1)} %`;
}
