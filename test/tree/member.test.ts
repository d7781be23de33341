import { describe, expect, it } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { at, ms, seconds } from '../../agent/base/time.ts';
import { Member } from '../../agent/tree/member.ts';
import type { MemberEffect, MemberInput, Peer } from '../../agent/tree/talk.ts';
import { PATH_MOST } from '../../agent/wire/peer.ts';

/** A machine and its clock; `what` says only what matters here: no beats, no reports. */
class Scene {
  readonly member: Member;
  now = 0;
  all: MemberEffect[] = [];

  constructor(slots = 2, isOrigin = false) {
    this.member = new Member({ random: seeded(1), short: 1, slots, isOrigin });
    this.give({ kind: 'start' });
  }

  give(input: MemberInput): readonly MemberEffect[] {
    const effects = this.member.step(input, at(this.now));
    this.all.push(...effects);
    return effects;
  }

  /** Lets time pass; the parent beats with data as long as `data` says so. */
  pass(span: number, data?: Peer): readonly MemberEffect[] {
    const end = this.now + span;
    const found: MemberEffect[] = [];
    while (this.now < end) {
      this.now += 10;
      found.push(...this.give(data === undefined ? { kind: 'tick' } : { kind: 'heard', peer: data, what: 'data' }));
    }
    return found;
  }

  open(peer: Peer, role: 'parent' | 'spare' | 'move' | 'child', short = peer): void {
    this.give({ kind: 'introduced', peer, short, role });
    this.give({ kind: 'open', peer, rtt: ms(40) });
  }

  /** Under parent 10, whose parent is 20, with spares 30 and 31. */
  static fed(slots = 2): Scene {
    const scene = new Scene(slots);
    scene.open(10, 'parent');
    scene.give({ kind: 'path', peer: 10, path: [20, 99], heir: false });
    scene.open(30, 'spare');
    scene.open(31, 'spare');
    scene.give({ kind: 'had', peer: 10, number: 100 });
    scene.give({ kind: 'heard', peer: 10, what: 'data' });
    return scene;
  }

  child(peer: Peer, slots = 2): readonly MemberEffect[] {
    this.open(peer, 'child');
    return this.give({ kind: 'subscribe', peer, from: 'newest', slots, height: 0, instead: undefined });
  }
}

const kinds = (effects: readonly MemberEffect[]): string[] => effects.map(({ kind }) => kind);
const of = <Kind extends MemberEffect['kind']>(
  effects: readonly MemberEffect[],
  kind: Kind,
): Extract<MemberEffect, { kind: Kind }>[] =>
  effects.filter((effect): effect is Extract<MemberEffect, { kind: Kind }> => effect.kind === kind);

describe('a household that joins', () => {
  it('asks the rendezvous, and the parent it named before the spare that is there sooner', () => {
    const scene = new Scene();
    expect(of(scene.all, 'join')).toMatchObject([{ want: 'parent' }]);
    scene.give({ kind: 'introduced', peer: 10, short: 10, role: 'parent' });
    scene.open(30, 'spare');
    expect(of(scene.all, 'subscribe')).toEqual([]);
    scene.now = 100;
    scene.give({ kind: 'open', peer: 10, rtt: ms(40) });
    expect(of(scene.all, 'subscribe')).toMatchObject([{ peer: 10, from: 'newest' }]);
  });

  it('takes the spare when the named parent is long in coming', () => {
    const scene = new Scene();
    scene.give({ kind: 'introduced', peer: 10, short: 10, role: 'parent' });
    scene.open(30, 'spare');
    expect(of(scene.pass(310), 'subscribe')).toMatchObject([{ peer: 30 }]);
  });
});

