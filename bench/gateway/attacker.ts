import { createInterface } from 'node:readline';
import { Emulator } from '../../test/portmap/emulator.ts';
import { ATTACKS, startHostile } from '../../test/portmap/hostile.ts';

/** A good gateway at LAN.4 and a hostile one at LAN.1, with a host at LAN.3 that counts who comes. */
const [, , lan = '', name = ''] = process.argv;
const attack = ATTACKS[name]?.attack;
if (attack === undefined) throw new Error(`no such attack: ${name}`);
const hostile = await startHostile(`${lan}.1`, `${lan}.3`, attack);
await Emulator.start({ ip: `${lan}.1`, upnp: { version: 1, location: hostile.location } });
const good = await Emulator.start({ ip: `${lan}.4`, upnp: { version: 1 } });
console.log(`${hostile.location} ${good.gateway.location}`);
createInterface({ input: process.stdin }).on('line', () => console.log(hostile.elsewhere()));
