import { type Instant, since } from '../base/time.ts';

/** The gateway's own count of seconds since it began to remember mappings, and when we heard it. */
interface Heard {
  readonly epoch: number;
  readonly at: Instant;
}

/** Tells from a gateway's clock whether it has lost its mappings since the last time: RFC 6887, 8.5; RFC 6886, 3.6. */
export class Epoch {
  #last: Heard | undefined;

  /** True when the gateway must have started anew in between. */
  hear(epoch: number, now: Instant): boolean {
    const last = this.#last;
    this.#last = { epoch, at: now };
    return last !== undefined && startedAnew(last, { epoch, at: now });
  }
}

/** Clocks may differ by a sixteenth and two seconds; a gateway's may step back by one second. */
function startedAnew(before: Heard, heard: Heard): boolean {
  const theirs = heard.epoch - before.epoch;
  const ours = since(before.at, heard.at) / 1000;
  if (theirs < -1) return true;
  return theirs + 2 < ours - ours / 16 || ours + 2 < theirs - theirs / 16;
}
