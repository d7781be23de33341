import { type Address, key } from '../../agent/base/address.ts';
import { Writer } from '../../agent/base/bytes.ts';
import type { Host } from '../../agent/sim/host.ts';

const PORT = 7000;

/** The least of a rendezvous: observes whoever writes, and tells each of two the address of the other. */
export function introducing(host: Host): Address {
  const seen = new Map<string, Address>();
  const socket = host.socket((from) => {
    seen.set(key(from), from);
    const [a, b] = [...seen.values()];
    if (a === undefined || b === undefined) return;
    socket.send(a, new Writer(16).address(b).done());
    socket.send(b, new Writer(16).address(a).done());
  }, PORT);
  return { ip: host.ip, port: PORT };
}
