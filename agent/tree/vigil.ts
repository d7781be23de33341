import { after, at, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';

/** Two beats and a little: what one lost datagram and its jitter make. Then spares are asked, which costs nothing but their reserve. */
export const SUSPECT_AFTER = ms(120);
/** Six beats without one: nobody who lives is as quiet as that for a round trip and a half of the longest lines. */
export const DEAD_AFTER = ms(300);
/** It beats and brings nothing: a little longer than its own `hold` needs to get here. */
const MUTE_AFTER = ms(200);
/** While it holds, those nearest to the break act first, and each step below them waits this much longer. */
const PATIENCE = ms(400);
const PATIENCE_PER_HOP = ms(150);
/** A new parent begins with what it has; one that holds from the first moment on has nothing to lose us. */
const FIRST_WITHIN = ms(400);
const FIRST_HELD = seconds(1);
/** A `hold` is said with every beat; three that are missing end it. */
const HOLD_LASTS = ms(150);
/** Whatever it says: who has brought nothing for so long is no parent. */
const BARREN_AFTER = seconds(3);

export type Finding =
  | 'well'
  /** The stream is held up above the parent, and somebody nearer is at it. */
  | 'held'
  /** Ask others for what is missing. */
  | 'suspect'
  /** It is there and has nothing to give, or keeps it. */
  | 'barren'
  | 'dead';

/** Watches over one parent: is it there, and does it bring the stream. */
export class Vigil {
  #heard: Instant = at(0);
  #data: Instant = at(0);
  #hold: { readonly at: Instant; readonly hops: number } | undefined;
  /** Others have newer blocks than it brought. */
  #isProven = false;
  /** It has brought something since it became the parent. */
  #hasBrought = false;

  begin(now: Instant): void {
    [this.#heard, this.#data, this.#hold, this.#isProven, this.#hasBrought] = [now, now, undefined, false, false];
  }

  heard(what: 'data' | 'beat' | 'idle', now: Instant): void {
    this.#heard = now;
    if (what === 'beat') return;
    [this.#data, this.#hold, this.#isProven, this.#hasBrought] = [now, undefined, false, true];
  }

  hold(hops: number, now: Instant): void {
    this.#heard = now;
    this.#hold = { at: now, hops };
  }

  /** Somebody else had a block that it has not brought. */
  compare(now: Instant): void {
    if (since(this.#data, now) >= MUTE_AFTER) this.#isProven = true;
  }

  /** How many households are between it and the break; undefined while it says nothing of one. */
  hops(now: Instant): number | undefined {
    return this.#hold !== undefined && since(this.#hold.at, now) < HOLD_LASTS ? this.#hold.hops : undefined;
  }

  find(now: Instant): Finding {
    const [silent, dry] = [since(this.#heard, now), since(this.#data, now)];
    if (silent >= DEAD_AFTER) return 'dead';
    if (dry >= BARREN_AFTER) return 'barren';
    const hops = this.hops(now);
    if (!this.#hasBrought && dry >= (hops === undefined ? FIRST_WITHIN : FIRST_HELD)) return 'barren';
    if (hops !== undefined) return dry >= patience(hops) ? 'suspect' : 'held';
    if (this.#isProven && dry >= DEAD_AFTER) return 'barren';
    return silent >= SUSPECT_AFTER || dry >= MUTE_AFTER ? 'suspect' : 'well';
  }

  /** When the finding changes, if nothing is heard until then. */
  wake(now: Instant): Instant {
    const hops = this.hops(now);
    let wake = after(this.#data, BARREN_AFTER);
    const turns = [
      after(this.#heard, SUSPECT_AFTER),
      after(this.#heard, DEAD_AFTER),
      after(this.#data, MUTE_AFTER),
      ...(this.#hasBrought ? [] : [after(this.#data, FIRST_WITHIN), after(this.#data, FIRST_HELD)]),
      ...(this.#isProven ? [after(this.#data, DEAD_AFTER)] : []),
      ...(this.#hold !== undefined && hops !== undefined
        ? [after(this.#hold.at, HOLD_LASTS), after(this.#data, patience(hops))]
        : []),
    ];
    for (const turn of turns) if (turn > now && turn < wake) wake = turn;
    return wake;
  }
}

function patience(hops: number): Millis {
  return ms(PATIENCE + hops * PATIENCE_PER_HOP);
}
