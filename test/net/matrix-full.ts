import { parseArgs } from 'node:util';
import { type Attempt, matrix, type MatrixKind } from './matrix.ts';
import { bars, barText, costs, safety, table } from './matrix-bars.ts';
import { missing } from './missing.ts';
import { MATRIX } from './nats.ts';

/*
 * The whole matrix: `make net-full`. Every ordered pair of NATs, several runs of each, on hosts behind the NATs and then on
 * the gateways themselves, 40 ms of round trip per household. Prints every bar with what was measured; ends with 1 when one
 * is missed.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    place: { type: 'string', multiple: true, default: ['host', 'gateway'] },
    kinds: { type: 'string', default: MATRIX.join(',') },
    'at-once': { type: 'string', default: '1' },
    delay: { type: 'string', default: '20' },
    loss: { type: 'string', default: '0' },
    jitter: { type: 'string', default: '0' },
    verbose: { type: 'boolean', default: false },
  },
});
const why = missing();
if (why !== undefined) {
  console.error(`NOT RUN  the matrix: ${why}`);
  process.exit(1);
}
const kinds = values.kinds.split(',') as MatrixKind[];
const unknown = kinds.filter((kind) => !MATRIX.includes(kind));
if (unknown.length > 0) {
  console.error(`no such NAT: ${unknown.join(', ')}; there are ${MATRIX.join(', ')}`);
  process.exit(2);
}
for (const place of values.place) {
  if (place !== 'host' && place !== 'gateway') {
    console.error(`--place is host or gateway, not ${place}`);
    process.exit(2);
  }
  const told = ({ from, to, line }: Attempt): void => {
    if (values.verbose || !line.startsWith('connected direct')) console.log(`  ${from} → ${to}: ${line}`);
  };
  const attempts = await matrix({
    kinds,
    runs: Number(values.runs),
    place,
    line: { delayMs: Number(values.delay), loss: Number(values.loss), jitterMs: Number(values.jitter) },
    atOnce: Number(values['at-once']),
    patience: 20,
    watched: true,
    told,
  });
  console.log(`\nFrom ${place} to ${place}, ${values.delay} ms one way per household, ${values.loss} lost per line\n`);
  console.log(table(kinds, attempts));
  console.log(`\n${costs(attempts)}`);
  const judged = [...bars(attempts), ...safety(attempts)];
  console.log(`\n${judged.map(barText).join('\n')}\n`);
  if (judged.some(({ held }) => !held)) process.exitCode = 1;
}
