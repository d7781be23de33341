import { describe, expect, it } from 'vitest';
import { Reader } from '../../agent/base/bytes.ts';
import { seconds } from '../../agent/base/time.ts';
import { type Resident, Town } from './town.ts';

interface Grown {
  readonly town: Town;
  readonly channel: Uint8Array;
  readonly origin: Resident;
  readonly homes: Resident[];
}

/** Everybody says where it stands, as the rendezvous has ordered it. */
function stand({ town, channel, origin, homes }: Grown): void {
  const edges = town.server.tree(channel);
  const all = [origin, ...homes];
  const keyOf = ({ id }: Resident): string => String.fromCharCode(...id);
  for (const one of all) {
    const parent = all.find((other) => keyOf(other) === edges.find(({ node }) => node === keyOf(one))?.parent);
    const children = all.filter((other) =>
      edges.some(({ node, parent: of }) => node === keyOf(other) && of === keyOf(one)),
    );
    one.give({
      kind: 'position',
      channel,
      parent: parent && { node: parent.id, method: 'dial' },
      children: children.map(({ id }) => id),
    });
  }
  town.pass(300);
}

function parentIn({ town, channel, origin, homes }: Grown, { id }: Resident): Resident | undefined {
  const { parent } = town.server.tree(channel).find(({ node }) => node === String.fromCharCode(...id)) ?? {};
  return [origin, ...homes].find((other) => String.fromCharCode(...other.id) === parent);
}

function enter(grown: Grown, children: number, stands = true): Resident {
  const { town, channel, homes } = grown;
  const home = town.resident('port-restricted', { children });
  town.until(() => home.told('registered').length > 0);
  town.pass(100);
  homes.push(home);
  home.give({ kind: 'join', request: 1, channel, avoid: [], patience: seconds(15) });
  town.until(() => home.told('introduction').length > 0, 15_000);
  town.pass(300);
  for (const { pairId } of home.told('introduction')) {
    home.give({ kind: 'report', pairId, outcome: { kind: 'connected', method: 'dial' } });
  }
  town.pass(100);
  if (!stands) return home;
  stand(grown);
  town.pass(1200);
  return home;
}

function grow(...children: readonly number[]): Grown {
  const town = new Town();
  const origin = town.resident('open', { children: 2 });
  town.until(() => origin.told('registered').length > 0);
  town.pass(100);
  const pair = town.cipher.signingPair();
  origin.give({ kind: 'publish', channel: pair, epoch: 1, name: 'TV' });
  town.pass(200);
  const grown = { town, channel: pair.publicKey, origin, homes: [] };
  for (const count of children) enter(grown, count);
  return grown;
}

describe('households to be kept at hand', () => {
  it('come with the parent, and hear of it themselves as of a child', () => {
    const grown = grow(2, 2, 2, 2);
    const late = enter(grown, 2);
    const told = late.told('introduction');
    expect(told[0]).toMatchObject({ request: 1, purpose: 'parent' });
    const spares = told.filter(({ purpose }) => purpose === 'spare');
    expect(spares.length).toBeGreaterThan(0);
    for (const { pairId, peer, request, relayAllowed, initiator } of spares) {
      expect({ request, relayAllowed, initiator }).toEqual({ request: 0, relayAllowed: false, initiator: true });
      expect(peer).not.toEqual(told[0]?.peer);
      const other = grown.homes.find(({ id }) => String(id) === String(peer));
      const theirs = other?.told('introduction').find((introduction) => introduction.pairId === pairId);
      expect(theirs).toMatchObject({ request: 0, purpose: 'child', initiator: false, peer: late.id });
    }
  });

  it('are named anew to whoever lost some, others than those it has', () => {
    const grown = grow(2, 2, 2, 2, 2);
    const { town, channel, homes } = grown;
    const [one] = homes;
    if (one === undefined) throw new Error('nobody is here');
    const before = one.told('introduction').length;
    one.give({ kind: 'join', request: 7, channel, want: 'spares', avoid: [homes[1]?.id ?? one.id] });
    town.pass(500);
    const named = one.told('introduction').slice(before);
    expect(named[0]).toMatchObject({ request: 7, purpose: 'spare' });
    for (const { peer, purpose } of named) {
      expect(purpose).toBe('spare');
      expect(peer).not.toEqual(homes[1]?.id);
    }
    // Its place is what it was.
    const key = String.fromCharCode(...one.id);
    expect(town.server.tree(channel).find(({ node }) => node === key)?.depth).toBe(1);
  });

  it('are no reason to give up a place: who finds none is told when to ask again', () => {
    const { town, channel, homes } = grow(2);
    homes[0]?.give({ kind: 'join', request: 7, channel, want: 'spares', avoid: [] });
    town.pass(500);
    expect(homes[0]?.told('refused')).toMatchObject([{ request: 7, reason: 'no-parent' }]);
    expect(town.server.tree(channel).filter(({ depth }) => depth === 1)).toHaveLength(1);
  });
});

describe('a newcomer that can pass the stream on', () => {
  it('comes above one that cannot, which follows as soon as there is something to give', () => {
    const grown = grow(2, 0, 0, 0);
    const { town, channel, origin, homes } = grown;
    const strong = enter(grown, 2, false);
    const all = [origin, ...homes];
    const parent = all.find(({ id }) => String(id) === String(strong.told('introduction')[0]?.peer));
    const theirs = parent?.told('introduction').find(({ peer }) => String(peer) === String(strong.id));
    const moved = homes.find(({ id }) => new Reader(id).u32() === theirs?.instead);
    if (parent === undefined || moved === undefined) throw new Error('nobody was to make room');
    // The one that is to make room is still where it was, and the newcomer is fed beside it.
    const [above] = parent.told('introduction').filter(({ purpose }) => purpose === 'parent');
    const isBeside = (home: Resident): boolean => home !== moved && home !== strong && parentIn(grown, home) === parent;
    const children = [moved, strong, ...homes.filter(isBeside)].map(({ id }) => id);
    const fed = above && { node: above.peer, method: 'dial' as const };
    parent.give({ kind: 'position', channel, parent: fed, children });
    strong.give({ kind: 'position', channel, parent: { node: parent.id, method: 'dial' }, children: [] });
    town.pass(3000);
    const order = moved.told('introduction').at(-1);
    expect(order).toMatchObject({ request: 0, purpose: 'move', peer: strong.id, initiator: true });
    expect(strong.told('introduction').at(-1)).toMatchObject({ purpose: 'child', peer: moved.id });
  });
});

describe('a parent of whom its children complain', () => {
  it('gets no newcomers for a while, and keeps its slots: one street may err', () => {
    const grown = grow(2, 2, 2, 2);
    const { town, channel, homes } = grown;
    const key = ({ id }: Resident): string => String.fromCharCode(...id);
    const edges = town.server.tree(channel);
    const liar = homes.find((home) => edges.filter(({ parent }) => parent === key(home)).length === 1);
    if (liar === undefined) throw new Error('nobody feeds one');
    const [child] = homes.filter((home) =>
      edges.some(({ node, parent }) => node === key(home) && parent === key(liar)),
    );
    child?.give({ kind: 'complain', channel, node: liar.id, fault: 'silent' });
    town.pass(300);
    expect(town.server.tree(channel).find(({ node }) => node === key(liar))?.slots).toBe(2);
    const late = enter(grown, 2);
    expect(late.told('introduction')[0]?.peer).not.toEqual(liar.id);
    expect(town.events.filter(({ name }) => name === 'demoted')).toEqual([]);
  });
});
