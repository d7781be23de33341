import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../agent/base/bytes.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import { seconds } from '../../agent/base/time.ts';
import { type Resident, Town, type TownOptions } from './town.ts';

function settled(town: Town, ...residents: Resident[]): void {
  expect(town.until(() => residents.every((one) => one.told('registered').length > 0))).toBe(true);
  // One more round trip, so that every address is proven.
  town.pass(100);
}

describe('a household at the rendezvous', () => {
  it('is registered within five round trips, and learns where it is seen and where the observers are', () => {
    const town = new Town();
    const one = town.resident();
    expect(town.until(() => one.told('registered').length > 0, 250)).toBe(true);
    const [registered] = one.told('registered');
    const [nat] = one.household.boxes;
    expect(registered?.observed.ip).toBe(nat !== undefined && 'ips' in nat ? nat.ips[0] : undefined);
    expect(registered?.observers).toEqual(town.listen);
    expect(one.told('state').map(({ state }) => state)).toEqual(['connecting', 'registered']);
    expect(town.server.counters().present).toBe(1);
  });

  it('beats every 3 s while pairing, later about every 20 s, never at a steady rhythm', () => {
    const town = new Town();
    const one = town.resident();
    settled(town, one);
    const heardIn = (ms: number): number => {
      const before = town.server.counters().heard;
      town.pass(ms);
      return town.server.counters().heard - before;
    };
    const pairing = heardIn(55_000);
    expect(pairing).toBeGreaterThan(12);
    expect(pairing).toBeLessThan(30);
    heardIn(200_000);
    const resting = heardIn(400_000);
    expect(resting).toBeGreaterThan(13);
    expect(resting).toBeLessThan(30);
    expect(one.client.state).toBe('registered');
    expect(one.client.rtt).toBeCloseTo(20, 0);
  });

  it('is told when its NAT gives it another address, and the rendezvous writes to that one', () => {
    const town = new Town();
    const one = town.resident();
    settled(town, one);
    town.pass(2000);
    const [nat] = one.household.boxes;
    if (nat === undefined || !('ips' in nat)) throw new Error('no NAT');
    town.world.renumber(nat);
    one.give({ kind: 'hurry' });
    town.pass(200);
    expect(one.told('moved')[0]?.observed.ip).toBe(nat.ips[0]);
    town.pass(30_000);
    expect(one.told('state')).toHaveLength(2);
  });

  it('renews by ticket when the rendezvous was restarted, without being asked', () => {
    const town = new Town();
    const one = town.resident();
    settled(town, one);
    town.restart();
    expect(town.until(() => one.told('registered').length === 2, 15_000)).toBe(true);
    expect(town.server.counters().refused['ticket']).toBe(0);
    expect(one.told('state').map(({ state }) => state)).toEqual([
      'connecting',
      'registered',
      'connecting',
      'registered',
    ]);
  });

  it('comes back the long way when the rendezvous lost its ticket keys', () => {
    const town = new Town();
    const one = town.resident();
    settled(town, one);
    town.restart('nothing');
    expect(town.until(() => one.told('registered').length === 2, 20_000)).toBe(true);
  });

  it('says that no rendezvous can be reached, and comes in when one can be again', () => {
    const town = new Town();
    town.stop();
    const one = town.resident();
    one.give({ kind: 'introduce', request: 1, node: town.cipher.pair().publicKey });
    town.pass(12_000);
    expect(one.client.state).toBe('unreachable');
    expect(one.told('refused')).toMatchObject([{ request: 1, reason: 'rendezvous-unreachable' }]);
    town.restart();
    expect(town.until(() => one.told('registered').length > 0, 60_000)).toBe(true);
  });

  it('goes to the next rendezvous of its list when the first is dead', () => {
    const town = new Town();
    const dead = { address: { ip: '198.51.100.9', port: 3478 }, key: town.cipher.pair().publicKey };
    const one = town.resident();
    one.restart([dead, ...town.servers]);
    expect(town.until(() => one.client.state === 'registered', 10_000)).toBe(true);
    expect(one.client.status().map(({ state }) => state)).toEqual(['idle', 'registered']);
  });

  it('is forgotten soon after it went silent, and at once when it leaves in order', () => {
    const town = new Town();
    const [one, two] = [town.resident(), town.resident()];
    settled(town, one, two);
    one.stop();
    two.give({ kind: 'leave' });
    town.pass(100);
    expect(town.server.counters().present).toBe(1);
    town.pass(20_000);
    expect(town.server.counters()).toMatchObject({ present: 0, known: 2 });
    expect(town.events.map(({ name }) => name).filter((name) => name === 'left' || name === 'expired')).toEqual([
      'left',
      'expired',
    ]);
  });
});

