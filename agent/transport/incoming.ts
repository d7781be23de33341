import type { Instant } from '../base/time.ts';
import type { Acks } from './acks.ts';
import { decode, ENVELOPE } from './frames.ts';
import { Inbox } from './inbox.ts';
import type { Effect } from './orders.ts';
import type { Outgoing } from './outgoing.ts';
import type { Parts } from './parts.ts';
import type { Path } from './path.ts';
import type { Quiet } from './quiet.ts';
import type { Recovery } from './recovery.ts';

/** So many packets say something of a path; where this share of them did not come, it is a bad one. */
const [ENOUGH, LOSSY] = [20, 0.1];

/** What comes in: frames become effects, and whatever is to be said to them is left to the way out. */
export class Incoming {
  readonly #acks: Acks;
  readonly #path: Path;
  readonly #quiet: Quiet;
  readonly #recovery: Recovery;
  readonly #outgoing: Outgoing;
  readonly #inbox = new Inbox();
  #packets = 0;
  /** The highest number that has come. */
  #highest = -1;
  #duplicates = 0;
  #refused = 0;

  constructor({ acks, path }: Parts, quiet: Quiet, recovery: Recovery, outgoing: Outgoing) {
    this.#acks = acks;
    this.#path = path;
    this.#quiet = quiet;
    this.#recovery = recovery;
    this.#outgoing = outgoing;
  }

  get packets(): number {
    return this.#packets;
  }

  /** Nearly everything that the other side sends comes, as far as is known. */
  get isSteady(): boolean {
    const sent = this.#highest + 1;
    return sent >= ENOUGH && sent - this.#packets < LOSSY * sent;
  }

  /** Messages that had come before. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Bodies that were not understood. */
  get refused(): number {
    return this.#refused;
  }

  /** Takes the body of an opened datagram; answers with the peer's reason when it closes. */
  receive(counter: number, bytes: Uint8Array, effects: Effect[], now: Instant): number | undefined {
    this.#packets++;
    this.#highest = Math.max(this.#highest, counter);
    this.#path.received(bytes.length + ENVELOPE);
    const frames = decode(bytes);
    if (typeof frames === 'string') {
      this.#refused++;
      return undefined;
    }
    let eliciting = false;
    for (const frame of frames) {
      switch (frame.kind) {
        case 'message':
          eliciting = true;
          if (this.#inbox.take(frame.id)) effects.push({ kind: 'deliver', bytes: frame.bytes });
          else this.#duplicates++;
          break;
        case 'ack':
          if (!this.#recovery.acknowledge(frame, now)) this.#refused++;
          break;
        case 'ping':
          eliciting = true;
          break;
        case 'challenge':
          eliciting = true;
          this.#outgoing.answer(frame.data);
          break;
        case 'response':
          eliciting = true;
          if (this.#path.answered(frame.data)) effects.push({ kind: 'path', proven: true });
          break;
        case 'close':
          return frame.reason;
      }
    }
    this.#acks.heard(counter, eliciting, now);
    // A body of padding alone is the hum of a stream.
    if (eliciting || frames.length === 0) this.#quiet.heard(now);
    this.#recovery.startAgain(now);
    return undefined;
  }
}
