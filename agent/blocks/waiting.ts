import { after, type Instant, type Millis } from '../base/time.ts';

/** A chunk that came before the manifest that says what it must be. */
export interface Early {
  readonly tag: number;
  readonly number: number;
  readonly index: number;
  /** The whole message. */
  readonly message: Uint8Array;
  readonly from: number;
  readonly at: Instant;
}

/** About a quarter of a second of 8 Mbit/s from each sender, 300 KB: longer than any repair of a lost manifest takes. */
const EACH_MOST = 256;
const ALL_MOST = 1024;

/**
 * Chunks nobody can judge yet. Bounded for each sender, so that one who sends rubbish only pushes out its own; the same
 * chunk is kept from several senders, because any of them may be false.
 */
export class Waiting {
  readonly #hold: Millis;
  /** By tag and number; within each, and over all groups, oldest first. */
  readonly #groups = new Map<string, Early[]>();
  readonly #bySender = new Map<number, number>();
  #count = 0;

  constructor(hold: Millis) {
    this.#hold = hold;
  }

  get count(): number {
    return this.#count;
  }

  put(early: Early): void {
    const name = groupName(early.tag, early.number);
    const group = this.#groups.get(name) ?? [];
    if (group.some((other) => other.index === early.index && other.from === early.from)) return;
    if ((this.#bySender.get(early.from) ?? 0) >= EACH_MOST) this.#dropOldest((other) => other.from === early.from);
    else if (this.#count >= ALL_MOST) this.#dropOldest(() => true);
    // Asked again: dropping the oldest may have emptied the group.
    const kept = this.#groups.get(name) ?? [];
    kept.push(early);
    this.#groups.set(name, kept);
    this.#bySender.set(early.from, (this.#bySender.get(early.from) ?? 0) + 1);
    this.#count++;
  }

  /** Those of one block; they are gone from here. */
  take(tag: number, number: number): readonly Early[] {
    const group = this.#groups.get(groupName(tag, number)) ?? [];
    this.#groups.delete(groupName(tag, number));
    for (const early of group) this.#uncount(early);
    return group;
  }

  /** Bit i is set where chunk i of the block waits. */
  have(tag: number, number: number): number {
    let bits = 0;
    for (const early of this.#groups.get(groupName(tag, number)) ?? []) bits |= 1 << early.index;
    return bits;
  }

  expire(now: Instant): void {
    for (const [name, group] of this.#groups) {
      const kept = group.filter((early) => after(early.at, this.#hold) > now);
      if (kept.length === group.length) continue;
      for (const early of group) if (!kept.includes(early)) this.#uncount(early);
      if (kept.length === 0) this.#groups.delete(name);
      else this.#groups.set(name, kept);
    }
  }

  /** When the oldest has waited long enough. */
  wake(): Instant | undefined {
    const oldest = this.#groups.values().next().value?.[0];
    return oldest === undefined ? undefined : after(oldest.at, this.#hold);
  }

  #dropOldest(which: (early: Early) => boolean): void {
    for (const [name, group] of this.#groups) {
      const index = group.findIndex(which);
      if (index < 0) continue;
      for (const early of group.splice(index, 1)) this.#uncount(early);
      if (group.length === 0) this.#groups.delete(name);
      return;
    }
  }

  #uncount(early: Early): void {
    this.#count--;
    const left = (this.#bySender.get(early.from) ?? 1) - 1;
    if (left === 0) this.#bySender.delete(early.from);
    else this.#bySender.set(early.from, left);
  }
}

const groupName = (tag: number, number: number): string => `${tag}/${number}`;