describe('an introduction', () => {
  it('tells both sides the same secret, each the other, and one of them to begin', () => {
    const town = new Town();
    const [near, far] = [town.resident('port-restricted', { delayMs: 5 }), town.resident('offset', { delayMs: 60 })];
    settled(town, near, far);
    near.give({ kind: 'introduce', request: 7, node: far.id });
    town.pass(500);
    const [mine] = near.told('introduction');
    const [theirs] = far.told('introduction');
    expect(mine).toMatchObject({ request: 7, initiator: true, purpose: 'ping', relayAllowed: true });
    expect(theirs).toMatchObject({ request: 0, initiator: false, purpose: 'ping' });
    expect(mine?.pairId).toBe(theirs?.pairId);
    expect(mine?.secret).toEqual(theirs?.secret);
    expect(mine?.secret).toHaveLength(32);
    expect(mine?.peer).toEqual(far.id);
    expect(theirs?.peer).toEqual(near.id);
    expect(mine?.candidates).toEqual([{ ...far.told('registered')[0]?.observed, opening: 'none' }]);
    expect(mine?.profile).toEqual(theirs?.mine);
    expect(near.told('introduction')).toHaveLength(1);
    expect(far.told('introduction')).toHaveLength(1);
  });

  it('lets both sides start at the same moment although one is further away', () => {
    const town = new Town();
    const [near, far] = [town.resident('port-restricted', { delayMs: 5 }), town.resident('offset', { delayMs: 60 })];
    settled(town, near, far);
    town.pass(4000);
    near.give({ kind: 'introduce', request: 1, node: far.id });
    town.pass(500);
    const starts = [near, far].map((one) => {
      const found = one.heard.find(({ effect }) => effect.kind === 'introduction');
      return found?.effect.kind === 'introduction' ? found.at + found.effect.startIn : 0;
    });
    expect(Math.abs((starts[0] ?? 0) - (starts[1] ?? 0))).toBeLessThan(10);
  });

  it('reaches the other side although datagrams are lost', () => {
    const town = new Town({ seed: 5 });
    const [near, far] = [town.resident('offset', { loss: 0.3 }), town.resident('offset', { loss: 0.3 })];
    expect(town.until(() => [near, far].every((one) => one.client.state === 'registered'), 60_000)).toBe(true);
    for (let request = 1; request <= 8; request++) {
      near.give({ kind: 'introduce', request, node: far.id, patience: seconds(15) });
      town.pass(15_000);
    }
    expect(near.told('introduction')).toHaveLength(8);
    expect(far.told('introduction').length).toBeGreaterThan(6);
  });

  it('is refused with the reason when the peer is unknown, offline or oneself', () => {
    const town = new Town();
    const [one, two] = [town.resident(), town.resident()];
    settled(town, one, two);
    two.give({ kind: 'leave' });
    town.pass(100);
    one.give({ kind: 'introduce', request: 1, node: town.cipher.pair().publicKey });
    one.give({ kind: 'introduce', request: 2, node: two.id });
    one.give({ kind: 'introduce', request: 3, node: one.id });
    town.pass(200);
    expect(one.told('refused').map(({ request, reason }) => [request, reason])).toEqual([
      [1, 'peer-unknown'],
      [2, 'peer-offline'],
      [3, 'refused'],
    ]);
  });

  it('is taken back with peer-offline when its target turns out to be gone', () => {
    const town = new Town();
    const [one, two] = [town.resident(), town.resident()];
    settled(town, one, two);
    two.stop();
    one.give({ kind: 'introduce', request: 4, node: two.id });
    town.pass(6000);
    expect(one.told('introduction')).toHaveLength(1);
    expect(one.told('refused')).toMatchObject([{ request: 4, reason: 'peer-offline' }]);
  });

  it('is a new one when the asking household was restarted and counts its questions from the beginning', () => {
    const town = new Town();
    const [one, two] = [town.resident(), town.resident()];
    settled(town, one, two);
    one.give({ kind: 'introduce', request: 1, node: two.id });
    town.pass(200);
    one.restart();
    town.until(() => one.told('registered').length === 2);
    town.pass(100);
    one.give({ kind: 'introduce', request: 1, node: two.id });
    town.pass(200);
    expect(new Set(two.told('introduction').map(({ pairId }) => pairId)).size).toBe(2);
    expect(one.told('introduction')).toHaveLength(2);
  });

  it('gives internal addresses only to a household behind the same public one', () => {
    const town = new Town();
    const one = town.resident();
    const [nat] = one.household.boxes;
    if (nat === undefined) throw new Error('no NAT');
    const sibling = town.resident('open', { behind: nat });
    const stranger = town.resident();
    settled(town, one, sibling, stranger);
    sibling.give({ kind: 'introduce', request: 1, node: one.id });
    stranger.give({ kind: 'introduce', request: 1, node: one.id });
    town.pass(300);
    expect(sibling.told('introduction')[0]?.candidates.map(({ ip }) => ip)).toContain(one.household.host.ip);
    expect(stranger.told('introduction')[0]?.candidates).toHaveLength(1);
  });

  it('is limited to six a minute, so that nobody is a crawler; waiting helps', () => {
    const town = new Town();
    const crawler = town.resident();
    const others = Array.from({ length: 9 }, () => town.resident());
    settled(town, crawler, ...others);
    for (const [i, other] of others.entries()) {
      crawler.give({ kind: 'introduce', request: i + 1, node: other.id, patience: seconds(5) });
    }
    town.pass(6000);
    expect(crawler.told('introduction')).toHaveLength(6);
    expect(crawler.told('refused').map(({ reason }) => reason)).toEqual(['quota', 'quota', 'quota']);
    town.pass(15_000);
    crawler.give({ kind: 'introduce', request: 20, node: others[8]?.id ?? crawler.id });
    town.pass(300);
    expect(crawler.told('introduction')).toHaveLength(7);
  });

  it('makes at most two households knock at one address at once; the third waits for its turn', () => {
    const town = new Town();
    const target = town.resident();
    const others = Array.from({ length: 3 }, () => town.resident());
    settled(town, target, ...others);
    for (const other of others) other.give({ kind: 'introduce', request: 1, node: target.id, patience: seconds(20) });
    town.pass(500);
    expect(target.told('introduction')).toHaveLength(2);
    const [first] = target.told('introduction');
    target.give({ kind: 'report', pairId: first?.pairId ?? 0, outcome: { kind: 'failed', reason: 'filter' } });
    town.pass(2500);
    expect(target.told('introduction')).toHaveLength(3);
  });
});

