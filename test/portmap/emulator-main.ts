import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type CarryOut, Emulator } from './emulator.ts';
import type { GatewayOptions } from './gateway.ts';

/**
 * The emulator as a program, for a namespace; its argument is `GatewayOptions` as JSON, and with `forwards` it leads real datagrams as
 * its table says. On stdin: `table`, `reboot`, `forget` (saying nothing), `redial IP`, `silent`.
 */
const { forwards = false, ...options } = JSON.parse(process.argv[2] ?? '') as GatewayOptions & { forwards?: boolean };

const nft = (script: string): void => {
  const { status, stderr } = spawnSync('nft', ['-f', '-'], { input: script, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
};

const carryOut: CarryOut = (table) => {
  const rules = table.map(
    ({ external, ip, internal }) =>
      `add rule ip emulated inwards iifname "wan" udp dport ${external} dnat to ${ip}:${internal}`,
  );
  nft(['flush chain ip emulated inwards', ...rules, ''].join('\n'));
};

if (forwards) {
  nft(`table ip emulated { chain inwards { type nat hook prerouting priority dstnat; policy accept; }; }
add rule ip hearth forward ct status dnat accept
`);
}
const emulator = await Emulator.start(options, { multicast: true, carryOut: forwards ? carryOut : undefined });
process.stdout.write(`ready ${emulator.gateway.location}\n`);

createInterface({ input: process.stdin }).on('line', (line) => {
  const [word = '', ip = ''] = line.split(' ');
  if (word === 'table') process.stdout.write(`table ${emulator.table.join(' ')}\n`);
  if (word === 'reboot') emulator.reboot();
  if (word === 'forget') emulator.gateway.table.clear();
  if (word === 'redial') emulator.redial(ip);
  if (word === 'silent') emulator.gateway.silent = true;
});
