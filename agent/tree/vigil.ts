import { after, at, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';

/** Two beats and a little: what one lost datagram and its jitter make. Then spares are asked, which costs nothing but their reserve. */
export const SUSPECT_AFTER = ms(120);
/** Six beats without one: nobody who lives is as quiet as that for a round trip and a half of the longest lines. */
export const DEAD_AFTER = ms(300);
/** It beats and brings nothing: a little longer than its own `hold` needs to get here. */
const MUTE_AFTER = ms(200);
/** And others have what it does not bring: by then a lost datagram has come again, and nothing is left to wait for. */
const PROVEN_AFTER = ms(250);
/** While it holds, those nearest to the break act first, and each step below them waits this much longer. */
const PATIENCE = ms(400);
const PATIENCE_PER_HOP = ms(150);
/** A new parent begins with what it has; one that holds from the first moment on has nothing to lose us. */
const FIRST_WITHIN = ms(400);
const FIRST_HELD = seconds(1);
/** `hold` and `idle` are said with every beat; three that are missing end them. */
const SAID_LASTS = ms(150);
/** The origin's source pauses, as it says: an encoder that changes scene. Then others are asked whether that is so. */
const IDLE_MOST = seconds(1);
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
  #idleAt: Instant | undefined;
  /** Others have newer blocks than it brought. */
  #isProven = false;
  /** It has brought something since it became the parent. */
  #hasBrought = false;

  begin(now: Instant): void {
    [this.#heard, this.#data, this.#hold, this.#idleAt] = [now, now, undefined, undefined];
    [this.#isProven, this.#hasBrought] = [false, false];
  }

  heard(what: 'data' | 'beat' | 'idle', now: Instant): void {
    this.#heard = now;
    this.#idleAt = what === 'idle' ? now : undefined;
    if (what === 'data') [this.#data, this.#hold, this.#isProven, this.#hasBrought] = [now, undefined, false, true];
  }

  hold(hops: number, now: Instant): void {
    this.#heard = now;
    this.#hold = { at: now, hops };
    this.#idleAt = undefined;
  }

  /** There is no stream to be had: the origin's own source pauses, and each household on the way says so. */
  isIdle(now: Instant): boolean {
    return this.#idleAt !== undefined && since(this.#idleAt, now) < SAID_LASTS;
  }

  /** It is there, whether or not it brings anything. */
  speaks(now: Instant): boolean {
    return since(this.#heard, now) < SUSPECT_AFTER;
  }

  /** Somebody else had a block that it has not brought. */
  compare(now: Instant): void {
    if (since(this.#data, now) >= MUTE_AFTER) this.#isProven = true;
  }

  /** How many households are between it and the break; undefined while it says nothing of one. */
  hops(now: Instant): number | undefined {
    return this.#hold !== undefined && since(this.#hold.at, now) < SAID_LASTS ? this.#hold.hops : undefined;
  }

  find(now: Instant): Finding {
    const [silent, dry] = [since(this.#heard, now), since(this.#data, now)];
    if (silent >= DEAD_AFTER) return 'dead';
    if (dry >= BARREN_AFTER) return 'barren';
    const hops = this.hops(now);
    if (this.isIdle(now) && !this.#isProven) return silent >= SUSPECT_AFTER || dry >= IDLE_MOST ? 'suspect' : 'well';
    if (!this.#hasBrought && dry >= (hops === undefined ? FIRST_WITHIN : FIRST_HELD)) return 'barren';
    if (hops !== undefined) return dry >= patience(hops) ? 'suspect' : 'held';
    if (this.#isProven && dry >= PROVEN_AFTER) return 'barren';
    return silent >= SUSPECT_AFTER || dry >= MUTE_AFTER ? 'suspect' : 'well';
  }

  /** When the finding changes, if nothing is heard until then. */
  wake(now: Instant): Instant {
    const heard = sooner(this.#heard, SUSPECT_AFTER, now, after(this.#data, BARREN_AFTER));
    let wake = sooner(this.#data, MUTE_AFTER, now, sooner(this.#heard, DEAD_AFTER, now, heard));
    if (!this.#hasBrought) wake = sooner(this.#data, FIRST_HELD, now, sooner(this.#data, FIRST_WITHIN, now, wake));
    if (this.#isProven) wake = sooner(this.#data, PROVEN_AFTER, now, wake);
    if (this.#idleAt !== undefined)
      wake = sooner(this.#idleAt, SAID_LASTS, now, sooner(this.#data, IDLE_MOST, now, wake));
    const hops = this.hops(now);
    if (this.#hold === undefined || hops === undefined) return wake;
    return sooner(this.#hold.at, SAID_LASTS, now, sooner(this.#data, patience(hops), now, wake));
  }
}

/** That long after `from`, unless it is over or `wake` comes first. */
function sooner(from: Instant, span: Millis, now: Instant, wake: Instant): Instant {
  const turn = after(from, span);
  return turn > now && turn < wake ? turn : wake;
}

function patience(hops: number): Millis {
  return ms(PATIENCE + hops * PATIENCE_PER_HOP);
}
