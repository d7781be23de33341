/**
 * One repeater, 20 Mbit/s in and out to two children, over bare veth pairs: CPU, memory and latency of the relay process
 * with hearth's sealed transport, udx-native + secret-stream and WebRTC data channels, one after the other in one run.
 * Bars: CPU at most 1.3 x udx and 0.6 x datachannel, p99 added at most 2 ms. Needs root. Run with: node bench/relay.ts [seconds each]
 */
import { play } from './transport/cast.ts';
import type { Part, Report } from './transport/node.ts';
import type { StackName } from './transport/stack.ts';

const SECONDS = Number(process.argv[2] ?? 10);
const ROUNDS = Number(process.argv[3] ?? 2);
const MBIT = Number(process.argv[4] ?? 20);
const STACKS = ['own', 'udx', 'datachannel'] as const;

const direct = { parts: [{ kind: 'live', mbit: MBIT }, { kind: 'sink' }] as Part[], links: [{ a: 0, b: 1 }] };
const relayed = {
  parts: [{ kind: 'live', mbit: MBIT }, { kind: 'relay' }, { kind: 'sink' }, { kind: 'sink' }] as Part[],
  links: [
    { a: 0, b: 1 },
    { a: 1, b: 2 },
    { a: 1, b: 3 },
  ],
};

const least = new Map<StackName, number>();
console.log(`relay 1-in/2-out, ${MBIT} Mbit/s, ${SECONDS} s each after 6 s of warm-up, least of ${ROUNDS}`);
for (let round = 0; round < ROUNDS; round++) {
  for (const name of STACKS) {
    const bare = (await play(name, direct, 2, 3))[1];
    const [, relay, sink] = await play(name, relayed, 6, SECONDS);
    if (relay === undefined || sink === undefined || bare === undefined) continue;
    const cpu = (100 * relay.cpuSeconds) / relay.seconds;
    least.set(name, Math.min(least.get(name) ?? Infinity, cpu));
    console.log(
      `  ${name.padEnd(12)} CPU ${cpu.toFixed(1).padStart(5)} %   RSS ${relay.rssMb.toFixed(0)} MB   ` +
        `added p50 ${added(sink, bare, 0)} p99 ${added(sink, bare, 1)} ms`,
    );
  }
}
const own = least.get('own') ?? Number.NaN;
const ratio = (name: StackName): string => (own / (least.get(name) ?? Number.NaN)).toFixed(2);
console.log(
  `own / udx ${ratio('udx')} (bar: at most 1.3)   own / datachannel ${ratio('datachannel')} (bar: at most 0.6)`,
);

function added(through: Report, bare: Report, which: 0 | 1): string {
  return (through.latency.arrival[which] - bare.latency.arrival[which]).toFixed(2);
}