describe('probes', () => {
  it('are answered with what each observer saw, from any socket, and do not move the session', () => {
    const town = new Town();
    const one = town.resident('sequential');
    settled(town, one);
    for (const observer of [0, 1, 2]) one.give({ kind: 'probe', socket: 0, observer, index: observer });
    town.pass(200);
    const seen = one.told('observed');
    expect(seen.map(({ observer }) => observer)).toEqual([0, 1, 2]);
    expect(new Set(seen.map(({ external }) => external.port)).size).toBe(3);
    town.pass(10_000);
    expect(one.told('moved')).toHaveLength(0);
  });

  it('bring a token with which another observer may write to that very address, and to no other', () => {
    const town = new Town();
    const one = town.resident('full-cone');
    settled(town, one);
    one.give({ kind: 'probe', socket: 0, observer: 0, index: 0 });
    town.pass(100);
    const { token = new Uint8Array(8) } = one.told('observed')[0] ?? {};
    one.give({ kind: 'filter-test', socket: 0, observer: 0, answerer: 2, index: 3, token });
    town.pass(100);
    expect(one.told('filtered')).toMatchObject([{ index: 3 }]);
    one.give({
      kind: 'filter-test',
      socket: 0,
      observer: 0,
      answerer: 2,
      index: 4,
      token: token.map((byte) => byte ^ 1),
    });
    town.pass(100);
    expect(one.told('filtered')).toHaveLength(1);
  });
});

describe('doors', () => {
  it('are knocked at by another observer, and whether the question was heard is known without a knock', () => {
    const town = new Town();
    const [open, shut] = [town.resident('full-cone'), town.resident('port-restricted')];
    settled(town, open, shut);
    town.pass(30_000);
    for (const one of [open, shut]) {
      const before = one.told('answered').length;
      const { observed = { ip: '', port: 0 } } = one.told('registered')[0] ?? {};
      one.give({ kind: 'try-door', observer: 2, index: 7, at: observed });
      town.pass(300);
      expect(one.told('answered')).toHaveLength(before + 1);
    }
    expect(open.told('knocked')).toMatchObject([{ index: 7 }]);
    expect(shut.told('knocked')).toEqual([]);
  });
});

