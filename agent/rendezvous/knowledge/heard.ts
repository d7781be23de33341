import { randomBytes, type Random } from '../../base/random.ts';
import { type Instant, minutes } from '../../base/time.ts';

const DAY = minutes(24 * 60);
/** Per generation; two of them are 5 MB when full. Past that the oldest of the day may speak again. */
const MOST = 65_536;

/** Who has spoken today about what: one household counts once per key and day. */
export class Heard {
  readonly #salt: number;
  #day = -1;
  #young = new Set<number>();
  #old = new Set<number>();

  constructor(random: Random) {
    this.#salt = randomBytes(random, 4).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  /** True the first time today. */
  first(words: readonly string[], now: Instant): boolean {
    this.#turn(now);
    const name = this.name(words.join('\n'));
    if (this.#young.has(name) || this.#old.has(name)) return false;
    if (this.#young.size >= MOST) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(name);
    return true;
  }

  /** 30 bits that stand for a text in this process and nowhere else (FNV-1a, Murmur3's last mix). */
  name(text: string): number {
    let hash = this.#salt ^ 0x811c9dc5;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 2;
  }

  #turn(now: Instant): void {
    const day = dayOf(now);
    if (day === this.#day) return;
    this.#day = day;
    this.#young.clear();
    this.#old.clear();
  }
}

export function dayOf(now: Instant): number {
  return Math.floor(now / DAY);
}
