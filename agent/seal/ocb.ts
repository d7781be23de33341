import { Slab } from '../base/slab.ts';
import type { Aead, BlockCipher } from './cipher.ts';
import { TAG } from './header.ts';

const BLOCK = 16;
/** Words of 32 bits in a block. */
const WORDS = 4;
/** Nonces that differ in these low bits only share one call of the cipher: 64 packet numbers in a row. */
const BOTTOM = 63;
/** Room for a datagram and its associated data; more is made when asked for. */
const FIRST_ROOM = 2048;

/**
 * AEAD_AES_128_OCB_TAGLEN128 (RFC 7253) over one block cipher that lives as long as its key: a datagram is sealed by one call
 * of the cipher and opened by two, and there is no object per datagram (docs/decisions/0005). Names are those of the RFC.
 */
export function ocb(block: BlockCipher): Aead {
  const lStar = copied(block.encrypt(new Uint8Array(BLOCK)));
  const lDollar = double(lStar);
  const l = [double(lDollar)];
  const [star, dollar] = [wordsOf(lStar), wordsOf(lDollar)];

  /** Block i, from 1, has the offset Offset_0 xor `steps` at 4 i. The same for all nonces, so reckoned once. */
  let steps = new Int32Array(WORDS);
  const stepTo = (blocks: number): void => {
    if (steps.length >= WORDS * (blocks + 1)) return;
    const grown = new Int32Array(WORDS * (2 * blocks + 1));
    grown.set(steps);
    for (let i = steps.length / WORDS; i < grown.length / WORDS; i++) {
      const zeros = 31 - Math.clz32(i & -i);
      while (l.length <= zeros) l.push(double(l.at(-1) ?? lDollar));
      const step = wordsOf(l[zeros] ?? lDollar);
      for (let k = 0; k < WORDS; k++) grown[WORDS * i + k] = at(grown, WORDS * (i - 1) + k) ^ at(step, k);
    }
    steps = grown;
  };

  /** What goes into the cipher and what came out, laid over as words. */
  let [into, out] = [new Uint8Array(FIRST_ROOM), new Uint8Array(FIRST_ROOM)];
  let [intoWords, outWords] = [new Int32Array(into.buffer), new Int32Array(out.buffer)];
  const reserve = (text: number, associated: number): void => {
    stepTo(Math.ceil(Math.max(text, associated) / BLOCK));
    const room = text + associated + 4 * BLOCK;
    if (room <= into.length) return;
    const length = 2 * (room - (room % BLOCK));
    [into, out] = [new Uint8Array(length), new Uint8Array(length)];
    [intoWords, outWords] = [new Int32Array(into.buffer), new Int32Array(out.buffer)];
    inputs.length = 0;
  };
  /** The cipher's input up to so many blocks; its views are kept, not made for each call. */
  const inputs: Uint8Array[] = [];
  const input = (words: number): Uint8Array => (inputs[words / WORDS] ??= into.subarray(0, (words / WORDS) * BLOCK));

  const slab = new Slab();

  const top = new Uint8Array(BLOCK);
  const stretch = new Uint8Array(BLOCK + 8);
  let stretched = false;
  const start = new Uint8Array(BLOCK);
  const startWords = new Int32Array(start.buffer);
  /** Offset_0 of a nonce of 12 bytes, into `start`. */
  const begin = (nonce: Uint8Array): void => {
    const last = nonce[11] ?? 0;
    let same = stretched && top[15] === (last & ~BOTTOM);
    for (let i = 0; same && i < 11; i++) same = top[4 + i] === nonce[i];
    if (!same) {
      // Tag length modulo 128 in 7 bits, zeros, a one, the nonce.
      top[3] = 1;
      top.set(nonce, 4);
      top[15] = last & ~BOTTOM;
      stretch.set(block.encrypt(top));
      for (let i = 0; i < 8; i++) stretch[BLOCK + i] = (stretch[i] ?? 0) ^ (stretch[i + 1] ?? 0);
      stretched = true;
    }
    const bottom = last & BOTTOM;
    const from = bottom >>> 3;
    const shift = bottom & 7;
    for (let i = 0; i < BLOCK; i++)
      start[i] = ((stretch[from + i] ?? 0) << shift) | ((stretch[from + i + 1] ?? 0) >>> (8 - shift));
  };

  const edge = new Uint8Array(BLOCK);
  const edgeWords = new Int32Array(edge.buffer);
  /** The last, short block as its own bytes, a one bit and zeros, into `edge`. */
  const cut = (bytes: Uint8Array, whole: number): void => {
    edgeWords.fill(0);
    for (let i = whole; i < bytes.length; i++) edge[i - whole] = bytes[i] ?? 0;
    edge[bytes.length - whole] = 0x80;
  };

  /** Puts the blocks of HASH into the cipher's input from word `at0` on; answers where they end. */
  const hashInto = (associated: Uint8Array, at0: number): number => {
    const whole = associated.length & ~(BLOCK - 1);
    const end = at0 + whole / WORDS;
    into.set(whole === associated.length ? associated : associated.subarray(0, whole), WORDS * at0);
    for (let j = at0; j < end; j++) intoWords[j] = at(intoWords, j) ^ at(steps, j - at0 + WORDS);
    if (whole === associated.length) return end;
    cut(associated, whole);
    for (let k = 0; k < WORDS; k++) intoWords[end + k] = at(edgeWords, k) ^ at(steps, end - at0 + k) ^ at(star, k);
    return end + WORDS;
  };

  /** One word of HASH: the sum of what the cipher made of those blocks. */
  const hashOf = (k: number, from: number, end: number): number => {
    let sum = 0;
    for (let j = from; j < end; j += WORDS) sum ^= at(outWords, j + k);
    return sum;
  };

  return {
    seal(nonce, associated, plaintext, sealed) {
      const length = plaintext.length;
      const rest = length & (BLOCK - 1);
      const end = (length - rest) / WORDS;
      begin(nonce);
      reserve(length, associated.length);
      const a = at(startWords, 0);
      const b = at(startWords, 1);
      const c = at(startWords, 2);
      const d = at(startWords, 3);
      const [words, step] = [intoWords, steps];
      into.set(plaintext);
      let ca = 0;
      let cb = 0;
      let cc = 0;
      let cd = 0;
      for (let j = 0; j < end; j += WORDS) {
        const p = at(words, j);
        const q = at(words, j + 1);
        const r = at(words, j + 2);
        const s = at(words, j + 3);
        ca ^= p;
        cb ^= q;
        cc ^= r;
        cd ^= s;
        words[j] = p ^ at(step, j + 4) ^ a;
        words[j + 1] = q ^ at(step, j + 5) ^ b;
        words[j + 2] = r ^ at(step, j + 6) ^ c;
        words[j + 3] = s ^ at(step, j + 7) ^ d;
      }
      // Then the pad of a short last block, the tag before HASH, and the blocks of HASH.
      let tag = end;
      let oa = at(step, end) ^ a;
      let ob = at(step, end + 1) ^ b;
      let oc = at(step, end + 2) ^ c;
      let od = at(step, end + 3) ^ d;
      if (rest > 0) {
        cut(plaintext, length - rest);
        ca ^= at(edgeWords, 0);
        cb ^= at(edgeWords, 1);
        cc ^= at(edgeWords, 2);
        cd ^= at(edgeWords, 3);
        words[tag] = oa ^= at(star, 0);
        words[tag + 1] = ob ^= at(star, 1);
        words[tag + 2] = oc ^= at(star, 2);
        words[tag + 3] = od ^= at(star, 3);
        tag += WORDS;
      }
      words[tag] = ca ^ oa ^ at(dollar, 0);
      words[tag + 1] = cb ^ ob ^ at(dollar, 1);
      words[tag + 2] = cc ^ oc ^ at(dollar, 2);
      words[tag + 3] = cd ^ od ^ at(dollar, 3);
      const done = hashInto(associated, tag + WORDS);
      out.set(block.encrypt(input(done)));
      const made = outWords;
      for (let j = 0; j < end; j += WORDS) {
        made[j] = at(made, j) ^ at(step, j + 4) ^ a;
        made[j + 1] = at(made, j + 1) ^ at(step, j + 5) ^ b;
        made[j + 2] = at(made, j + 2) ^ at(step, j + 6) ^ c;
        made[j + 3] = at(made, j + 3) ^ at(step, j + 7) ^ d;
      }
      for (let k = 0; k < WORDS; k++) made[tag + k] = at(made, tag + k) ^ hashOf(k, tag + WORDS, done);
      if (rest > 0) {
        for (let i = length - rest; i < length; i++) out[i] = (out[i] ?? 0) ^ (plaintext[i] ?? 0);
        out.copyWithin(length, WORDS * tag, WORDS * tag + TAG);
      }
      sealed.set(out.subarray(0, length + TAG));
    },

    open(nonce, associated, sealed) {
      if (sealed.length < TAG) return undefined;
      const length = sealed.length - TAG;
      const rest = length & (BLOCK - 1);
      const end = (length - rest) / WORDS;
      begin(nonce);
      reserve(length, associated.length);
      const a = at(startWords, 0);
      const b = at(startWords, 1);
      const c = at(startWords, 2);
      const d = at(startWords, 3);
      const step = steps;
      let oa = at(step, end) ^ a;
      let ob = at(step, end + 1) ^ b;
      let oc = at(step, end + 2) ^ c;
      let od = at(step, end + 3) ^ d;
      // First what needs no text: the pad of a short last block, and HASH.
      if (rest > 0) {
        intoWords[0] = oa ^= at(star, 0);
        intoWords[1] = ob ^= at(star, 1);
        intoWords[2] = oc ^= at(star, 2);
        intoWords[3] = od ^= at(star, 3);
      }
      const from = rest > 0 ? WORDS : 0;
      const done = hashInto(associated, from);
      if (done > 0) out.set(block.encrypt(input(done)));
      // Then the text, and behind it the tag: the cipher backwards makes of it the sum that the text must have.
      into.set(sealed);
      edgeWords.fill(0);
      if (rest > 0) {
        for (let i = 0; i < rest; i++) edge[i] = (into[length - rest + i] ?? 0) ^ (out[i] ?? 0);
        edge[rest] = 0x80;
        into.copyWithin(length - rest, length, length + TAG);
      }
      const words = intoWords;
      for (let j = 0; j < end; j += WORDS) {
        words[j] = at(words, j) ^ at(step, j + 4) ^ a;
        words[j + 1] = at(words, j + 1) ^ at(step, j + 5) ^ b;
        words[j + 2] = at(words, j + 2) ^ at(step, j + 6) ^ c;
        words[j + 3] = at(words, j + 3) ^ at(step, j + 7) ^ d;
      }
      for (let k = 0; k < WORDS; k++) words[end + k] = at(words, end + k) ^ hashOf(k, from, done);
      out.set(block.decrypt(input(end + WORDS)));
      const made = outWords;
      let ca = at(edgeWords, 0);
      let cb = at(edgeWords, 1);
      let cc = at(edgeWords, 2);
      let cd = at(edgeWords, 3);
      for (let j = 0; j < end; j += WORDS) {
        ca ^= made[j] = at(made, j) ^ at(step, j + 4) ^ a;
        cb ^= made[j + 1] = at(made, j + 1) ^ at(step, j + 5) ^ b;
        cc ^= made[j + 2] = at(made, j + 2) ^ at(step, j + 6) ^ c;
        cd ^= made[j + 3] = at(made, j + 3) ^ at(step, j + 7) ^ d;
      }
      // All words are looked at, however early one differs.
      const difference =
        (ca ^ oa ^ at(dollar, 0) ^ at(made, end)) |
        (cb ^ ob ^ at(dollar, 1) ^ at(made, end + 1)) |
        (cc ^ oc ^ at(dollar, 2) ^ at(made, end + 2)) |
        (cd ^ od ^ at(dollar, 3) ^ at(made, end + 3));
      if (difference !== 0) return undefined;
      for (let i = 0; i < rest; i++) out[length - rest + i] = edge[i] ?? 0;
      const text = slab.take(length);
      text.set(out.subarray(0, length));
      return text;
    },
  };
}

/** The word at a place that is known to be there. */
function at(words: Int32Array, place: number): number {
  return words[place] as number;
}

/** Multiplication by x in GF(2^128), without a branch on what is secret. */
function double(from: Uint8Array): Uint8Array {
  const out = new Uint8Array(BLOCK);
  for (let i = 0; i < BLOCK; i++) out[i] = ((from[i] ?? 0) << 1) | ((from[i + 1] ?? 0) >>> 7);
  out[15] = (out[15] ?? 0) ^ (((from[0] ?? 0) >>> 7) * 0x87);
  return out;
}

/** In the byte order of this machine, whichever it is: words are only ever added without carry. */
function wordsOf(bytes: Uint8Array): Int32Array {
  return new Int32Array(copied(bytes).buffer);
}

/** Memory of its own: what a block cipher answers with may lie anywhere in some other. */
function copied(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