describe('a household that hears nothing of another any more', () => {
  it('lets it know where its NAT has moved it, also when the two were introduced long ago', () => {
    const town = new Town();
    const [one, two] = [town.resident(), town.resident()];
    settled(town, one, two);
    town.pass(120_000);
    const [nat] = one.household.boxes;
    if (nat === undefined || !('ips' in nat)) throw new Error('no NAT');
    const before = one.told('registered')[0]?.observed;
    nat.rebind();
    one.give({ kind: 'nudge', node: two.id });
    town.pass(100);
    const [nudged, again] = two.told('nudged');
    expect(nudged).toMatchObject({ node: one.id, address: { ip: nat.ips[0] } });
    expect(nudged?.address.port).not.toBe(before?.port);
    // More than once, in case one is lost.
    expect(again).toEqual(nudged);
  });

  it('can do so some times a second and no more', () => {
    const town = new Town();
    const [one, two] = [town.resident(), town.resident()];
    settled(town, one, two);
    for (let i = 0; i < 100; i++) one.give({ kind: 'nudge', node: two.id });
    town.pass(1000);
    expect(two.told('nudged').length).toBeLessThanOrEqual(20);
    expect(town.server.counters().refused['quota']).toBeGreaterThan(150);
  });
});

describe('relaying', () => {
  function paired(limits = {}): { town: Town; one: Resident; two: Resident; pairId: number } {
    const town = new Town({ limits });
    const [one, two] = [town.resident(), town.resident()];
    settled(town, one, two);
    one.give({ kind: 'introduce', request: 1, node: two.id });
    town.pass(500);
    return { town, one, two, pairId: one.told('introduction')[0]?.pairId ?? 0 };
  }

  it('carries datagrams both ways between the two of a pair', () => {
    const { town, one, two, pairId } = paired();
    one.give({ kind: 'relay', pairId, bytes: bytesOf('there') });
    two.give({ kind: 'relay', pairId, bytes: bytesOf('back') });
    town.pass(200);
    expect(two.told('relayed')).toMatchObject([{ pairId, bytes: bytesOf('there') }]);
    expect(one.told('relayed')).toMatchObject([{ pairId, bytes: bytesOf('back') }]);
  });

  it('begins with the last that was said before the other side had its introduction, which comes again within 200 ms', () => {
    const town = new Town();
    const [one, two] = [town.resident(), town.resident()];
    settled(town, one, two);
    const line = two.household.access.downlink;
    const { shape } = line;
    line.shape = { ...shape, loss: 1 };
    one.give({ kind: 'introduce', request: 1, node: two.id });
    town.pass(80);
    const pairId = one.told('introduction')[0]?.pairId ?? 0;
    for (const word of ['lost', 'kept']) one.give({ kind: 'relay', pairId, bytes: bytesOf(word) });
    line.shape = shape;
    town.pass(300);
    expect(two.told('introduction')).toHaveLength(1);
    expect(two.told('relayed')).toMatchObject([{ pairId, bytes: bytesOf('kept') }]);
  });

  it('lives on while it is used, and ends a minute after', () => {
    const { town, one, two, pairId } = paired();
    for (let i = 0; i < 10; i++) {
      one.give({ kind: 'relay', pairId, bytes: bytesOf('on') });
      town.pass(30_000);
    }
    expect(two.told('relayed')).toHaveLength(10);
    town.pass(62_000);
    one.give({ kind: 'relay', pairId, bytes: bytesOf('late') });
    town.pass(200);
    expect(two.told('relayed')).toHaveLength(10);
  });

  it('is refused to a third household that guesses the number of the pair', () => {
    const { town, two, pairId } = paired();
    const thief = town.resident();
    settled(town, thief);
    thief.give({ kind: 'relay', pairId, bytes: bytesOf('mine') });
    town.pass(200);
    expect(two.told('relayed')).toHaveLength(0);
    expect(town.server.counters().refused['no-pair']).toBe(1);
  });

  it('carries no more than the option allows', () => {
    const { town, one, two, pairId } = paired({ relayKbits: 100 });
    for (let i = 0; i < 100; i++) {
      for (let k = 0; k < 10; k++) one.give({ kind: 'relay', pairId, bytes: new Uint8Array(500) });
      town.pass(100);
    }
    const bytes = two.told('relayed').length * 500;
    expect(bytes).toBeGreaterThan(120_000);
    expect(bytes).toBeLessThan(135_000);
    expect(town.server.counters().refused['relay-rate']).toBeGreaterThan(500);
  });

  it('can be switched off, and both sides are told so', () => {
    const { town, one, two, pairId } = paired({ relayKbits: 0 });
    expect(one.told('registered')[0]?.relays).toBe(false);
    expect(one.told('introduction')[0]?.relayAllowed).toBe(false);
    one.give({ kind: 'relay', pairId, bytes: bytesOf('there') });
    town.pass(200);
    expect(two.told('relayed')).toHaveLength(0);
  });
});

