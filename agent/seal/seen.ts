import { HEADER } from './header.ts';

/** Each costs some 40 bytes; two generations of them are kept. */
const GENERATION = 65_536;

/**
 * The last handshake datagrams that were taken, so that none is answered twice: an honest client sends the same message
 * only in other bytes, so identical ones come from somebody who recorded them. Of fixed size whoever knocks, and asked
 * only after the mask has opened, so that only those who know this rendezvous can push out what it remembers.
 */
export class Seen {
  readonly #most: number;
  #young = new Set<number>();
  #old = new Set<number>();

  constructor(most = GENERATION) {
    this.#most = most;
  }

  /** Remembers a datagram by its encrypted header, which hardly two have in common; false when it came before. */
  isNew(datagram: Uint8Array): boolean {
    const mark = markOf(datagram);
    if (this.#young.has(mark) || this.#old.has(mark)) return false;
    if (this.#young.size >= this.#most) [this.#old, this.#young] = [this.#young, new Set()];
    this.#young.add(mark);
    return true;
  }
}

/** 52 bits of the header. */
function markOf(datagram: Uint8Array): number {
  let mark = 0;
  for (let i = 0; i < 6; i++) mark = mark * 256 + (datagram[i] ?? 0);
  return mark * 16 + ((datagram[HEADER - 1] ?? 0) & 15);
}
