/**
 * What a hostile UPnP gateway costs: memory, time, and requests to hosts it has no business with, for our client and for nat-upnp. Each
 * attack meets each of them in a process of its own, warmed up at a good gateway. `node bench/gateway.ts`
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ATTACKS } from '../test/portmap/hostile.ts';
import type { Suffered } from './gateway/victim.ts';

const BARS = { growthMb: 5, ms: 3000, elsewhere: 0 };

/** Longer than this nobody is watched. */
const PATIENCE_MS = 8000;

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

const DIED: Suffered = { growthMb: 0, ms: 0, outcome: 'the process died' };

function start(program: string, words: readonly string[]): { child: ChildProcess; next: () => Promise<string> } {
  const child = spawn(process.execPath, ['--expose-gc', join(import.meta.dirname, 'gateway', program), ...words], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  children.add(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, next: async () => String((await lines.next()).value) };
}

/** What is to be seen from outside of one that does not come to an end. */
async function watched(pid: number, baseMb: number): Promise<Suffered> {
  await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS).unref());
  const peakKb = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN);
  return { growthMb: peakKb / 1000 - baseMb, ms: PATIENCE_MS, outcome: 'no end in sight' };
}

let missed = false;
let number = 0;
console.log('attack                              who        MB more   ms   elsewhere  outcome');
for (const name of Object.keys(ATTACKS)) {
  for (const who of ['hearth', 'nat-upnp']) {
    const lan = `127.240.${number++}`;
    const server = start('attacker.ts', [lan, name]);
    const [location = '', good = ''] = (await server.next()).split(' ');
    const victim = start('victim.ts', [who, lan, location, good]);
    const baseMb = Number(await victim.next());
    const { growthMb, ms, outcome } = await Promise.race([
      victim.next().then((line) => (line === 'undefined' ? DIED : (JSON.parse(line) as Suffered))),
      watched(victim.child.pid ?? 0, baseMb),
    ]);
    server.child.stdin?.write('count\n');
    const elsewhere = Number(await server.next());
    const row = [name.padEnd(35), who.padEnd(9), growthMb.toFixed(1).padStart(8), ms.toFixed(0).padStart(5)];
    console.log(`${row.join(' ')} ${String(elsewhere).padStart(9)}   ${outcome.split('\n', 1)[0]}`);
    if (who === 'hearth') missed ||= growthMb > BARS.growthMb || ms > BARS.ms || elsewhere > BARS.elsewhere;
    for (const { child } of [server, victim]) {
      child.kill('SIGKILL');
      children.delete(child);
    }
  }
}
console.log(
  `bar: at most ${BARS.growthMb} MB and ${BARS.ms} ms, ${BARS.elsewhere} requests elsewhere: ${missed ? 'MISSED' : 'held'}`,
);
process.exit(missed ? 1 : 0);
