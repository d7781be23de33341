import { describe, expect, it } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { at, ms } from '../../agent/base/time.ts';
import { Chatter } from '../../agent/house/chatter.ts';
import { Kin } from '../../agent/house/kin.ts';
import type { KinEffect, KinInput, Larder } from '../../agent/house/kinship.ts';
import { decodePeer, type PeerMessage, type RollEntry } from '../../agent/wire/peer.ts';

const CHANNEL = new Uint8Array(32).fill(9);
const [PARENT, CHILD, OTHER] = [1, 2, 3];
const EMPTY: Larder = {
  get: () => undefined,
  from: () => [],
  partial: () => [],
  standing: () => undefined,
  wanted: () => 0,
};

/** A household between a parent and a child, with one more who may ask it. */
class Middle {
  now = 0;
  readonly kin = new Kin({
    random: seeded(1),
    channel: CHANNEL,
    node: name(99),
    slots: 2,
    isOrigin: false,
    larder: EMPTY,
    silence: () => ms(0),
    trip: () => ms(40),
  });

  constructor() {
    this.give({ kind: 'start' });
    this.meet(PARENT, 'parent');
    this.say(PARENT, { kind: 'path', heir: false, path: [7] });
    this.meet(CHILD, 'child');
    const ask = { channel: CHANNEL, tag: 0, from: 'newest', slots: 2, height: 0, instead: undefined } as const;
    this.say(CHILD, { kind: 'subscribe', ...ask });
    this.meet(OTHER, 'child');
  }

  give(input: KinInput): readonly KinEffect[] {
    const out: KinEffect[] = [];
    this.kin.step(input, at(this.now), out);
    return out;
  }

  meet(pairId: number, purpose: 'parent' | 'child'): void {
    this.give({ kind: 'introduced', pairId, node: name(pairId), purpose, instead: undefined });
    this.give({ kind: 'open', pairId });
  }

  say(pairId: number, message: PeerMessage): readonly KinEffect[] {
    return this.give({ kind: 'control', pairId, message });
  }

  /** The same words, so many a second for so long; the parent gives the stream besides. */
  flood(pairId: number, words: (i: number) => PeerMessage, perSecond: number, seconds: number): readonly KinEffect[] {
    const out: KinEffect[] = [];
    for (let i = 0; i < perSecond * seconds; i++) {
      this.now += 1000 / perSecond;
      out.push(...this.say(pairId, words(i)));
      if (i % Math.ceil(perSecond / 20) === 0) out.push(...this.give({ kind: 'piece', pairId: PARENT, isNews: true }));
      out.push(...this.give({ kind: 'tick' }));
    }
    return out;
  }
}

function name(number: number): Uint8Array {
  return new Uint8Array(32).fill(number);
}

function toldTo(pairId: number, effects: readonly KinEffect[], kind: PeerMessage['kind']): number {
  return effects.filter((effect) => {
    if (effect.kind !== 'tell' || effect.pairId !== pairId) return false;
    const message = decodePeer(effect.bytes);
    return typeof message === 'object' && message.kind === kind;
  }).length;
}

function isCut(pairId: number, effects: readonly KinEffect[]): boolean {
  return effects.some((effect) => effect.kind === 'drop' && effect.pairId === pairId);
}

const ENTRY: RollEntry = { short: 5, free: 1, depth: 3 };

describe('a household that says too much', () => {
  it('does not make its children’s children busy: a parent of a thousand paths is cut', () => {
    const middle = new Middle();
    const effects = middle.flood(PARENT, (i) => ({ kind: 'path', heir: false, path: [7, i + 100] }), 100, 3);
    expect(isCut(PARENT, effects)).toBe(true);
    expect(toldTo(CHILD, effects, 'path')).toBeLessThan(50);
    expect(effects.some((effect) => effect.kind === 'event' && effect.name === 'chatty-peer')).toBe(true);
  });

  it.each<[string, (i: number) => PeerMessage]>([
    ['rolls that want an answer', () => ({ kind: 'roll', entries: [] })],
    ['rolls', (i) => ({ kind: 'roll', entries: [{ ...ENTRY, short: i }] })],
    ['meetings', () => ({ kind: 'meet', short: 2, role: 'parent' })],
    ['places', (i) => ({ kind: 'standing', free: i % 2, depth: 3, height: i % 3 })],
    ['holds', () => ({ kind: 'hold', since: ms(100), hops: 3 })],
    ['beats', () => ({ kind: 'beat', idle: false })],
  ])('is cut for a flood of %s, and has got no more than a handful of answers', (_what, words) => {
    const middle = new Middle();
    const effects = middle.flood(OTHER, words, 200, 4);
    expect(isCut(OTHER, effects)).toBe(true);
    expect(toldTo(OTHER, effects, 'roll')).toBeLessThan(50);
    expect(effects.filter(({ kind }) => kind === 'acquaint').length).toBeLessThan(60);
    expect(isCut(PARENT, effects)).toBe(false);
    expect(middle.kin.parent?.pairId).toBe(PARENT);
  });

  it('keeps its place when it says what households say, for an hour', () => {
    const chatter = new Chatter();
    for (let second = 0; second < 3600; second++) {
      for (let beat = 0; beat < 20; beat++) expect(chatter.takes('beat', at(second * 1000 + beat * 50))).toBe(true);
      expect(chatter.takes('status', at(second * 1000 + 999))).toBe(true);
      if (second % 60 === 0) expect(chatter.takes('roll', at(second * 1000 + 999))).toBe(true);
      // A branch above that falls apart and mends: each household of it is told at every step.
      if (second % 300 === 0)
        for (let step = 0; step < 24; step++) expect(chatter.takes('path', at(second * 1000 + 999))).toBe(true);
    }
  });
});
