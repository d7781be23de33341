import type { Allowance } from '../base/allowance.ts';
import { type Random } from '../base/random.ts';
import { Member } from '../tree/member.ts';
import { at, type Millis } from '../base/time.ts';

export type Manner =
  | 'honest'
  /** Says that it can feed, beats, and sends nothing. */
  | 'mute'
  /** The same, and says all the time that it is waiting itself. */
  | 'holding'
  | 'corrupt'
  /** Sends half of what the stream needs. */
  | 'slow'
  /** Feeds as it should, and tells the rendezvous lies about others. */
  | 'slanderer';

/** While nothing new arrives. */
export interface Drought {
  /** When the last block was here. */
  readonly since: number;
  /** The way from the origin until then, in milliseconds. */
  readonly lag: number;
  /** Newest block without a hole before it. */
  upTo: number;
  readonly beyond: Set<number>;
  /** The longest that any block was late so far, in milliseconds. */
  worst: number;
}

/** Longer than any way to the origin: a circle. */
export const LOOP = 64;

/** One household of the simulation: the real machine, and what the simulation knows of it. */
export class House {
  readonly id: number;
  readonly node: string;
  readonly member: Member;
  readonly slots: number;
  /** What it can send at all. */
  readonly most: number;
  readonly prefix: string;
  readonly manner: Manner;
  readonly bornAt: number;
  isAlive = true;
  /** Sessions: open, or still being punched. */
  readonly sessions = new Map<number, boolean>();
  /** Who it sends the stream to, by its own machine. */
  readonly feeding = new Set<number>();
  /** Whose parent it is, by theirs. */
  readonly under = new Set<House>();
  source: House | undefined;
  /** Since when that is its parent. */
  since = 0;
  drought: Drought | undefined;
  /** When it began to play; undefined before. */
  playingSince: number | undefined;
  wakeAt = Infinity;
  standAt = Infinity;
  /** The newest block that its machine was told of while all was well. */
  had = -1;
  /** The last time that its machine was told that all is well. */
  refreshed = -1;
  /** Blocks it gives to others out of its reserve, as a bucket. */
  readonly reserve: Allowance = { level: 0, at: at(0) };

  constructor(
    id: number,
    slots: number,
    most: number,
    prefix: string,
    random: Random,
    tellEvery: Millis,
    manner: Manner,
    bornAt: number,
  ) {
    this.id = id;
    this.node = String(id);
    this.slots = slots;
    this.most = most;
    this.prefix = prefix;
    this.manner = manner;
    this.bornAt = bornAt;
    this.member = new Member({ random, short: id, slots, most, isOrigin: id === 0, tellEvery });
  }

  /** Everyone below, itself first. For a moment two can be below each other: each goes to who was below it, before it has its path. */
  *all(follows: (child: House) => boolean = () => true): Generator<House> {
    const waiting: House[] = [this];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      yield next;
      for (const child of next.under) if (child !== this && follows(child)) waiting.push(child);
    }
  }

  get depth(): number | undefined {
    if (this.source === undefined) return this.id === 0 ? 0 : undefined;
    let steps = 1;
    let top = this.source;
    for (; top.source !== undefined && steps < LOOP; top = top.source) steps++;
    return top.id === 0 ? steps : undefined;
  }
}
