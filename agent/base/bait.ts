import { bytesOf, concat, sameBytes, Writer } from './bytes.ts';
import { type Random, randomBytes } from './random.ts';

/**
 * What connections of a line test carry first: whoever inspects traffic looks for the first two, lets the last two pass, or
 * the other way round.
 */
export const BAITS = ['bittorrent', 'tls', 'random', 'http'] as const;
export type Bait = (typeof BAITS)[number];

/** Shorter than what one packet holds on any line, so that nobody has to put it together. */
const RANDOM_BYTES = 200;
const BITTORRENT = concat([Uint8Array.of(19), bytesOf('BitTorrent protocol')]);
const HTTP = bytesOf('GET /');
const TLS = Uint8Array.of(22, 3, 1);
/** Where random bytes begin, so that they are not taken for a greeting of anybody. */
const RANDOM = Uint8Array.of(0xd3);

/** The first bytes of a connection of that kind: BitTorrent's handshake (BEP 3), a ClientHello (RFC 8446, 4.1.2), HTTP/1.1. */
export function baitBytes(bait: Bait, random: Random): Uint8Array {
  switch (bait) {
    case 'bittorrent':
      return concat([
        BITTORRENT,
        new Uint8Array(8),
        randomBytes(random, 20),
        bytesOf('-qB4650-'),
        randomBytes(random, 12),
      ]);
    case 'tls':
      return clientHello(random);
    case 'random':
      return concat([RANDOM, randomBytes(random, RANDOM_BYTES)]);
    case 'http':
      return bytesOf('GET / HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n');
  }
}

/** Which of them these bytes begin like; undefined for none. */
export function baitOf(bytes: Uint8Array): Bait | undefined {
  const begins = (start: Uint8Array): boolean => sameBytes(bytes.subarray(0, start.length), start);
  if (begins(BITTORRENT)) return 'bittorrent';
  if (begins(TLS)) return 'tls';
  if (begins(HTTP)) return 'http';
  return begins(RANDOM) ? 'random' : undefined;
}

/** TLS 1.3's first words, with a server name and nothing behind them. */
function clientHello(random: Random): Uint8Array {
  const name = bytesOf('www.example.com');
  const serverName = new Writer()
    .u16(name.length + 3)
    .u8(0)
    .u16(name.length)
    .bytes(name)
    .done();
  const keyShare = new Writer().u16(36).u16(0x1d).u16(32).bytes(randomBytes(random, 32)).done();
  const extensions = new Writer();
  for (const [type, bytes] of [
    [0, serverName],
    [10, Uint8Array.of(0, 2, 0, 0x1d)],
    [13, Uint8Array.of(0, 4, 4, 3, 8, 4)],
    [16, Uint8Array.of(0, 12, 2, ...bytesOf('h2'), 8, ...bytesOf('http/1.1'))],
    [43, Uint8Array.of(2, 3, 4)],
    [51, keyShare],
  ] as const) {
    extensions.u16(type).u16(bytes.length).bytes(bytes);
  }
  const body = new Writer(512)
    .u16(0x0303)
    .bytes(randomBytes(random, 32))
    .u8(32)
    .bytes(randomBytes(random, 32))
    .bytes(Uint8Array.of(0, 6, 0x13, 1, 0x13, 2, 0x13, 3, 1, 0))
    .u16(extensions.length)
    .bytes(extensions.done())
    .done();
  const record = new Writer(512).u8(1).u8(0).u16(body.length).bytes(body).done();
  return new Writer(512).bytes(TLS).u16(record.length).bytes(record).done();
}
