import type { Random } from '../base/random.ts';
import type { Aead, BlockCipher, Cipher } from './cipher.ts';
import { encodeHeader, type FirstByte, HEADER, TAG } from './header.ts';
import { hkdf } from './kdf.ts';

/** Handshake datagrams are of any size in this range (bytes, header and tag included): no size tells what they are. */
export const MASKED_LEAST = 96;
export const MASKED_MOST = 480;

const OVERHEAD = HEADER + 2 + TAG;

/** How many bytes a masked datagram with this content takes at the least. */
export const maskedNeed = (content: number): number => Math.max(MASKED_LEAST, content + OVERHEAD);

/** The AEAD that hides handshake datagrams sent to the holder of `secret` (a header key or a pair secret). */
export function maskKey(cipher: Cipher, secret: Uint8Array): Aead {
  return cipher.aead('chacha20-poly1305', hkdf(cipher, new Uint8Array(0), secret, 'hearth mask', 32));
}

export interface Masked {
  /** The receiver's header key. */
  readonly block: BlockCipher;
  readonly mask: Aead;
  readonly index: number;
  readonly kind: number;
  readonly content: Uint8Array;
  readonly random: Random;
  /** Bounds of the datagram's size; the size is even between them. The content's need comes before `most`. */
  readonly least?: number;
  readonly most?: number;
  readonly firstByte?: FirstByte;
}

/** A handshake datagram of random size around `content`: u16 length, content, zeros, all sealed. */
export function sealMasked(masked: Masked): Uint8Array {
  const { content, random } = masked;
  const least = Math.max(masked.least ?? MASKED_LEAST, maskedNeed(content.length));
  const most = Math.max(masked.most ?? MASKED_MOST, least);
  const datagram = new Uint8Array(least + random(most - least + 1));
  const header = encodeHeader(
    {
      index: masked.index,
      // 44 random bits here and 8 in pad: with 2^32 such datagrams under one mask key, no nonce is likely to come twice.
      counter: random(2 ** 12) * 2 ** 32 + random(2 ** 32),
      kind: masked.kind,
      phase: random(8),
      pad: random(256),
    },
    masked.block,
    masked.firstByte,
  );
  datagram.set(header);
  datagram[HEADER] = content.length >>> 8;
  datagram[HEADER + 1] = content.length;
  datagram.set(content, HEADER + 2);
  const body = datagram.subarray(HEADER);
  masked.mask.seal(header.subarray(0, 12), header, body.subarray(0, body.length - TAG), body);
  return datagram;
}

/** The content of a handshake datagram; undefined when it was not sealed under this mask. */
export function openMasked(datagram: Uint8Array, mask: Aead): Uint8Array | undefined {
  if (datagram.length < MASKED_LEAST || datagram.length > MASKED_MOST) return undefined;
  const header = datagram.subarray(0, HEADER);
  const body = mask.open(header.subarray(0, 12), header, datagram.subarray(HEADER));
  if (body === undefined) return undefined;
  const length = ((body[0] ?? 0) << 8) | (body[1] ?? 0);
  return length + 2 > body.length ? undefined : body.subarray(2, 2 + length);
}
