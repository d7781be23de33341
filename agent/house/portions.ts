import { affords, type Allowance, full, type Rate, spend } from '../base/allowance.ts';
import { keepNewest } from '../base/newest.ts';
import { at, type Instant } from '../base/time.ts';

/** A child that misses more blocks than this starts anew at a keyframe. */
const REPAIR: Rate = { burst: 100, perSecond: 100 };
/** Of all that are fed by others and miss some, together: four seconds of blocks of 40 ms, then as many as a stream has. */
const RESERVE: Rate = { burst: 100, perSecond: 25 };
/** Of one of them: a parent's fall costs three seconds of blocks, and who is never fed otherwise is not fed by this. */
const HELP: Rate = { burst: 100, perSecond: 5 };
/** The last seconds for whoever is fed anew: three rings at once, then a stream's worth. Asking again costs a datagram, the ring a megabyte. */
const CATCH_UP: Rate = { burst: 600, perSecond: 25 };
/** Sessions whose portions are known: more than a household has. */
const KEPT = 128;

interface Portion {
  readonly repair: Allowance;
  readonly help: Allowance;
  readonly catchUp: Allowance;
}

/** What one household may have besides the stream as it comes: blocks that it missed, and the last seconds. Kept over its coming and going. */
export class Portions {
  readonly #reserve = full(RESERVE, at(0));
  readonly #portions = new Map<number, Portion>();

  /** Whether it is worth looking for a block that a child asks for, or, out of the reserve, somebody else. */
  mayHave(pairId: number, isChild: boolean, now: Instant): boolean {
    const { repair, help } = this.#of(pairId, now);
    return isChild
      ? affords(repair, REPAIR, 1, now)
      : affords(help, HELP, 1, now) && affords(this.#reserve, RESERVE, 1, now);
  }

  /** It gets one. */
  had(pairId: number, isChild: boolean, now: Instant): void {
    const { repair, help } = this.#of(pairId, now);
    if (isChild) {
      spend(repair, REPAIR, 1, now);
      return;
    }
    spend(help, HELP, 1, now);
    spend(this.#reserve, RESERVE, 1, now);
  }

  /** Whether it gets so many blocks of the past to begin with. */
  mayCatchUp(pairId: number, blocks: number, now: Instant): boolean {
    return spend(this.#of(pairId, now).catchUp, CATCH_UP, Math.min(blocks, CATCH_UP.burst), now) === 'spent';
  }

  #of(pairId: number, now: Instant): Portion {
    const portion = this.#portions.get(pairId) ?? {
      repair: full(REPAIR, now),
      help: full(HELP, now),
      catchUp: full(CATCH_UP, now),
    };
    keepNewest(this.#portions, pairId, portion, KEPT);
    return portion;
  }
}
