import { randomBytes, randomInt } from 'node:crypto';
import type { Address } from '../../agent/base/address.ts';
import type { Lab, Space } from './lab.ts';
import { ip } from './netns.ts';

/** Sends what stands on stdin (address, port, bytes in hex; a few each millisecond) from one socket; says what came back. */
const THROWER = `
const { createSocket } = require('node:dgram');
const lookup = (name, options, found) => found(null, name, 4);
const socket = createSocket({ type: 'udp4', lookup });
let [answers, sent, text] = [0, 0, ''];
socket.on('message', () => answers++);
process.stdin.on('data', (bytes) => (text += bytes));
process.stdin.on('end', () => {
  const all = text.split('\\n').filter(Boolean).map((line) => line.split(' '));
  const timer = setInterval(() => {
    for (const [to, port, hex = ''] of all.splice(0, 5)) { socket.send(Buffer.from(hex, 'hex'), Number(port), to); sent++; }
    if (all.length > 0) return;
    clearInterval(timer);
    setTimeout(() => { console.log(sent + ' sent, ' + answers + ' answers'); process.exit(); }, 500);
  }, 1);
});
socket.bind(Number(process.argv[2]), process.argv[1]);
`;

export interface Thrown {
  readonly to: Address;
  readonly bytes: Uint8Array;
}

/** Throws datagrams from a host, or from a false address; answers with how many came back to this socket. */
export async function throwAll(
  lab: Lab,
  space: Space,
  all: readonly Thrown[],
  as: Address = { ip: '0.0.0.0', port: 0 },
): Promise<{ readonly sent: number; readonly answers: number }> {
  const child = lab.run(space, [process.execPath, '-e', THROWER, as.ip, String(as.port)]);
  for (const { to, bytes } of all) child.write(`${to.ip} ${to.port} ${Buffer.from(bytes).toString('hex')}\n`);
  child.closeInput();
  const [, sent, answers] = await child.line(/^(\d+) sent, (\d+) answers$/, 30_000);
  return { sent: Number(sent), answers: Number(answers) };
}

/** Lets a host send with somebody else's address; what is answered goes to its owner. */
export function impersonate(space: Space, address: string): void {
  ip(space.netns, [`addr add ${address}/32 dev lo`]);
}

/** First datagrams of other protocols, which a port scanner would try. */
export const FOREIGN: Readonly<Record<string, () => Uint8Array>> = {
  /** RFC 8489 section 5: binding request, magic cookie, transaction. */
  stun: () => Buffer.concat([Buffer.from('000100002112a442', 'hex'), randomBytes(12)]),
  /** RFC 9000 section 17.2.2: version 1, both connection ids, token, length, and 1,200 bytes in all. */
  quic: () =>
    Buffer.concat([Buffer.from('c30000000108', 'hex'), randomBytes(8), Buffer.from('08', 'hex'), randomBytes(1185)]),
  /** RFC 6347 section 4.2: a ClientHello in an epoch 0 record. */
  dtls: () =>
    Buffer.concat([
      Buffer.from('16fefd0000000000000000007701', 'hex'),
      Buffer.from('00006b000000000000006bfefd', 'hex'),
      randomBytes(32),
      Buffer.from('00000004c02bc02f0100003d', 'hex'),
      randomBytes(61),
    ]),
  /** WireGuard's handshake initiation: type 1, reserved zeros, 148 bytes. */
  wireguard: () => Buffer.concat([Buffer.from('01000000', 'hex'), randomBytes(144)]),
  random: () => randomBytes(1 + randomInt(1400)),
};

export function truncated(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, randomInt(bytes.length));
}

export function flipped(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  const bit = randomInt(bytes.length * 8);
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}