describe('a parent that falls silent', () => {
  it('is doubted after 120 ms: spares are asked for what comes next, split by number, and two for the first', () => {
    const scene = Scene.fed();
    expect(kinds(scene.pass(110))).not.toContain('ask');
    const asks = of(scene.pass(20), 'ask');
    expect(new Set(asks.map(({ peer }) => peer))).toEqual(new Set([30, 31]));
    const numbers = asks.flatMap((ask) => ask.numbers).filter((number) => number !== 101);
    expect(asks.filter((ask) => ask.numbers[0] === 101).length).toBeGreaterThanOrEqual(1);
    expect(numbers.length).toBeGreaterThan(1);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('is made up for by those that answer: who brought nothing is not asked again while others do', () => {
    const scene = Scene.fed();
    const [ask] = of(scene.pass(130), 'ask').filter(({ peer }) => peer === 31);
    scene.give({ kind: 'had', peer: 31, number: ask?.numbers[0] ?? 0 });
    const again = of(scene.pass(130), 'ask');
    expect(new Set(again.map(({ peer }) => peer))).toEqual(new Set([31]));
    expect(of(scene.pass(130), 'ask').map(({ peer }) => peer)).toContain(30);
  });

  it('is dead after 300 ms: a spare is asked to feed us, from the block that is missing', () => {
    const scene = Scene.fed();
    expect(of(scene.pass(290), 'subscribe')).toEqual([]);
    const effects = scene.pass(20);
    expect(of(effects, 'complain')).toMatchObject([{ short: 10, why: 'silent' }]);
    expect(of(effects, 'subscribe')).toMatchObject([{ from: 101 }]);
  });

  it('is replaced by the grandparent for its heir, who says in whose place it wants to be', () => {
    const scene = Scene.fed();
    scene.open(20, 'spare');
    scene.give({ kind: 'path', peer: 10, path: [20, 99], heir: true });
    expect(of(scene.pass(310), 'subscribe')).toMatchObject([{ peer: 20, instead: 10 }]);
  });

  it('asks one after another, and the rendezvous at once when all are full as far as it knows', () => {
    const scene = Scene.fed();
    const silence = scene.pass(310);
    const first = of(silence, 'subscribe')[0];
    expect(of(silence, 'join')).toMatchObject([{ want: 'parent', avoid: [10, first?.peer] }]);
    const second = of(scene.give({ kind: 'refuse', peer: first?.peer ?? 0, reason: 'full' }), 'subscribe')[0];
    expect(new Set([first?.peer, second?.peer])).toEqual(new Set([30, 31]));
  });

  it('that beats and brings nothing is let go when somebody else has newer blocks', () => {
    const scene = Scene.fed();
    for (let passed = 0; passed < 500; passed += 50) {
      scene.now += 50;
      scene.give({ kind: 'heard', peer: 10, what: 'beat' });
      if (passed === 250) scene.give({ kind: 'had', peer: 30, number: 101 });
    }
    expect(of(scene.all, 'complain')).toMatchObject([{ short: 10, why: 'silent' }]);
  });

  it('that says it is waiting itself is waited for, and its own children are told the same', () => {
    const scene = Scene.fed();
    scene.child(50);
    scene.all = [];
    for (let passed = 0; passed < 300; passed += 50) {
      scene.now += 50;
      scene.give({ kind: 'hold', peer: 10, since: ms(passed), hops: 1 });
    }
    expect(kinds(scene.all)).not.toContain('ask');
    expect(of(scene.all, 'hold').at(-1)).toMatchObject({ peers: [50], hops: 2 });
  });
});

describe('who is let in', () => {
  it('is anybody whom the rendezvous named, up to the number that can be fed', () => {
    const scene = Scene.fed(1);
    expect(kinds(scene.child(50))).toContain('feed');
    expect(of(scene.child(51, 0), 'refuse')).toMatchObject([{ reason: 'full' }]);
    expect(
      scene.give({ kind: 'subscribe', peer: 77, from: 'newest', slots: 2, height: 0, instead: undefined }),
    ).toEqual([]);
  });

  it('is nobody who stands above us', () => {
    expect(of(Scene.fed().child(20), 'refuse')).toMatchObject([{ reason: 'loop' }]);
  });

  it('is told of a path that fits into its message, however deep a parent says that it hangs', () => {
    const scene = Scene.fed();
    scene.child(50);
    const path = (length: number) => Array.from({ length }, (_, i) => 1000 + i);
    const told = of(scene.give({ kind: 'path', peer: 10, path: path(PATH_MOST - 1), heir: false }), 'path');
    expect(told.map((one) => one.path.length)).toEqual([PATH_MOST]);
    expect(scene.give({ kind: 'path', peer: 10, path: path(PATH_MOST), heir: false })).toContainEqual(
      expect.objectContaining({ kind: 'drop', peer: 10, why: 'too-deep' }),
    );
    expect(scene.member.parent).toBeUndefined();
  });

  it('is one who can feed the child that makes room for it', () => {
    const scene = Scene.fed(1);
    scene.child(50, 0);
    const effects = scene.child(51, 2);
    expect(of(effects, 'feed')).toMatchObject([{ peer: 51 }]);
    expect(of(effects, 'move')).toEqual([{ kind: 'move', child: 50, under: 51 }]);
  });

  it('is the heir of a child that is gone, in its place', () => {
    const scene = Scene.fed(1);
    scene.child(50);
    scene.pass(200, 10);
    scene.open(60, 'child');
    const effects = scene.give({ kind: 'subscribe', peer: 60, from: 5, slots: 2, height: 1, instead: 50 });
    expect(of(effects, 'feed')).toMatchObject([{ peer: 60, from: 5 }]);
    expect(of(effects, 'starve')).toEqual([{ kind: 'starve', peer: 50 }]);
    expect(scene.member.children).toEqual([60]);
  });

  it.each([
    [
      'has its place from a child that leaves, however often that is heard after, which is fed until it has left',
      false,
    ],
    ['has it under the origin too, which feeds nobody beside it', true],
  ] as const)('an heir %s', (_what, isOrigin) => {
    const scene = isOrigin ? new Scene(1, true) : Scene.fed(1);
    scene.child(50);
    scene.give({ kind: 'leaving', peer: 50 });
    scene.give({ kind: 'heard', peer: 50, what: 'beat' });
    scene.open(60, 'child');
    const effects = scene.give({ kind: 'subscribe', peer: 60, from: 5, slots: 2, height: 1, instead: 50 });
    expect(of(effects, 'feed')).toMatchObject([{ peer: 60, from: 5 }]);
    expect(of(effects, 'starve')).toEqual(isOrigin ? [{ kind: 'starve', peer: 50 }] : []);
  });
});

it('a path that leads back to ourselves ends the feed', () => {
  const scene = Scene.fed();
  const effects = scene.give({ kind: 'path', peer: 10, path: [20, 1, 99], heir: false });
  expect(of(effects, 'unsubscribe')).toMatchObject([{ peer: 10 }]);
  expect(scene.member.parent).toBe(undefined);
});

it('bad blocks cut the parent at once, with the proof for the rendezvous', () => {
  const effects = Scene.fed().give({ kind: 'bad', peer: 10, proof: 7 });
  expect(of(effects, 'complain')).toEqual([{ kind: 'complain', short: 10, why: 'corrupt', proof: 7 }]);
  expect(of(effects, 'drop')).toMatchObject([{ peer: 10 }]);
  expect(kinds(effects)).toContain('subscribe');
});

describe('moves', () => {
  it('keep the old parent until the new one feeds', () => {
    const scene = Scene.fed();
    scene.open(40, 'move');
    expect(of(scene.all, 'subscribe').at(-1)).toMatchObject({ peer: 40 });
    expect(scene.member.parent).toBe(10);
    const effects = scene.give({ kind: 'path', peer: 40, path: [99], heir: false });
    expect(of(effects, 'unsubscribe')).toMatchObject([{ peer: 10 }]);
    expect(scene.member.parent).toBe(40);
  });

  it('that are refused are asked for three times more, for somebody may be on the way out there, and then given up', () => {
    const scene = Scene.fed();
    scene.open(40, 'move');
    for (let i = 0; i < 4; i++) {
      scene.give({ kind: 'refuse', peer: 40, reason: 'full' });
      scene.pass(2100, 10);
    }
    expect(of(scene.all, 'subscribe').filter(({ peer }) => peer === 40)).toHaveLength(4);
    expect(scene.member.parent).toBe(10);
    expect(scene.member.isSeeking).toBe(false);
  });

  it('that are answered too late are called off: nobody is fed twice', () => {
    const scene = Scene.fed();
    scene.open(40, 'child');
    const late = scene.give({ kind: 'path', peer: 30, path: [99], heir: false });
    expect(of(late, 'unsubscribe')).toMatchObject([{ peer: 30 }]);
    expect(scene.member.parent).toBe(10);
  });
});

it('with others below it asks nobody for two seconds who has not said yet how high it stands', () => {
  const scene = Scene.fed();
  scene.child(50);
  scene.pass(350);
  expect(of(scene.all, 'subscribe').map(({ peer }) => peer)).toEqual([10]);
  scene.give({ kind: 'standing', peer: 30, free: 1, depth: 2, height: 0 });
  scene.pass(400);
  expect(of(scene.all, 'subscribe').at(-1)).toMatchObject({ peer: 30 });
});

describe('an orderly stop', () => {
  it('tells everybody, and ends when the last child has another parent', () => {
    const scene = Scene.fed();
    scene.child(50);
    const told = of(scene.give({ kind: 'leave' }), 'leaving')[0];
    expect(new Set(told?.peers)).toEqual(new Set([10, 30, 31, 50]));
    expect(of(scene.child(51), 'refuse')).toMatchObject([{ reason: 'stopping' }]);
    expect(kinds(scene.give({ kind: 'unsubscribe', peer: 50 }))).toContain('left');
  });

  it('under the origin tells its heir when the others have gone, or have had their time', () => {
    const below = (): Scene => {
      const scene = Scene.fed();
      scene.give({ kind: 'path', peer: 10, path: [], heir: false });
      scene.child(50);
      scene.child(51);
      return scene;
    };
    const scene = below();
    const told = of(scene.give({ kind: 'leave' }), 'leaving').flatMap(({ peers }) => peers);
    const [heir, other] = told.includes(51) ? [50, 51] : [51, 50];
    expect(told).toContain(other);
    expect(told).not.toContain(heir);
    expect(of(scene.give({ kind: 'unsubscribe', peer: other }), 'leaving')).toMatchObject([{ peers: [heir] }]);
    expect(of(scene.pass(1900, 10), 'leaving')).toEqual([]);
    const late = below();
    late.give({ kind: 'leave' });
    expect(of(late.pass(1500, 10), 'leaving')).toEqual([]);
    expect(of(late.pass(200, 10), 'leaving').flatMap(({ peers }) => peers)).toContain(heir);
  });

  it('waits two seconds for children and no longer', () => {
    const scene = Scene.fed();
    scene.child(50);
    scene.give({ kind: 'leave' });
    expect(kinds(scene.pass(1990, 10))).not.toContain('left');
    expect(kinds(scene.pass(20, 10))).toContain('left');
  });

  it('of the parent makes us change over while it still feeds us', () => {
    const scene = Scene.fed();
    expect(of(scene.give({ kind: 'leaving', peer: 10 }), 'subscribe')).toHaveLength(1);
    expect(scene.member.parent).toBe(10);
  });
});

describe('without a rendezvous', () => {
  it('a parent is found among those that others told of', () => {
    const scene = Scene.fed();
    scene.give({ kind: 'rendezvous', isThere: false });
    scene.give({ kind: 'roll', peer: 30, entries: [{ short: 77, free: 1, depth: 3 }] });
    scene.pass(310);
    for (const peer of [30, 31, 30, 31]) scene.give({ kind: 'refuse', peer, reason: 'full' });
    expect(of(scene.all, 'meet')).toContainEqual({ kind: 'meet', via: 30, short: 77, role: 'spare' });
  });

  it('everybody says where it stands when it is back, within five seconds and not at once', () => {
    const scene = Scene.fed();
    scene.give({ kind: 'rendezvous', isThere: false });
    scene.all = [];
    scene.give({ kind: 'rendezvous', isThere: true });
    expect(kinds(scene.all)).not.toContain('stand');
    expect(kinds(scene.pass(seconds(5), 10))).toContain('stand');
  });
});

it('children hear a beat every 50 ms while nothing of the stream goes to them', () => {
  const origin = new Scene(2, true);
  origin.child(50);
  origin.all = [];
  origin.pass(500);
  expect(of(origin.all, 'beat')).toHaveLength(10);
});

describe('a household that could send more than it is to', () => {
  /** Fed, with slots for two, both taken by households that feed others, and upload for four. */
  const full = (): Scene => {
    const scene = Scene.fed();
    scene.give({ kind: 'capacity', slots: 2, most: 4 });
    for (const peer of [50, 51]) {
      scene.child(peer);
      scene.give({ kind: 'standing', peer, free: 0, depth: 3, height: 1 });
    }
    return scene;
  };
  const ask = (scene: Scene, peer: number, height: number, from: number | 'newest' = 90): readonly MemberEffect[] => {
    scene.open(peer, 'child');
    return scene.give({ kind: 'subscribe', peer, from, slots: 2, height, instead: undefined });
  };

  it('takes in those who would lose the stream, and keeps the last place for one with others below it', () => {
    const scene = full();
    expect(kinds(ask(scene, 60, 0))).toContain('feed');
    expect(of(ask(scene, 61, 0), 'refuse')).toMatchObject([{ reason: 'full' }]);
    expect(kinds(ask(scene, 62, 3))).toContain('feed');
    expect(of(ask(scene, 63, 3), 'refuse')).toMatchObject([{ reason: 'full' }]);
  });

  it('has no place for newcomers by that', () => {
    expect(of(ask(full(), 60, 0, 'newest'), 'refuse')).toMatchObject([{ reason: 'full' }]);
  });

  it('tells those who are over its number after a minute to look around, the weakest first, and feeds them until they go', () => {
    const scene = full();
    ask(scene, 60, 0);
    expect(of(scene.pass(59_000, 10), 'leaving')).toEqual([]);
    const effects = scene.pass(2000, 10);
    expect(of(effects, 'leaving')).toMatchObject([{ peers: [60] }]);
    expect(kinds(effects)).not.toContain('starve');
  });

  it('feeds nobody for longer whom its upload is not enough for', () => {
    const scene = full();
    ask(scene, 60, 0);
    expect(of(scene.give({ kind: 'capacity', slots: 2, most: 2 }), 'leaving')).toMatchObject([{ peers: [60] }]);
    expect(of(scene.pass(10_100, 10), 'starve')).toMatchObject([{ peer: 60 }]);
  });
});

it('a branch waits two seconds for a place as high as it had, before it hangs itself far below', () => {
  const scene = Scene.fed();
  scene.child(50);
  scene.give({ kind: 'standing', peer: 50, free: 0, depth: 4, height: 3 });
  for (const peer of [30, 31]) scene.give({ kind: 'standing', peer, free: 2, depth: 9, height: 0 });
  scene.give({ kind: 'lost', peer: 10 });
  const waiting = scene.pass(1900);
  expect(of(waiting, 'subscribe')).toEqual([]);
  expect(of([...scene.all], 'join').some(({ want }) => want === 'parent')).toBe(true);
  expect(of(scene.pass(500), 'subscribe')[0]).toMatchObject({ from: 101 });
});

it('and half a second longer for each step below it, as long as others bring what a parent would', () => {
  const scene = Scene.fed();
  scene.child(50);
  scene.give({ kind: 'standing', peer: 50, free: 0, depth: 4, height: 3 });
  for (const peer of [30, 31]) scene.give({ kind: 'standing', peer, free: 2, depth: 9, height: 0 });
  scene.give({ kind: 'lost', peer: 10 });
  const carried = (span: number): readonly MemberEffect[] => {
    const effects: MemberEffect[] = [];
    for (let passed = 0; passed < span; passed += 100) {
      effects.push(...scene.pass(100));
      scene.give({ kind: 'had', peer: 31, number: 101 + scene.now / 100 });
    }
    return effects;
  };
  expect(of(carried(3900), 'subscribe')).toEqual([]);
  // Four steps hang below it. After that anything is better than to live on what others have to spare.
  expect(of(carried(600), 'subscribe').length).toBeGreaterThan(0);
});

it('a branch that found itself a place goes to the one that was named for it where that is higher, and only there', () => {
  for (const [named, goes] of [
    [1, true],
    [7, false],
  ] as const) {
    const scene = Scene.fed();
    scene.child(50);
    scene.give({ kind: 'introduced', peer: 40, short: 40, role: 'parent' });
    scene.give({ kind: 'open', peer: 40, rtt: ms(40) });
    expect(of(scene.pass(500, 10), 'subscribe')).toEqual([]);
    scene.give({ kind: 'standing', peer: 40, free: 1, depth: named, height: 0 });
    const asked = of([...scene.all, ...scene.pass(100, 10)], 'subscribe').filter(({ peer }) => peer === 40);
    expect(asked.length > 0).toBe(goes);
  }
});

it('a spare that could not be reached is not asked for again before two minutes have passed', () => {
  const scene = Scene.fed();
  scene.give({ kind: 'lost', peer: 31 });
  scene.give({ kind: 'introduced', peer: 41, short: 41, role: 'spare' });
  scene.give({ kind: 'lost', peer: 41 });
  const avoided = (span: number): readonly (readonly number[])[] =>
    of(scene.pass(span, 10), 'join').flatMap(({ want, avoid }) => (want === 'spares' ? [avoid] : []));
  const soon = avoided(60_000);
  expect(soon.length).toBeGreaterThan(5);
  for (const avoid of soon) {
    expect(avoid).toContain(41);
    // It was there once.
    expect(avoid).not.toContain(31);
  }
  expect(avoided(70_000).at(-1)).not.toContain(41);
});

it('nor a grandparent that could not be reached', () => {
  const scene = Scene.fed();
  const met = (span: number) => of(scene.pass(span, 10), 'meet').filter(({ short }) => short === 20).length;
  expect(met(3000)).toBe(1);
  scene.give({ kind: 'introduced', peer: 20, short: 20, role: 'spare' });
  scene.give({ kind: 'lost', peer: 20 });
  expect(met(110_000)).toBe(0);
  expect(met(30_000)).toBeGreaterThan(0);
});

it('a spare that has become a child is no spare: it is not asked for blocks, and another is looked for', () => {
  const scene = Scene.fed();
  scene.open(30, 'child');
  scene.give({ kind: 'subscribe', peer: 30, from: 'newest', slots: 2, height: 0, instead: undefined });
  expect(scene.member.warm).toEqual([31]);
  expect(of(scene.pass(30_000, 10), 'join').map(({ want }) => want)).toContain('spares');
  expect(new Set(of(scene.pass(200), 'ask').map(({ peer }) => peer))).toEqual(new Set([31]));
});

it('a session that is of no more use to us stays open for a child that has it', () => {
  const scene = Scene.fed();
  scene.open(30, 'child');
  scene.give({ kind: 'subscribe', peer: 30, from: 'newest', slots: 2, height: 0, instead: undefined });
  for (const peer of [32, 33, 34, 35, 36]) scene.open(peer, 'spare');
  for (const peer of [31, 32, 33, 34, 35, 36]) scene.give({ kind: 'standing', peer, free: 2, depth: 1, height: 0 });
  const dropped = of(scene.pass(20_000, 10), 'drop').map(({ peer }) => peer);
  expect(dropped.length).toBeGreaterThan(0);
  expect(dropped).not.toContain(30);
});
describe('households that push each other aside', () => {
  it('never make one feed more than twice what it can, however often they say another number of slots', () => {
    for (const slots of [1, 2, 8]) {
      const scene = Scene.fed(slots);
      for (let peer = 100; peer < 130; peer++) {
        scene.child(peer, 2);
        scene.give({ kind: 'subscribe', peer, from: 'newest', slots: 0, height: 0, instead: undefined });
        expect(scene.member.children.length).toBeLessThanOrEqual(2 * slots);
      }
    }
  });

  it('never make an origin feed more than its number, not for a moment', () => {
    const scene = new Scene(2, true);
    const fed = new Set<Peer>();
    let last = 0;
    for (let peer = 100; peer < 130; peer++) {
      for (const [slots, from] of [
        [2, 7],
        [0, 'newest'],
        [0, 7],
      ] as const) {
        scene.open(peer, 'child');
        scene.give({ kind: 'subscribe', peer, from, slots, height: 0, instead: undefined });
      }
    }
    const [heirOf = 0] = scene.member.children;
    scene.give({ kind: 'leaving', peer: heirOf });
    scene.open(200, 'child');
    scene.give({ kind: 'subscribe', peer: 200, from: 7, slots: 2, height: 1, instead: heirOf });
    expect(scene.member.children).toContain(200);
    for (const effect of scene.all) {
      if (effect.kind === 'feed') fed.add(effect.peer);
      if (effect.kind === 'starve') fed.delete(effect.peer);
      expect(fed.size).toBeLessThanOrEqual(2);
      last = Math.max(last, fed.size);
    }
    expect(last).toBe(2);
  });

  it('at the origin go below the one that needs the place and can feed them, which has it at once', () => {
    const scene = new Scene(2, true);
    for (const peer of [50, 51]) scene.child(peer, 0);
    scene.open(60, 'child');
    const effects = scene.give({ kind: 'subscribe', peer: 60, from: 7, slots: 2, height: 0, instead: undefined });
    const told = effects.filter(({ kind }) => ['starve', 'feed', 'leaving', 'move'].includes(kind));
    expect(told).toEqual([
      { kind: 'starve', peer: 50 },
      { kind: 'feed', peer: 60, from: 7 },
      { kind: 'leaving', peers: [50] },
      { kind: 'move', child: 50, under: 60 },
    ]);
    expect(scene.member.children).toEqual([51, 60]);
  });
});

it('a child that made room at the origin asks who came instead as soon as that is there, and spares for blocks till then', () => {
  const scene = Scene.fed(0);
  scene.give({ kind: 'leaving', peer: 10 });
  scene.give({ kind: 'introduced', peer: 60, short: 60, role: 'move' });
  expect(of(scene.pass(200), 'ask').length).toBeGreaterThan(0);
  expect(of(scene.give({ kind: 'open', peer: 60, rtt: ms(40) }), 'subscribe')).toMatchObject([{ peer: 60, from: 101 }]);
  scene.give({ kind: 'path', peer: 60, path: [99], heir: false });
  expect(scene.member.parent).toBe(60);
  expect(kinds(scene.all)).not.toContain('complain');
});

it('a parent that said that it goes is not complained about when it is silent', () => {
  const scene = Scene.fed();
  scene.give({ kind: 'leaving', peer: 10 });
  const effects = scene.pass(400);
  expect(of(effects, 'drop')).toMatchObject([{ peer: 10, why: 'leaving' }]);
  expect(kinds(effects)).not.toContain('complain');
});
