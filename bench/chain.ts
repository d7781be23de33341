/**
 * A live stream of 6 Mbit/s over a chain of repeaters, every hop 25 ms one way with loss both ways: hearth hands each
 * message on the moment it arrives and makes order at the end only; udx-native + secret-stream, like every ordered stream,
 * waits at every hop. Latency at the last hop in order, in one run. Bar: p99 at most 0.7 x udx.
 * Needs root. Run with: node bench/chain.ts [seconds each]
 */
import { play } from './transport/cast.ts';
import type { Part } from './transport/node.ts';
import type { StackName } from './transport/stack.ts';

const SECONDS = Number(process.argv[2] ?? 12);
const MBIT = 6;
const CHAINS = [
  { hops: 4, box: 'delay=25,loss=2' },
  { hops: 6, box: 'delay=25,loss=5' },
];

const ms = (values: readonly number[]): string => values.map((value) => value.toFixed(0).padStart(4)).join(' /');

for (const { hops, box } of CHAINS) {
  console.log(`chain of ${hops} hops, each ${box}, ${MBIT} Mbit/s, ${SECONDS} s; p50 / p99 / most in ms`);
  const p99 = new Map<StackName, number>();
  for (const name of ['own', 'udx'] as const) {
    const links = Array.from({ length: hops }, (_, i) => ({ a: i, b: i + 1, box: `${box},seed=${i + 1}/${i + 101}` }));
    const relays: Part[] = Array.from({ length: hops - 1 }, () => ({ kind: 'relay' }));
    const parts: Part[] = [{ kind: 'live', mbit: MBIT }, ...relays, { kind: 'sink' }];
    const sink = (await play(name, { parts, links }, 4, SECONDS)).at(-1);
    if (sink === undefined) continue;
    const { arrival, ordered, count, missing } = sink.latency;
    const expected = (MBIT * 1e6 * sink.seconds) / (1140 * 8);
    console.log(
      `  ${name.padEnd(5)} in order ${ms(ordered)}   arrival ${ms(arrival)}   ${((100 * count) / expected).toFixed(1)} % here, ${missing} held back`,
    );
    p99.set(name, ordered[1]);
  }
  console.log(
    `  in order p99, own / udx ${((p99.get('own') ?? 0) / (p99.get('udx') ?? 0)).toFixed(2)} (bar: at most 0.7)`,
  );
}
