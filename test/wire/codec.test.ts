import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, hex } from '../../agent/base/bytes.ts';
import { decode, encode } from '../../agent/wire/codec.ts';
import { ms } from '../../agent/base/time.ts';
import { cutName } from '../../agent/wire/fields.ts';
import type { Message } from '../../agent/wire/messages.ts';
import { decodePeer, encodePeer, type PeerMessage, STREAM_MESSAGES } from '../../agent/wire/peer.ts';
import vectors from '../vectors/wire.json' with { type: 'json' };
import { KINDS, messages, peerMessages } from './samples.ts';

/** Random bodies per run; `make fuzz` gives the decoders a million each. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 2000);

describe('messages between household and rendezvous', () => {
  it('come out as they went in, several to a body', () => {
    fc.assert(
      fc.property(fc.array(messages, { maxLength: 4 }), (said) => {
        expect(decode(concat(said.map(encode)))).toEqual(said);
      }),
      { numRuns: 500 },
    );
  });

  it('have one form only: what decodes is encoded to the same bytes', () => {
    fc.assert(
      fc.property(messages, fc.nat(), fc.nat({ max: 255 }), (message, where, value) => {
        const bytes = encode(message);
        bytes[where % bytes.length] = value;
        const read = decode(bytes);
        // Bytes that are no UTF-8 are replaced, and an IPv6 address may be spelled in one way only: both read the same again.
        if (typeof read !== 'string') expect(decode(concat(read.map(encode)))).toEqual(read);
      }),
      { numRuns: 1000 },
    );
  });

  it('are refused with a reason when cut anywhere', () => {
    fc.assert(
      fc.property(messages, fc.nat(), (message, where) => {
        const bytes = encode(message);
        const cut = 1 + (where % Math.max(1, bytes.length - 1));
        if (cut < bytes.length) expect(decode(bytes.subarray(0, cut))).toBe('truncated');
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['an unknown type', '7f0000', 'unknown-type'],
    ['a word nobody has', '280009000000010900000000', 'out-of-range'],
    ['a longer list than allowed', `06002600000001${'00'.repeat(32)}0009`, 'out-of-range'],
    ['a name with a line break', `26004a00000001${'00'.repeat(32)}00000003010a${'00'.repeat(32)}`, 'out-of-range'],
    ['port 0', '22000d00000001040102030400000bb8', 'out-of-range'],
    ['bytes too many', '1000090000000000000000ff', 'trailing-bytes'],
    ['a length beyond the datagram', '10ffff00', 'truncated'],
    ['a NAT with no counter', profile('00', '00'), 'out-of-range'],
    ['a range of ports that ends before it begins', profile('01', '01 0800 0400'), 'out-of-range'],
    ['a shot at an address that is not named', volley('01', '40 0400'), 'out-of-range'],
    ['a knock at port 0', volley('01 0401020304', '40 0000'), 'out-of-range'],
    ['a knock of few ports in the form for many', volley('01 0401020304', `47 02 0400 0401`), 'out-of-range'],
    ['a kind of shot nobody has', volley('00', 'c0'), 'out-of-range'],
    ['a probe at an observer there cannot be', volley('00', '1f'), 'out-of-range'],
    ['more shots than anybody fires', volley('00', '00'.repeat(600)), 'out-of-range'],
  ])('%s refuses the whole body', (_what, text, reason) => {
    expect(decode(fromHex(text) ?? new Uint8Array(0))).toBe(reason);
  });

  it('a name too long is cut at a character, and one with control characters loses them', () => {
    expect(cutName('ü'.repeat(40))).toBe('ü'.repeat(32));
    expect(cutName('Küche\n\u0000TV')).toBe('KücheTV');
    const named = {
      kind: 'channel-info',
      request: 1,
      channel: new Uint8Array(32),
      epoch: 1,
      origin: new Uint8Array(32),
    } as const;
    expect(decode(encode({ ...named, name: '📺'.repeat(20) }))).toMatchObject([{ name: '📺'.repeat(16) }]);
  });

  it('a walk of 128 knocks, each at a port of its own and with a probe behind, is one datagram', () => {
    const shots = Array.from({ length: 128 }, (_, i) => [
      { kind: 'knock', by: 0, ip: 0, ports: [40_000 + i] } as const,
      { kind: 'probe', by: 0, observer: i % 24 } as const,
    ]).flat();
    const facts = { pairId: 1, round: 1, method: 'walk', startIn: ms(0), pace: 0, ttl: 0 } as const;
    const from = { kind: 'fresh', sockets: 1 } as const;
    const ips = ['203.0.113.7', '2001:db8::7'];
    const walk = { kind: 'volley', ...facts, from, refresh: ms(0), keep: ms(30_000), ips, shots } as const;
    expect(encode(walk).length).toBeLessThan(1168);
    expect(decode(encode(walk))).toEqual([walk]);
  });

  it('an empty body is no message and no fault', () => {
    expect(decode(new Uint8Array(0))).toEqual([]);
  });

  it('any bytes are read or refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => {
        decode(bytes);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('control messages between households', () => {
  it('come out as they went in, and begin below the stream', () => {
    fc.assert(
      fc.property(peerMessages, (message) => {
        const bytes = encodePeer(message);
        expect(decodePeer(bytes)).toEqual(message);
        expect(bytes[0]).toBeLessThan(STREAM_MESSAGES);
      }),
      { numRuns: 500 },
    );
  });

  it('are refused when cut, when too long, and when they are the stream', () => {
    fc.assert(
      fc.property(peerMessages, fc.nat(), (message, where) => {
        const bytes = encodePeer(message);
        expect(decodePeer(bytes.subarray(0, where % bytes.length))).toBeTypeOf('string');
        expect(decodePeer(concat([bytes, new Uint8Array(1)]))).toBe('trailing-bytes');
        expect(decodePeer(Uint8Array.of(STREAM_MESSAGES, 1, 2))).toBe('unknown-type');
      }),
    );
  });

  it('any bytes are read or refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        decodePeer(bytes);
      }),
      { numRuns: RUNS },
    );
  });
});

describe('the vectors of test/vectors/wire.json', () => {
  it('name every kind of message', () => {
    expect(vectors.rendezvous.map(({ message }) => message.kind).toSorted()).toEqual(KINDS.toSorted());
  });

  it.each(vectors.rendezvous.map((vector) => [vector.message.kind, vector] as const))('%s', (_kind, vector) => {
    const message = revived(vector.message) as Message;
    expect(hex(encode(message))).toBe(vector.hex);
    expect(decode(fromHex(vector.hex) ?? new Uint8Array(0))).toEqual([message]);
  });

  it.each(vectors.peer.map((vector) => [vector.message.kind, vector] as const))('%s', (_kind, vector) => {
    const message = revived(vector.message) as PeerMessage;
    expect(hex(encodePeer(message))).toBe(vector.hex);
    expect(decodePeer(fromHex(vector.hex) ?? new Uint8Array(0))).toEqual(message);
  });
});

/** In the file bytes stand as {"hex": "…"}, and what is left out as null. */
function revived(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== 'object') return value;
  if ('hex' in value) return fromHex(String(value.hex));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, revived(one)]));
}

/** A body of one `register` whose profile has these counters and this range, in hexadecimal. */
function profile(counters: string, ports: string): string {
  return framed('01', `00000001 00 00 00 00 00 00 00010000 00 00 00 8001 ${counters} ${ports} 0000 0f 00 00 0000 00`);
}

/** A body of one `volley` with these addresses and shots. */
function volley(ips: string, shots: string): string {
  return framed('2c', `00000001 0001 0a 0000 00 0000 00 0000 0000 ${ips} ${shots}`);
}

function framed(type: string, fields: string): string {
  const text = fields.replaceAll(' ', '');
  return type + (text.length / 2).toString(16).padStart(4, '0') + text;
}
