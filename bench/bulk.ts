/**
 * Bulk goodput over a path with 25 ms one way and 2 % random loss both ways: hearth's sealed transport against
 * udx-native + secret-stream and a WebRTC data channel, one after the other in one run.
 * Bar: at least 0.9 x udx. Needs root (namespaces, TUN). Run with: node bench/bulk.ts [seconds each] [rounds] [box settings]
 */
import { play } from './transport/cast.ts';
import type { StackName } from './transport/stack.ts';

const SECONDS = Number(process.argv[2] ?? 8);
const ROUNDS = Number(process.argv[3] ?? 2);
const PATH = process.argv[4] ?? 'delay=25,loss=2';
const STACKS = (process.argv[5]?.split(',') ?? ['own', 'udx', 'datachannel']) as StackName[];

const best = new Map<StackName, number>();
console.log(`bulk, ${PATH}, ${SECONDS} s each after 3 s of warm-up, best of ${ROUNDS}`);
for (let round = 0; round < ROUNDS; round++) {
  for (const name of STACKS) {
    if (name === 'datachannel' && round > 0) continue;
    const links = [{ a: 0, b: 1, box: PATH }];
    const [sender, sink] = await play(name, { parts: [{ kind: 'bulk' }, { kind: 'sink' }], links }, 3, SECONDS);
    if (sender === undefined || sink === undefined) continue;
    const mbit = (sink.bytes * 8) / sink.seconds / 1e6;
    const perGb = (cpu: number): string => (cpu / (sink.bytes / 1e9)).toFixed(1);
    console.log(
      `  ${name.padEnd(12)} ${mbit.toFixed(1).padStart(6)} Mbit/s   CPU s/GB ${perGb(sender.cpuSeconds)} / ${perGb(sink.cpuSeconds)}` +
        `   RSS ${sender.rssMb.toFixed(0)} / ${sink.rssMb.toFixed(0)} MB`,
    );
    best.set(name, Math.max(best.get(name) ?? 0, mbit));
  }
}
const own = best.get('own') ?? Number.NaN;
const ratio = (name: StackName): string => (own / (best.get(name) ?? Number.NaN)).toFixed(2);
console.log(`own / udx ${ratio('udx')} (bar: at least 0.9)   own / datachannel ${ratio('datachannel')}`);
