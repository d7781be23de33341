import { at, type Instant, seconds, since } from '../base/time.ts';

/** A household that carries has so long to show that it keeps up: a new path begins slowly, and with what was missed. */
const TRIAL = seconds(4);
/** Two complaints, the one soon after the one before, mean that it does not. */
const COMPLAINTS = { most: 2, apart: seconds(2) } as const;

/** That another household carries between a peer and us, and whether it keeps up with that. */
export class Favour {
  #since: Instant | undefined;
  #complaints = { count: 0, at: at(-Infinity) };

  get lasts(): boolean {
    return this.#since !== undefined;
  }

  begin(now: Instant): void {
    this.#since = now;
  }

  end(): void {
    this.#since = undefined;
  }

  /** Less came through than was offered. True when it is no help: the rendezvous finds another one. */
  complain(now: Instant): boolean {
    if (this.#since === undefined || since(this.#since, now) < TRIAL) return false;
    const { count, at: last } = this.#complaints;
    this.#complaints = { count: since(last, now) < COMPLAINTS.apart ? count + 1 : 1, at: now };
    return this.#complaints.count >= COMPLAINTS.most;
  }
}
