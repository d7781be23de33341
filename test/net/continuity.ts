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

/** Counters of every PID: one more with each packet that has a payload, or one exact repetition. */
export function judgeContinuity(stream: Uint8Array): Judged {
  const pids = new Map<number, number>();
  const last = new Map<number, { counter: number; repeated: boolean }>();
  const errors: string[] = [];
  let packets = 0;
  for (let at = 0; at + PACKET <= stream.length; at += PACKET) {
    if (stream[at] !== SYNC) {
      errors.push(`byte ${at}: no packet starts here`);
      break;
    }
    packets++;
    const pid = pidAt(stream, at);
    pids.set(pid, (pids.get(pid) ?? 0) + 1);
    if (pid === NULL_PID) continue;
    const control = stream[at + 3] ?? 0;
    const counter = control & 15;
    const payload = (control & 0x10) !== 0;
    const marked = (control & 0x20) !== 0 && (stream[at + 4] ?? 0) > 0 && ((stream[at + 5] ?? 0) & 0x80) !== 0;
    const before = last.get(pid);
    let repeated = false;
    if (before !== undefined && !marked) {
      const expected = (before.counter + (payload ? 1 : 0)) & 15;
      repeated = payload && counter === before.counter && !before.repeated;
      if (counter !== expected && !repeated) {
        errors.push(`packet ${at / PACKET}, pid ${pid}: ${counter} after ${before.counter}`);
      }
    }
    last.set(pid, { counter, repeated });
  }
  return { packets, pids, errors };
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
