import { describe, expect, it } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { UNKNOWN } from '../../agent/base/nat-profile.ts';
import { at, ms } from '../../agent/base/time.ts';
import { Acquainting } from '../../agent/house/acquainting.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import type { Introduction } from '../../agent/wire/messages.ts';
import { Wood, watchOf } from '../sim/wood.ts';

const cipher = nodeCipher();
const node = cipher.random(32);
const channel = cipher.random(32);
const somewhere = { ip: '203.0.113.7', port: 40_123, opening: 'none' } as const;

const introduction: Introduction = {
  kind: 'introduction',
  request: 0,
  pairId: 7,
  initiator: true,
  purpose: 'spare',
  relayAllowed: false,
  conducted: false,
  channel: { id: channel, epoch: 1, name: 'TV' },
  peer: cipher.random(32),
  peerHeaderKey: cipher.random(16),
  secret: cipher.random(32),
  candidates: [somewhere],
  profile: UNKNOWN,
  mine: UNKNOWN,
  startIn: ms(0),
  instead: undefined,
};

function acquainting(): Acquainting {
  return new Acquainting({ cipher, random: seeded(1), node, peer: () => undefined });
}

describe('an introduction by a household', () => {
  it('is followed, but not many of them', () => {
    const one = acquainting();
    const followed = Array.from({ length: 30 }, () => one.mayFollow(introduction, false, channel, at(0)));
    expect(followed.filter(Boolean)).toHaveLength(8);
    expect(one.mayFollow(introduction, false, channel, at(6000))).toBe(true);
  });

  it.each<[string, Partial<Introduction>]>([
    ['names several addresses', { candidates: [somewhere, somewhere] }],
    ['names none', { candidates: [] }],
    ['wants to be led', { conducted: true }],
    ['wants to be relayed', { relayAllowed: true }],
    ['is a ping', { purpose: 'ping' }],
    ['answers a question of ours', { request: 1 }],
    ['is a trial', { purpose: 'audit' }],
    ['makes room for somebody among our children', { purpose: 'child', instead: 7 }],
    ['is for no channel', { channel: undefined }],
    ['is for another channel', { channel: { id: cipher.random(32), epoch: 1, name: 'TV' } }],
    ['introduces us to ourselves', { peer: node }],
  ])('is not followed when it %s', (_what, change) => {
    expect(acquainting().mayFollow({ ...introduction, ...change }, true, channel, at(0))).toBe(false);
  });

  it.each(['move', 'parent'] as const)(
    'that gives us another parent (%s) is followed when our parent says it',
    (purpose) => {
      const said = { ...introduction, purpose };
      expect(acquainting().mayFollow(said, false, channel, at(0))).toBe(false);
      expect(acquainting().mayFollow(said, true, channel, at(0))).toBe(true);
    },
  );

  it.each([
    ['another host of the LAN', '192.168.1.77', 40_000],
    ['a system port', '203.0.113.7', 53],
    ['everybody on the wire', '224.0.0.1', 40_000],
    ['ourselves', '127.0.0.1', 40_000],
  ])('never leads to a datagram to %s', (_what, ip, port) => {
    const wood = new Wood(1, 3, 15_000);
    const [home] = wood.town.homes;
    if (home === undefined) throw new Error('nobody is here');
    const { endpoint } = home.household;
    const bad = { ...introduction, candidates: [{ ip, port, opening: 'none' as const }] };
    expect(endpoint.step(bad, wood.town.world.now)).toEqual([]);
    expect(endpoint.peer(introduction.pairId)).toBeUndefined();
    expect(watchOf(home).parent).toBeDefined();
  });
});
