import { Window } from '../base/window.ts';

/**
 * How far message ids in flight may spread; the sender keeps to it (outbox.ts), so that an id too old to be
 * remembered is a duplicate for certain. 0.4 s at 400 Mbit/s, 4 KiB of memory.
 */
export const ID_WINDOW = 32768;

/** Which messages were delivered already: repairs and early duplicates bring some twice. */
export class Inbox {
  readonly #seen = new Window(ID_WINDOW);

  /** True the first time an id is taken; ids wrap at 2^32. */
  take(id: number): boolean {
    const newest = this.#seen.newest;
    const full = newest < 0 ? id : newest + ((id - newest) | 0);
    if (full < 0 || !this.#seen.fresh(full)) return false;
    this.#seen.mark(full);
    return true;
  }
}
