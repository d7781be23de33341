import { createSocket } from 'node:dgram';
import { type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { base32 } from '../../agent/base/text32.ts';
import { at, type Instant } from '../../agent/base/time.ts';
import { Ring } from '../../agent/blocks/ring.ts';
import { Writer } from '../../agent/blocks/writer.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import { startLan } from '../../agent/io/lan.ts';
import { Entry } from '../../agent/media/entry.ts';
import { StreamReader } from '../../agent/media/reader.ts';

/**
 * The servers that bench/fanout.ts and bench/keyframe.ts compare, one to a process: `hearth` is the real way from a
 * datagram through Writer and Ring to the LAN server, `naive` what one writes first: http, one write per datagram.
 * Both take the stream by UDP and print `UDP-PORT TCP-PORT PATH`.
 */
const udp = createSocket({ type: 'udp4', recvBufferSize: 4 * 2 ** 20 });
udp.bind(0, '127.0.0.1', () => void (process.argv[2] === 'naive' ? naive() : hearth()));

const now = (): Instant => at(performance.now());

async function hearth(): Promise<void> {
  const cipher = nodeCipher();
  const pair = cipher.signingPair();
  const id = base32(pair.publicKey);
  const writer = new Writer({ cipher, pair, epoch: 1, reader: new StreamReader(), now: now() });
  const ring = new Ring({ entry: new Entry() });
  const source = { id, name: 'bench', ring };
  const lan = await startLan({
    address: '127.0.0.1',
    port: 0,
    channels: () => [source],
    status: () => ({}),
    playlist: () => '',
    viewers: 2000,
  });
  udp.on('message', (bytes) => {
    for (const block of writer.step({ kind: 'packets', bytes }, now())) {
      ring.push(block, now());
      lan.released(id);
    }
  });
  ready(lan.address.port, `/live/${id}.ts`);
}

function naive(): void {
  const players = new Set<ServerResponse>();
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'video/mp2t' });
    players.add(response);
    response.on('close', () => players.delete(response));
  });
  udp.on('message', (bytes) => {
    for (const player of players) player.write(bytes);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
    ready((server.address() as AddressInfo).port, '/live');
  });
}

function ready(port: number, path: string): void {
  process.stdout.write(`${udp.address().port} ${port} ${path}\n`);
}
