import { concat } from '../base/bytes.ts';
import { continuity, hasPayload, NULL_PID, PACKET, pidOf } from './packets.ts';
import { Tables } from './tables.ts';

const NOTHING = new Uint8Array(0);
/** PIDs followed; a programme has a handful, a whole satellite multiplex about 100. */
const PIDS_MOST = 256;

/**
 * What a viewer must be given who comes in the middle of a stream, or after a gap: the newest PAT and PMT, and for each
 * PID a packet without payload whose discontinuity indicator allows its counter to jump (ISO/IEC 13818-1 2.4.3.5).
 * Reads every block in order. blocks/ring.ts asks it.
 */
export class Entry {
  #tables = new Tables();
  /** The last continuity counter of each PID. */
  readonly #counters = new Map<number, number>();
  /** PIDs not seen since the last gap. */
  readonly #unbridged = new Set<number>();

  /** Reads whole packets; called once for each block, in order. */
  pass(bytes: Uint8Array): void {
    for (let at = 0; at + PACKET <= bytes.length; at += PACKET) {
      const pid = pidOf(bytes, at);
      if (pid === NULL_PID) continue;
      if (this.#counters.has(pid) || this.#counters.size < PIDS_MOST) this.#counters.set(pid, continuity(bytes, at));
      if (this.#tables.isTable(pid)) this.#tables.take(bytes, at);
    }
  }

  /** The packets that carried the newest PAT and PMT, unchanged, so that counters go on with the next ones. */
  enter(): Uint8Array {
    return concat(this.#tables.packets());
  }

  /** For a viewer that lost its place: marks for every PID, then the tables. */
  rejoin(): Uint8Array {
    const tables = this.#tables.packets();
    const first = new Map<number, Uint8Array>();
    for (const packet of tables.toReversed()) first.set(pidOf(packet, 0), packet);
    const marks = Array.from(this.#counters, ([pid, counter]) => {
      const table = first.get(pid);
      return mark(pid, table === undefined ? counter : continuity(table, 0) - 1);
    });
    return concat([...marks, ...tables]);
  }

  /** From here on counters may jump. */
  gap(): void {
    for (const pid of this.#counters.keys()) this.#unbridged.add(pid);
  }

  /** Another encoder: its tables come before its first keyframe, and those of the old one would mislead a viewer. */
  restart(): void {
    this.gap();
    this.#tables = new Tables();
  }

  /** Marks for the PIDs that appear in `bytes` for the first time since the gap and do not go on as they left off. */
  bridge(bytes: Uint8Array): Uint8Array {
    if (this.#unbridged.size === 0) return NOTHING;
    const marks: Uint8Array[] = [];
    for (let at = 0; at + PACKET <= bytes.length; at += PACKET) {
      const pid = pidOf(bytes, at);
      if (!this.#unbridged.delete(pid)) continue;
      const before = continuity(bytes, at) - (hasPayload(bytes, at) ? 1 : 0);
      marks.push(mark(pid, before));
    }
    return marks.length === 0 ? NOTHING : concat(marks);
  }
}

/** An adaptation field of 183 bytes and nothing else: discontinuity_indicator, then stuffing. */
function mark(pid: number, counter: number): Uint8Array {
  const packet = new Uint8Array(PACKET).fill(0xff);
  packet.set([0x47, pid >> 8, pid & 255, 0x20 | (counter & 15), PACKET - 5, 0x80]);
  return packet;
}
