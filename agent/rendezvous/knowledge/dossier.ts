import { NAT_KINDS, type NatKind } from '../../base/nat-profile.ts';
import { type Instant, type Millis, since } from '../../base/time.ts';
import { Cells } from './cells.ts';
import { dayOf } from './heard.ts';
import { Sources } from './sources.ts';
import { Trials } from './trials.ts';
import { Weekly } from './weekly.ts';

/** Fading this little is left for the next time. */
const SOON = 1000;

/** A source that may have several opinions. */
const ANY = -1;

/** All that is known under one key. Old observations fade: after a half-life each counts half. */
export class Dossier {
  readonly cells = new Cells();
  readonly #sources = new Sources();
  // Most keys know nothing of these, and asking costs no memory.
  #users: Sources | undefined;
  #weekly: Weekly | undefined;
  #trials: Trials | undefined;
  #at: Instant;
  #day = -1;
  #strangers = 0;

  constructor(now: Instant) {
    this.#at = now;
  }

  get drift(): Weekly | undefined {
    return this.#weekly;
  }

  get trials(): Trials | undefined {
    return this.#trials;
  }

  toDrift(): Weekly {
    return (this.#weekly ??= new Weekly());
  }

  toTrials(): Trials {
    return (this.#trials ??= new Trials());
  }

  /** Brings all weights to the present. */
  fade(now: Instant, halfLife: Millis): void {
    const gone = since(this.#at, now);
    if (gone < SOON) return;
    this.#at = now;
    const factor = 0.5 ** (gone / halfLife);
    for (const part of [this.cells, this.#weekly, this.#trials]) part?.fade(factor);
    for (const part of [this.#sources, this.#users]) part?.fade(factor, 'time');
  }

  /** Keeps no more than that many observations of the NAT in mind: what is seen often is learned anew as quickly. */
  remember(most: number): void {
    const total = this.cells.total('kind');
    if (total <= most) return;
    for (const part of [this.cells, this.#weekly]) part?.fade(most / total);
    this.#sources.fade(most / total, 'room');
  }

  /**
   * A household of that source says what its NAT is; false where that does not count. Where the source is a single
   * household, it has a single NAT (`kind`), and takes back what it said of another one before.
   */
  hearNat(source: number, kind: NatKind | undefined, strangers: number, now: Instant): boolean {
    if (!this.#listens(this.#sources, source, strangers, now)) return false;
    const hearing = this.#sources.hear(source, kind === undefined ? ANY : NAT_KINDS.indexOf(kind));
    if (hearing.kind === 'changed') this.cells.take('kind', NAT_KINDS[hearing.from] ?? '', hearing.weight);
    return hearing.kind !== 'refused';
  }

  /** The same with how things went. */
  hearUse(source: number, strangers: number, now: Instant): boolean {
    const users = (this.#users ??= new Sources());
    return this.#listens(users, source, strangers, now) && users.hear(source, ANY).kind !== 'refused';
  }

  /** Weight came from a file: of whom is not known. */
  inherit(kinds: number, uses: number): void {
    this.#sources.inherit(kinds);
    if (uses > 0) (this.#users ??= new Sources()).inherit(uses);
  }

  /** New names cost nothing, so a key listens to so many of them in a day; who is known already is always heard. */
  #listens(sources: Sources, source: number, strangers: number, now: Instant): boolean {
    const day = dayOf(now);
    if (day !== this.#day) [this.#day, this.#strangers] = [day, 0];
    return sources.knows(source) || ++this.#strangers <= strangers;
  }
}
