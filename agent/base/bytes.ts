import { type Address, ipBytes, ipText } from './address.ts';

/** Reads big-endian fields; past the end it answers zeros and remembers, so a decoder asks once. */
export class Reader {
  #position = 0;
  #short = false;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** True when any read so far went past the end. */
  get short(): boolean {
    return this.#short;
  }

  get left(): number {
    return this.#bytes.length - this.#position;
  }

  u8(): number {
    return this.#number(1);
  }

  u16(): number {
    return this.#number(2);
  }

  u32(): number {
    return this.#number(4);
  }

  /** 48 bits, exact in a double. */
  u48(): number {
    return this.#number(6);
  }

  /** A view, not a copy. */
  bytes(length: number): Uint8Array {
    if (length > this.left) {
      this.#short = true;
      this.#position = this.#bytes.length;
      return new Uint8Array(Math.min(length, 65536));
    }
    const view = this.#bytes.subarray(this.#position, this.#position + length);
    this.#position += length;
    return view;
  }

  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  /** A length byte, then that many bytes of UTF-8. */
  text8(): string {
    return textOf(this.bytes(this.u8()));
  }

  /** A byte 4 or 6, the IP in network order, the port; undefined for another family. */
  address(): Address | undefined {
    const family = this.u8();
    if (family !== 4 && family !== 6) return undefined;
    const ip = ipText(this.bytes(family === 4 ? 4 : 16));
    return { ip, port: this.u16() };
  }

  #number(length: number): number {
    if (length > this.left) {
      this.#short = true;
      this.#position = this.#bytes.length;
      return 0;
    }
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + (this.#bytes[this.#position++] ?? 0);
    return value;
  }
}

/** Writes big-endian fields into a buffer that grows. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    return this.#number(value, 1);
  }

  u16(value: number): this {
    return this.#number(value, 2);
  }

  u32(value: number): this {
    return this.#number(value, 4);
  }

  u48(value: number): this {
    return this.#number(value, 6);
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  zeros(length: number): this {
    this.#reserve(length);
    this.#length += length;
    return this;
  }

  /** Cut after 255 bytes of UTF-8, at a character's edge. */
  text8(value: string): this {
    let bytes = bytesOf(value);
    if (bytes.length > 255) {
      let end = 255;
      while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
      bytes = bytes.subarray(0, end);
    }
    return this.u8(bytes.length).bytes(bytes);
  }

  /** Throws on text that is no IP: addresses come from sockets and decoders, so that is our own mistake. */
  address(address: Address): this {
    const ip = ipBytes(address.ip);
    if (ip === undefined) throw new Error(`not an IP address: ${address.ip}`);
    return this.u8(ip.length === 4 ? 4 : 6)
      .bytes(ip)
      .u16(address.port);
  }

  /** What was written; a view that later writes may leave behind. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #number(value: number, length: number): this {
    this.#reserve(length);
    let rest = value;
    for (let i = length - 1; i >= 0; i--) {
      this.#bytes[this.#length + i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.#length += length;
    return this;
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Undefined unless the text is whole bytes of hexadecimal. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** UTF-8 without TextEncoder, which the pure folders do not have; lone surrogates become U+FFFD. */
export function bytesOf(text: string): Uint8Array {
  const out: number[] = [];
  for (const character of text.toWellFormed()) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) out.push(code);
    else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(out);
}

/** UTF-8 to text; each byte that does not fit becomes U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length;) {
    const first = bytes[i] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    const code = length === 0 ? undefined : sequence(bytes, i, length);
    text += String.fromCodePoint(code ?? 0xfffd);
    i += code === undefined ? 1 : length;
  }
  return text;
}

function sequence(bytes: Uint8Array, start: number, length: number): number | undefined {
  const first = bytes[start] ?? 0;
  if (length === 1) return first;
  let code = first & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    const next = bytes[start + i];
    if (next === undefined || (next & 0xc0) !== 0x80) return undefined;
    code = (code << 6) | (next & 63);
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
  return code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? undefined : code;
}
