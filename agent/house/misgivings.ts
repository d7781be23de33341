import { after, type Instant, seconds, since } from '../base/time.ts';
import type { Refusal } from '../blocks/feed.ts';
import type { Privacy } from '../blocks/lock.ts';
import type { KinEffect } from './kinship.ts';

type Doubt = Extract<KinEffect, { kind: 'event' }>;

/** A fault that lasts comes with every block. */
const AGAIN = seconds(60);
/** After a new start what was under way comes too late, and some households hear of it later than others. */
const LASTS = seconds(10);
/** Whoever plays an old stream has something every second at least. */
const PAUSE = seconds(3);

/** What the owner of a household, or of the channel, should hear of a stream: each once, and what lasts once a minute. */
export class Misgivings {
  readonly #said = new Map<Refusal, Instant>();
  #old: { readonly since: Instant; last: Instant } | undefined;
  #privacy: Privacy | undefined;

  /** Something genuine was refused. Only the channel's own key can fork it, and only an origin without its state goes back. */
  refused(reason: Refusal, now: Instant): readonly Doubt[] {
    if (reason === 'fork') return this.#say(reason, 'channel-forked', now);
    if (reason !== 'old-epoch') return [];
    if (this.#old === undefined || since(this.#old.last, now) > PAUSE) this.#old = { since: now, last: now };
    this.#old.last = now;
    return since(this.#old.since, now) < LASTS ? [] : this.#say(reason, 'old-epoch', now);
  }

  /** Told with every block; said where it changes. */
  privacy(privacy: Privacy | undefined): readonly Doubt[] {
    if (privacy === undefined || privacy === this.#privacy) return [];
    this.#privacy = privacy;
    return privacy === 'public' ? [] : [{ kind: 'event', name: 'private-channel', fields: { token: privacy } }];
  }

  #say(reason: Refusal, name: string, now: Instant): readonly Doubt[] {
    const said = this.#said.get(reason);
    if (said !== undefined && after(said, AGAIN) > now) return [];
    this.#said.set(reason, now);
    return [{ kind: 'event', name, fields: {} }];
  }
}
