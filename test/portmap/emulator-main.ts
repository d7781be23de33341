import { createInterface } from 'node:readline';
import { Emulator } from './emulator.ts';
import type { GatewayOptions } from './gateway.ts';

/** The emulator as a program, for a namespace; its argument is `GatewayOptions` as JSON. On stdin: `table`, `reboot`, `redial IP`, `silent`. */
const emulator = await Emulator.start(JSON.parse(process.argv[2] ?? '') as GatewayOptions, { multicast: true });
process.stdout.write(`ready ${emulator.gateway.location}\n`);

createInterface({ input: process.stdin }).on('line', (line) => {
  const [word = '', ip = ''] = line.split(' ');
  if (word === 'table') process.stdout.write(`table ${emulator.table.join(' ')}\n`);
  if (word === 'reboot') emulator.reboot();
  if (word === 'redial') emulator.redial(ip);
  if (word === 'silent') emulator.gateway.silent = true;
});
