/**
 * An independent look at a transport stream (ISO/IEC 13818-1 2.4.3), sharing nothing with agent/media: it judges that one.
 */
const PACKET = 188;
const SYNC = 0x47;
const NULL_PID = 0x1fff;

export interface Judged {
  readonly packets: number;
  /** Packets per PID. */
  readonly pids: ReadonlyMap<number, number>;
  /** One sentence for each packet whose counter does not follow. */
  readonly errors: readonly string[];
}

/** Judges a stream piece by piece; a packet may come in two. */
export class Continuity {
  readonly pids = new Map<number, number>();
  readonly errors: string[] = [];
  packets = 0;
  /** Places where the stream itself says that something is missing (2.4.3.5, discontinuity_indicator). */
  marks = 0;
  readonly #last = new Map<number, { counter: number; repeated: boolean }>();
  #rest: Uint8Array = new Uint8Array(0);
  #isBroken = false;

  /** `each` gets every packet. */
  take(piece: Uint8Array, each: (packet: Uint8Array) => void = () => {}): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let at = 0;
    for (; at + PACKET <= bytes.length && !this.#isBroken; at += PACKET) {
      this.#judge(bytes, at);
      each(bytes.subarray(at, at + PACKET));
    }
    this.#rest = bytes.slice(at);
  }

  /** Counters of every PID: one more with each packet that has a payload, or one exact repetition. */
  #judge(bytes: Uint8Array, at: number): void {
    if (bytes[at] !== SYNC) {
      this.errors.push(`packet ${this.packets}: no packet starts here`);
      this.#isBroken = true;
      return;
    }
    const pid = pidAt(bytes, at);
    this.pids.set(pid, (this.pids.get(pid) ?? 0) + 1);
    const number = this.packets++;
    if (pid === NULL_PID) return;
    const control = bytes[at + 3] ?? 0;
    const counter = control & 15;
    const payload = (control & 0x10) !== 0;
    const marked = (control & 0x20) !== 0 && (bytes[at + 4] ?? 0) > 0 && ((bytes[at + 5] ?? 0) & 0x80) !== 0;
    const before = this.#last.get(pid);
    if (marked && before !== undefined) this.marks++;
    let repeated = false;
    if (before !== undefined && !marked) {
      const expected = (before.counter + (payload ? 1 : 0)) & 15;
      repeated = payload && counter === before.counter && !before.repeated;
      if (counter !== expected && !repeated) {
        this.errors.push(`packet ${number}, pid ${pid}: ${counter} after ${before.counter}`);
      }
    }
    this.#last.set(pid, { counter, repeated });
  }
}

/** The whole of a stream at once. */
export function judgeContinuity(stream: Uint8Array): Judged {
  const continuity = new Continuity();
  continuity.take(stream);
  return continuity;
}

/** The stream's own clock in a packet, in ms (it begins anew every 26 hours); undefined where there is none. */
export function clockOf(packet: Uint8Array): number | undefined {
  const hasClock = ((packet[3] ?? 0) & 0x20) !== 0 && (packet[4] ?? 0) >= 7 && ((packet[5] ?? 0) & 0x10) !== 0;
  if (!hasClock) return undefined;
  const base = (packet[6] ?? 0) * 2 ** 25 + (packet[7] ?? 0) * 2 ** 17 + (packet[8] ?? 0) * 2 ** 9;
  return (base + (packet[9] ?? 0) * 2 + ((packet[10] ?? 0) >> 7)) / 90;
}

/** The stream without its null packets. */
export function withoutNulls(stream: Uint8Array): Buffer {
  const kept: Uint8Array[] = [];
  for (let at = 0; at + PACKET <= stream.length; at += PACKET) {
    if (pidAt(stream, at) !== NULL_PID) kept.push(stream.subarray(at, at + PACKET));
  }
  return Buffer.concat(kept);
}

export interface Excerpt {
  /** Packets at the beginning that stand elsewhere in the whole: the tables a new viewer is given first. */
  readonly tables: number;
  /** Where in the whole the rest begins, in packets. */
  readonly from: number;
  readonly packets: number;
}

/**
 * Where `part`, but for at most `most` packets at its beginning, stands in `whole` in one piece and byte for byte.
 * A string says where it stopped being equal.
 */
export function findExcerpt(whole: Buffer, part: Buffer, most: number): Excerpt | string {
  let reason = 'nothing of it is there';
  const usable = part.subarray(0, part.length - (part.length % PACKET));
  for (let tables = 0; tables <= most; tables++) {
    const rest = usable.subarray(tables * PACKET);
    // A beginning of 40 packets is found once at most in a real stream; the rest must then be equal.
    const from = whole.indexOf(rest.subarray(0, 40 * PACKET));
    if (from < 0 || from % PACKET !== 0) continue;
    const there = whole.subarray(from, from + rest.length);
    if (there.equals(rest)) return { tables, from: from / PACKET, packets: rest.length / PACKET };
    const wrong = rest.findIndex((byte, i) => byte !== there[i]);
    reason = `equal up to byte ${wrong} of ${rest.length}`;
  }
  return reason;
}

function pidAt(stream: Uint8Array, at: number): number {
  return (((stream[at + 1] ?? 0) & 0x1f) << 8) | (stream[at + 2] ?? 0);
}
