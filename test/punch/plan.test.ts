import { describe, expect, test } from 'vitest';
import { key } from '../../agent/base/address.ts';
import { type Filtering, type NatKind, type NatProfile, UNKNOWN } from '../../agent/base/nat-profile.ts';
import type { Candidate } from '../../agent/base/opening.ts';
import { MOST_DATAGRAMS, MOST_PER_SECOND, MOST_TARGETS, RETRIES } from '../../agent/punch/limits.ts';
import { candidatesOf, plan } from '../../agent/punch/plan.ts';

const EIF = 'endpoint-independent';
const APDF = 'address-and-port-dependent';

function nat(kind: NatKind, filtering: Filtering, changes: Partial<NatProfile> = {}): NatProfile {
  return { ...UNKNOWN, kind, filtering, confidence: 0.99, external: ['8.8.8.8'], ...changes };
}

const POOL = ['8.8.8.8', '8.8.8.9'];

const PEER = seenAt('9.9.9.9');
const NEAR = seenAt('192.168.1.77');
const ROUTER = nat('preserve', APDF);
const THERE = nat('preserve', APDF, { external: ['9.9.9.9'] });

test('two readable ports: the published schedule', () => {
  const { method, schedule, patience, retries } = plan(ROUTER, THERE, { observed: [PEER], internal: [] }, true, false);
  expect(method).toBe('simultaneous');
  expect(schedule.map(({ after }) => after)).toEqual([0, 30, 80, 150, 250, 400, 600, 800, 1000, 1200]);
  expect([patience, retries]).toEqual([2000, RETRIES]);
});

test('who can be dialled listens for 300 ms before it knocks as well', () => {
  const first = (mine: NatProfile, theirs: NatProfile, initiator: boolean): unknown =>
    plan(mine, theirs, { observed: [PEER], internal: [] }, initiator, false).schedule[0]?.after;
  const open = nat('open', EIF);
  expect(first(open, THERE, true)).toBe(300);
  expect(first(THERE, open, true)).toBe(0);
  // Both could be dialled: the initiator dials.
  expect([first(open, open, true), first(open, open, false)]).toEqual([0, 300]);
});

test('an unreadable port costs five datagrams and a second, and is not tried again', () => {
  const { schedule, patience, retries, reason } = plan(
    ROUTER,
    nat('random', APDF),
    { observed: [PEER], internal: [] },
    true,
    false,
  );
  expect([schedule.length, patience, retries, reason]).toEqual([5, 1000, [], 'random']);
});

test('a port that only seems unreadable is tried in full', () => {
  const guess = nat('random', APDF, { confidence: 0.6 });
  const { schedule, retries } = plan(ROUTER, guess, { observed: [PEER], internal: [] }, true, false);
  expect([schedule.length, retries]).toEqual([8, RETRIES]);
});

test('LAN addresses are knocked at first, and only behind the same external address', () => {
  const same = plan(ROUTER, ROUTER, { observed: [seenAt('8.8.8.8')], internal: [NEAR] }, true, false);
  expect(same.schedule[0]?.to).toEqual(NEAR);
  expect(same.schedule.filter(({ to }) => to === NEAR).length).toBe(5);
  expect([same.lanGrace, same.reason]).toEqual([50, 'hairpin']);
  // The initiator chooses the path, the other side follows it.
  const follower = plan(ROUTER, ROUTER, { observed: [seenAt('8.8.8.8')], internal: [NEAR] }, false, false);
  expect(follower.lanGrace).toBe(0);
  const elsewhere = plan(ROUTER, THERE, { observed: [PEER], internal: [NEAR] }, true, false);
  expect(elsewhere.schedule.some(({ to }) => to === NEAR)).toBe(false);
  expect(elsewhere.lanGrace).toBe(0);
});

test('the reason when nothing is heard', () => {
  const reason = (mine: NatProfile, theirs: NatProfile): string =>
    plan(mine, theirs, { observed: [PEER], internal: [] }, true, false).reason;
  expect(reason(ROUTER, THERE)).toBe('timeout');
  expect(reason(ROUTER, nat('open', EIF))).toBe('filter');
  expect(reason(ROUTER, nat('preserve', APDF, { external: POOL }))).toBe('pool');
  expect(reason(ROUTER, nat('sequential', APDF))).toBe('drift');
});

test('the fullest introduction stays within the budget, all rounds together', () => {
  const observed = Array.from({ length: 6 }, (_, i) => seenAt('8.8.8.8', 40_000 + i));
  const internal = Array.from({ length: 6 }, (_, i) => ({ ip: '192.168.1.9', port: 40_000 + i }));
  const { schedule } = plan(ROUTER, ROUTER, { observed, internal }, true, false);
  expect(schedule.length * (RETRIES.length + 1)).toBeLessThanOrEqual(MOST_DATAGRAMS);
  expect(schedule.filter(({ after }) => after < 1000).length).toBeLessThanOrEqual(MOST_PER_SECOND);
  expect(new Set(schedule.map(({ to }) => key(to))).size).toBeLessThanOrEqual(MOST_TARGETS / 2);
});

test('an introduction is sorted into candidates; doubles and forbidden targets fall out', () => {
  const ground = { networks: [{ ip: '192.168.1.2', prefix: 24 }], rendezvous: [{ ip: '1.1.1.1', port: 7000 }] };
  const six = seenAt('2a00::1');
  const multicast = seenAt('239.0.0.1');
  const off = seenAt('192.168.7.7');
  expect(candidatesOf([PEER, six, PEER, multicast, NEAR, off], ground)).toEqual({
    observed: [PEER, six],
    internal: [NEAR],
  });
});

test('on one wire with the rendezvous itself, what it observes is no secret of a LAN', () => {
  const ground = { networks: [{ ip: '192.168.1.2', prefix: 24 }], rendezvous: [{ ip: '192.168.1.5', port: 7000 }] };
  expect(candidatesOf([NEAR], ground)).toEqual({ observed: [NEAR], internal: [] });
});

function seenAt(ip: string, port = 40_000): Candidate {
  return { ip, port, opening: 'none' };
}

describe('an open door', () => {
  const MAPPED = nat('random', APDF, { door: 'mapped-pcp' });
  const door: Candidate = { ip: '9.9.9.9', port: 51_000, opening: 'mapped-pcp' };
  const there = { observed: [door, PEER], internal: [] };

  test('is dialled by two NATs that could not meet otherwise, and names the path', () => {
    const made = plan(nat('random', APDF), MAPPED, there, true, false);
    expect(made.schedule.filter(({ to }) => to.port === 51_000).length).toBeGreaterThan(3);
    expect([made.doors, made.reason, made.patience]).toEqual([[door], 'timeout', 2000]);
  });

  test('is waited for at home as well', () => {
    const made = plan(MAPPED, nat('random', APDF), { observed: [PEER], internal: [] }, false, false);
    expect([made.door, made.schedule[0]?.after]).toEqual(['mapped-pcp', 300]);
  });

  test('needs no caution before a NAT that could be poisoned', () => {
    const poisoned = nat('preserve', APDF, { poison: 'yes', door: 'mapped-upnp' });
    const { schedule } = plan(ROUTER, poisoned, there, true, false);
    expect(schedule.some(({ ttl, held }) => ttl !== undefined || held === true)).toBe(false);
  });
});
