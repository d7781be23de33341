import { after, type Instant, seconds } from '../base/time.ts';
import type { Refusal } from '../blocks/feed.ts';
import type { Privacy } from '../blocks/lock.ts';
import type { KinEffect } from './kinship.ts';

type Doubt = Extract<KinEffect, { kind: 'event' }>;

/** A fault that lasts comes with every block. */
const AGAIN = seconds(60);

/** What the owner of a household, or of the channel, should hear of a stream: each once, and what lasts once a minute. */
export class Misgivings {
  readonly #said = new Map<Refusal, Instant>();
  #privacy: Privacy | undefined;

  /** Something genuine was refused. Only the channel's own key can fork it, and only an origin without its state goes back. */
  refused(reason: Refusal, now: Instant): readonly Doubt[] {
    if (reason !== 'fork' && reason !== 'old-epoch') return [];
    const said = this.#said.get(reason);
    if (said !== undefined && after(said, AGAIN) > now) return [];
    this.#said.set(reason, now);
    return [{ kind: 'event', name: reason === 'fork' ? 'channel-forked' : 'old-epoch', fields: {} }];
  }

  /** Told with every block; said where it changes. */
  privacy(privacy: Privacy | undefined): readonly Doubt[] {
    if (privacy === undefined || privacy === this.#privacy) return [];
    this.#privacy = privacy;
    return privacy === 'public' ? [] : [{ kind: 'event', name: 'private-channel', fields: { token: privacy } }];
  }
}
