import { earliest, type Instant, isDue } from '../base/time.ts';
import type { Cipher } from '../seal/cipher.ts';
import { decodePeer, encodePeer, type PeerMessage, STREAM_MESSAGES } from '../wire/peer.ts';
import type { HouseholdEvent } from './household.ts';
import type { EndpointInput } from './orders.ts';
import { Trial } from './trial.ts';
import type { Watch } from './watch.ts';

export type AuditingEffect = Extract<EndpointInput, { kind: 'tell' | 'drop' | 'audited' }> | HouseholdEvent;

/** Trials at a time: a rendezvous asks for one now and then, and for no more than this whatever it says. */
const AT_ONCE = 2;

/** Households that this one tries out for the rendezvous, by session. */
export class Auditing {
  readonly #cipher: Cipher;
  readonly #trials = new Map<number, { readonly trial: Trial; readonly watch: Watch }>();

  constructor(cipher: Cipher) {
    this.#cipher = cipher;
  }

  has(pairId: number): boolean {
    return this.#trials.has(pairId);
  }

  /** A household is to be tried out; whoever has no stream itself can't. */
  meet(pairId: number, watch: Watch): readonly AuditingEffect[] {
    const { channel, ring } = watch;
    const { epoch, tag } = watch.feed;
    if (epoch === undefined || tag === undefined || ring.newest === undefined || this.#trials.size >= AT_ONCE)
      return [{ kind: 'drop', pairId }];
    this.#trials.set(pairId, { trial: new Trial({ cipher: this.#cipher, channel, epoch, tag, ring }), watch });
    return [];
  }

  open(pairId: number, now: Instant): readonly AuditingEffect[] {
    const found = this.#trials.get(pairId);
    return (found?.trial.open(now) ?? []).map((message) => told(pairId, message));
  }

  message(pairId: number, bytes: Uint8Array, now: Instant): readonly AuditingEffect[] {
    const found = this.#trials.get(pairId);
    if (found === undefined) return [];
    if ((bytes[0] ?? 0) >= STREAM_MESSAGES) found.trial.take(bytes, now);
    else {
      const message = decodePeer(bytes);
      if (typeof message !== 'string') found.trial.hear(message);
    }
    return found.trial.isOver(now) ? this.#end(pairId) : [];
  }

  /** Its session is over: what it gave until then is judged, and nothing where it was never reached. */
  closed(pairId: number): readonly AuditingEffect[] {
    return this.#trials.has(pairId) ? this.#end(pairId) : [];
  }

  tick(now: Instant): readonly AuditingEffect[] {
    return [...this.#trials].flatMap(([pairId, { trial }]) => {
      if (!isDue(trial.wake(), now)) return [];
      trial.tick(now);
      return trial.isOver(now) ? this.#end(pairId) : [];
    });
  }

  wake(): Instant | undefined {
    let wake: Instant | undefined;
    for (const { trial } of this.#trials.values()) wake = earliest(wake, trial.wake());
    return wake;
  }

  #end(pairId: number): readonly AuditingEffect[] {
    const found = this.#trials.get(pairId);
    this.#trials.delete(pairId);
    if (found === undefined) return [];
    const { verdict } = found.trial;
    const out: AuditingEffect[] = [
      told(pairId, { kind: 'unsubscribe', channel: found.watch.channel }),
      { kind: 'drop', pairId },
      { kind: 'event', name: 'audit', fields: { pair: pairId, verdict: verdict ?? 'none' } },
    ];
    return verdict === undefined ? out : [...out, { kind: 'audited', pairId, verdict }];
  }
}

function told(pairId: number, message: PeerMessage): AuditingEffect {
  return { kind: 'tell', pairId, bytes: encodePeer(message), urgent: true };
}
