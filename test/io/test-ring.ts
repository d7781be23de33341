import { at } from '../../agent/base/time.ts';
import { FLAG } from '../../agent/blocks/format.ts';
import { Ring } from '../../agent/blocks/ring.ts';

/** A ring that a test fills block by block, with tables that are easy to tell from the rest. */
export class TestRing extends Ring {
  #number = 0;

  /** `room` in bytes, the ring's own bookkeeping counted. */
  constructor(room = 8 * 2 ** 20) {
    const nothing = new Uint8Array(0);
    super({
      bytes: room,
      entry: {
        pass: () => undefined,
        restart: () => {},
        gap: () => undefined,
        enter: () => TABLES,
        rejoin: () => TABLES,
        bridge: () => nothing,
      },
    });
  }

  /** The next block of the stream; blocks come every 10 ms. */
  add(bytes: Uint8Array, key: boolean): void {
    const number = this.#number++;
    const time = number * 10;
    const flags = key ? FLAG.key : 0;
    this.push({ epoch: 1, number, flags, time, bytes, isClear: true, manifest: new Uint8Array(0) }, at(time));
  }
}

export const PID = { pat: 0, pmt: 0x1000, video: 0x100 } as const;

/** Packets of 188 bytes that say of themselves what a test must know: PID, keyframe start, a number. */
export function packet(pid: number, number: number, key = false): Uint8Array {
  const bytes = new Uint8Array(188).fill(0xff);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x47;
  view.setUint16(1, pid | (key ? 0x4000 : 0));
  // With a keyframe: an adaptation field of one byte with random_access_indicator.
  bytes.set(key ? [0x30 | (number % 16), 1, 0x40] : [0x10 | (number % 16), 0, 0], 3);
  view.setUint32(8, number);
  return bytes;
}

export const TABLES = concatenated([packet(PID.pat, 0), packet(PID.pmt, 0)]);

/** Block `number` of 16 video packets, opened by a keyframe where `key`. */
export function block(number: number, key: boolean, packets = 16): Uint8Array {
  return concatenated(
    Array.from({ length: packets }, (_, i) => packet(PID.video, number * packets + i, key && i === 0)),
  );
}

export interface Seen {
  readonly pid: number;
  readonly key: boolean;
  readonly number: number;
}

/** Reads packets back; `broken` counts those that do not start with the sync byte. */
export function packets(bytes: Uint8Array): { readonly seen: readonly Seen[]; readonly broken: number } {
  const seen: Seen[] = [];
  let broken = 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 188 <= bytes.length; at += 188) {
    if (bytes[at] !== 0x47) broken++;
    seen.push({
      pid: view.getUint16(at + 1) & 0x1fff,
      key: ((bytes[at + 3] ?? 0) & 0x20) !== 0 && ((bytes[at + 5] ?? 0) & 0x40) !== 0,
      number: view.getUint32(at + 8),
    });
  }
  return { seen, broken };
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
