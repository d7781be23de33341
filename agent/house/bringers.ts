import { after, at, type Instant, seconds, since } from '../base/time.ts';

/** A block or two that others bring is a bad moment of a line; a third of a second's blocks is a parent that can't. */
const LOOKED_AT = seconds(1);
const [ENOUGH, SHARE] = [8, 1 / 3];
/** What the one before left unfinished is brought by whoever was asked for it. */
const SETTLES_IN = seconds(2);
/** Blocks are 40 ms long, or shorter at high rates. */
const KEPT = 200;

/**
 * Who brings the stream, really: a parent whose line is too slow sends something all the time and is never silent, while
 * others bring what its children show.
 */
export class Bringers {
  #last: { readonly at: Instant; readonly isParent: boolean }[] = [];
  #from: Instant = at(0);

  /** Somebody else feeds us, or the parent says that it is itself helped: neither is the parent's fault. */
  begin(now: Instant, settles = SETTLES_IN): void {
    this.#last = [];
    this.#from = after(now, settles);
  }

  block(isParent: boolean, now: Instant): void {
    if (now < this.#from) return;
    this.#last.push({ at: now, isParent });
    if (this.#last.length > KEPT) this.#last.shift();
  }

  /** Whether others had to bring too much of the last second. */
  isSlow(now: Instant): boolean {
    const lately = this.#last.filter((block) => since(block.at, now) < LOOKED_AT);
    const others = lately.filter(({ isParent }) => !isParent).length;
    return lately.length >= ENOUGH && others >= SHARE * lately.length;
  }
}