describe('a channel', () => {
  function started(options: TownOptions = {}, children = 2): { town: Town; origin: Resident; channel: Uint8Array } {
    const town = new Town(options);
    const origin = town.resident('open', { children });
    settled(town, origin);
    const pair = town.cipher.signingPair();
    origin.give({ kind: 'publish', channel: pair, epoch: 3, name: 'Küche TV' });
    town.pass(200);
    expect(origin.told('published')).toHaveLength(1);
    return { town, origin, channel: pair.publicKey };
  }

  /** Everybody says where it stands, as the rendezvous has ordered it. */
  function stand(town: Town, channel: Uint8Array, all: readonly Resident[]): void {
    const edges = town.server.tree(channel);
    const named = (key: string | undefined) => all.find(({ id }) => String.fromCharCode(...id) === key);
    for (const one of all) {
      const own = String.fromCharCode(...one.id);
      const parent = named(edges.find(({ node }) => node === own)?.parent);
      const children = edges.filter((edge) => edge.parent === own).flatMap(({ node }) => named(node)?.id ?? []);
      const fedBy = parent && { node: parent.id, method: 'simultaneous' as const };
      one.give({ kind: 'position', channel, parent: fedBy, children });
    }
    town.pass(300);
  }

  /** It is given a parent, is fed, and feeds others as soon as it has something to give; `all`: everybody in the channel. */
  function join(town: Town, one: Resident, channel: Uint8Array, all: readonly Resident[] = [], request = 1): void {
    one.give({ kind: 'join', request, channel, avoid: [], patience: seconds(15) });
    town.until(() => one.told('introduction').some((told) => told.request === request), 15_000);
    town.pass(100);
    for (const { pairId } of one.told('introduction')) {
      one.give({ kind: 'report', pairId, outcome: { kind: 'connected', method: 'simultaneous' } });
    }
    town.pass(100);
    if (all.length === 0) return;
    stand(town, channel, all);
    town.pass(1000);
  }

  it('keeps parent and child relayable as long as the one feeds the other, and no longer', () => {
    const { town, origin, channel } = started();
    const one = town.resident();
    settled(town, one);
    join(town, one, channel);
    const pairId = one.told('introduction')[0]?.pairId ?? 0;
    town.pass(600_000);
    one.give({ kind: 'relay', pairId, bytes: bytesOf('our path is lost') });
    town.pass(100);
    expect(origin.told('relayed')).toMatchObject([{ pairId }]);
    one.give({ kind: 'leave-channel', channel });
    town.pass(130_000);
    expect(town.server.counters().pairs).toBe(0);
  });

  it('is known by name and origin to whoever knows its id', () => {
    const { town, origin, channel } = started();
    const one = town.resident();
    settled(town, one);
    one.give({ kind: 'ask-channel', request: 1, channel });
    one.give({ kind: 'ask-channel', request: 2, channel: new Uint8Array(32) });
    town.pass(200);
    expect(one.told('channel-info')).toMatchObject([{ name: 'Küche TV', epoch: 3, origin: origin.id }]);
    expect(one.told('refused')).toMatchObject([{ request: 2, reason: 'channel-unknown' }]);
  });

  it('is not led again from an earlier start of its origin, which is told why', () => {
    const town = new Town();
    const origin = town.resident('open', { children: 2 });
    settled(town, origin);
    const pair = town.cipher.signingPair();
    for (const epoch of [3, 2, 3, 4]) {
      origin.give({ kind: 'publish', channel: pair, epoch, name: 'TV' });
      town.pass(500);
    }
    expect(origin.told('publish-refused')).toMatchObject([{ reason: 'old-epoch' }]);
    origin.give({ kind: 'ask-channel', request: 1, channel: pair.publicKey });
    town.pass(200);
    expect(origin.told('channel-info')).toMatchObject([{ epoch: 4 }]);
  });

  it('may be one of hundreds, up to a bound, each with a tree of its own', () => {
    const town = new Town({ limits: { channels: 300 } });
    const origins = Array.from({ length: 304 }, () => town.resident('open', { children: 2 }));
    settled(town, ...origins);
    const keys = origins.map((origin, i) => {
      const pair = town.cipher.signingPair();
      origin.give({ kind: 'publish', channel: pair, epoch: 1, name: `TV ${i}` });
      town.pass(20);
      return pair.publicKey;
    });
    const published = origins.flatMap((origin) => origin.told('published'));
    const refused = origins.flatMap((origin) => origin.told('publish-refused'));
    expect([published.length, refused.length]).toEqual([300, 4]);
    expect(refused.every(({ reason }) => reason === 'quota')).toBe(true);
    const one = town.resident();
    settled(town, one);
    for (const [request, channel] of [keys[0], keys[77], keys[299]].entries()) {
      one.give({ kind: 'join', request: request + 1, channel: channel ?? one.id, avoid: [], patience: seconds(15) });
      town.pass(2000);
    }
    const own = String.fromCharCode(...one.id);
    const holds = keys.filter((key) => town.server.tree(key).some(({ node }) => node === own));
    expect(holds).toEqual([keys[0], keys[77], keys[299]]);
  });

  it('is led only by a household that holds its key', () => {
    const { town, channel } = started({ cipher: nodeCipher() });
    const thief = town.resident();
    settled(town, thief);
    const { privateKey } = town.cipher.signingPair();
    thief.give({ kind: 'publish', channel: { privateKey, publicKey: channel }, epoch: 9, name: 'stolen' });
    town.pass(200);
    expect(thief.told('publish-refused')).toMatchObject([{ reason: 'refused' }]);
  });

  it('grows level by level, each child told its parent and each parent its child', () => {
    const { town, origin, channel } = started();
    const homes = Array.from({ length: 6 }, () => town.resident('port-restricted', { children: 2 }));
    settled(town, ...homes);
    for (const home of homes) join(town, home, channel, [origin, ...homes]);
    const at = (depth: number) => town.server.tree(channel).filter((member) => member.depth === depth);
    expect([at(0), at(1), at(2)].map(({ length }) => length)).toEqual([1, 2, 4]);
    expect(origin.told('introduction').map(({ purpose }) => purpose)).toEqual(['child', 'child']);
    expect(homes[0]?.told('introduction')[0]).toMatchObject({
      purpose: 'parent',
      initiator: true,
      channel: { id: channel, epoch: 3, name: 'Küche TV' },
    });
    expect(town.server.tree(channel).filter(({ method }) => method === 'simultaneous')).toHaveLength(6);
  });

  it('finds another parent for a household that lost its own, not below itself and not the one it avoids', () => {
    const { town, origin, channel } = started();
    const homes = Array.from({ length: 4 }, () => town.resident('port-restricted', { children: 2 }));
    settled(town, ...homes);
    for (const home of homes) join(town, home, channel, [origin, ...homes]);
    const [first, second, third] = homes;
    if (first === undefined || second === undefined || third === undefined) throw new Error('too few');
    first.give({ kind: 'join', request: 2, channel, avoid: [origin.id] });
    town.pass(300);
    const told = first.told('introduction').find(({ request }) => request === 2);
    expect(told?.peer).toEqual(second.id);
  });

  it('frees the slots of a household that leaves or goes silent', () => {
    const { town, origin, channel } = started({}, 3);
    const homes = Array.from({ length: 2 }, () => town.resident('port-restricted', { children: 0 }));
    const late = town.resident('port-restricted', { children: 0 });
    settled(town, ...homes, late);
    for (const home of homes) join(town, home, channel, [origin, ...homes]);
    late.give({ kind: 'join', request: 1, channel, avoid: [] });
    town.pass(200);
    expect(late.told('refused')).toMatchObject([{ reason: 'no-parent' }]);
    homes[0]?.give({ kind: 'leave-channel', channel });
    town.pass(100);
    join(town, late, channel, [], 2);
    expect(late.told('introduction')).toHaveLength(1);
    homes[1]?.stop();
    late.give({ kind: 'leave' });
    town.pass(30_000);
    expect(town.server.tree(channel)).toHaveLength(1);
  });

  it('may be asked a hundred times in a row by one for whom there is no place, and no more than that', () => {
    const { town, channel } = started({}, 1);
    const [first, other] = [0, 0].map((children) => town.resident('port-restricted', { children }));
    if (first === undefined || other === undefined) throw new Error('too few');
    settled(town, first, other);
    first.give({ kind: 'join', request: 1, channel, avoid: [] });
    town.pass(200);
    for (let request = 1; request <= 150; request++) {
      other.give({ kind: 'join', request, channel, avoid: [] });
      town.pass(30);
    }
    const reasons = other.told('refused').map(({ reason }) => reason);
    expect(reasons.slice(0, 100).every((reason) => reason === 'no-parent')).toBe(true);
    expect(town.server.counters().refused['quota']).toBeGreaterThan(0);
  });

  it('frees the slot of a child whose punch failed, and of one that never reports', () => {
    const { town, channel } = started({}, 3);
    const homes = Array.from({ length: 2 }, () => town.resident('port-restricted', { children: 0 }));
    settled(town, ...homes);
    for (const home of homes) home.give({ kind: 'join', request: 1, channel, avoid: [] });
    town.pass(300);
    const told = homes[0]?.told('introduction')[0];
    homes[0]?.give({ kind: 'report', pairId: told?.pairId ?? 0, outcome: { kind: 'failed', reason: 'random' } });
    town.pass(300);
    expect(town.server.tree(channel).filter(({ parent }) => parent !== undefined)).toHaveLength(1);
    town.pass(65_000);
    expect(town.server.tree(channel).filter(({ parent }) => parent !== undefined)).toHaveLength(0);
  });

  it('keeps its account of slots through any coming and going, and of nobody who is gone', () => {
    const { town, origin, channel } = started({ seed: 11, limits: { introductionsPerMinute: 600 } });
    const homes = Array.from({ length: 10 }, (_, i) => town.resident('port-restricted', { children: i % 3 }));
    settled(town, ...homes);
    const random = town.world.random();
    let asked = 0;
    for (let round = 0; round < 120; round++) {
      const home = homes[random(homes.length)] ?? origin;
      const request = ++asked;
      switch (random(6)) {
        case 0:
          home.give({ kind: 'leave-channel', channel });
          break;
        case 1:
          home.restart();
          break;
        case 2: {
          const told = home.told('introduction').at(-1);
          const outcome = { kind: 'failed', reason: 'filter' } as const;
          if (told !== undefined) home.give({ kind: 'report', pairId: told.pairId, outcome });
          break;
        }
        default:
          home.give({ kind: 'join', request, channel, avoid: [], patience: seconds(3) });
      }
      town.pass(random(4) === 0 ? 3000 : 300);
      const tree = town.server.tree(channel);
      const keys = new Set([origin, ...homes].map(({ id }) => String.fromCharCode(...id)));
      for (const { node, slots, parent } of tree) {
        expect(keys.has(node)).toBe(true);
        expect(tree.filter((other) => other.parent === node).length).toBeLessThanOrEqual(slots);
        if (parent !== undefined) expect(tree.some((other) => other.node === parent)).toBe(true);
      }
    }
    expect(town.server.tree(channel).length).toBeGreaterThan(3);
    for (const home of homes) home.give({ kind: 'leave' });
    town.pass(200_000);
    expect(town.server.tree(channel)).toHaveLength(1);
    expect(town.server.counters()).toMatchObject({ present: 1, pairs: 0 });
  });

  it('has its tree again after a restart of the rendezvous, from what the households report', () => {
    const { town, origin, channel } = started();
    const homes = Array.from({ length: 3 }, () => town.resident('port-restricted', { children: 2 }));
    settled(town, ...homes);
    const all = [origin, ...homes];
    for (const home of homes) join(town, home, channel, all);
    const before = town.server.tree(channel);
    town.restart();
    expect(town.until(() => all.every((one) => one.told('registered').length === 2), 20_000)).toBe(true);
    town.pass(8000);
    const byNode = (a: { node: string }, b: { node: string }): number => (a.node < b.node ? -1 : 1);
    expect(town.server.tree(channel).toSorted(byNode)).toEqual(before.toSorted(byNode));
  });
});
