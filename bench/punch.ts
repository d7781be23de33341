import { fileURLToPath } from 'node:url';
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
 * internet, each with an address of its own; both know their own NAT before the clock starts. HyperDHT relays nothing here.
 *
 *   bench/punch.ts [--runs N] [--kinds a,b,...] [--patience S]
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
  for (let run = 0; run < Number(values.runs); run++) {
    for (const [from, { asker }] of houses) {
      for (const [to, { node, key }] of houses) {
        const ours = await pingOnce(lab, asker, node, rendezvous, patience);
        const words = ['client', '--boot', `${bootIp}:${PORT}`, '--key', key, '--patience', String(patience)];
        const child = hyperdht(asker, words);
        await child.ended;
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
const median = (times: readonly (number | undefined)[]): number =>
  quantile(
    times.filter((one) => one !== undefined),
    0.5,
  );
const ratio = median(both.map((one) => one.ours.directAfter)) / median(both.map((one) => one.theirs));
console.log(`
attempts                        ${results.length}, ${kinds.length} × ${kinds.length} NATs
direct, hearth                  ${percent(ours.length)}, median ${time(quantile(ours, 0.5))}, p95 ${time(quantile(ours, 0.95))}
direct, hyperdht                ${percent(theirs.length)}, median ${time(quantile(theirs, 0.5))}, p95 ${time(quantile(theirs, 0.95))}
connected with a relay, hearth  ${percent(results.filter((one) => one.ours.method !== undefined).length)}
success, hearth / hyperdht      ${(ours.length / theirs.length).toFixed(2)}
median time where both came     ${ratio.toFixed(2)} of hyperdht's`);
if (ours.length < theirs.length) process.exitCode = 1;

function hyperdht(space: Space, words: readonly string[]) {
  return lab.run(space, [process.execPath, HYPERDHT, ...words]);
}

function time(seconds: number | undefined): string {
  return seconds === undefined || Number.isNaN(seconds) ? 'no direct path' : `${seconds.toFixed(3)} s`;
}

function percent(count: number): string {
  return `${((100 * count) / results.length).toFixed(1)} %`;
}
