import { expect, test } from 'vitest';
import { ms } from '../../agent/base/time.ts';
import type { Shot, VolleyPlan } from '../../agent/base/volley.ts';
import { measure, type Round, rounds } from '../../agent/punch/magazine.ts';

const IPS = ['9.9.9.9', '9.9.9.8'];

function volley(shots: readonly Shot[]): VolleyPlan {
  const times = { startIn: ms(0), pace: 0, ttl: 0, refresh: ms(0), keep: ms(0) };
  return { round: 1, method: 'bracket', from: { kind: 'main' }, ips: IPS, shots, ...times };
}

function words(shots: readonly Shot[], sockets: number, again = false): string[] {
  return [...rounds(volley(shots), sockets, again)].map(word);
}

function word(one: Round): string {
  return one.kind === 'probe'
    ? `${one.by}.${one.shot} probe ${one.observer}`
    : `${one.by}.${one.shot} ${one.ip}:${one.port}`;
}

test('a bracket leaves socket by socket, in order, each shot with its place', () => {
  const bracket: Shot[] = [
    { kind: 'probe', by: 0, observer: 0 },
    { kind: 'knock', by: 0, ip: 0, ports: [4001, 4002] },
    { kind: 'probe', by: 0, observer: 3 },
  ];
  expect(words(bracket, 2)).toEqual([
    '1.0 probe 0',
    '1.1 9.9.9.9:4001',
    '1.2 9.9.9.9:4002',
    '1.3 probe 3',
    '2.0 probe 0',
    '2.1 9.9.9.9:4001',
    '2.2 9.9.9.9:4002',
    '2.3 probe 3',
  ]);
  expect(measure(volley(bracket), 2)).toEqual({ rounds: 8, widest: 2 });
});

test('a shot may be for one socket only; its place stays the same', () => {
  const shots: Shot[] = [
    { kind: 'knock', by: 1, ip: 0, ports: [4001] },
    { kind: 'knock', by: 2, ip: 1, ports: [4002] },
    { kind: 'knock', by: 7, ip: 1, ports: [4003] },
  ];
  expect(words(shots, 2)).toEqual(['1.0 9.9.9.9:4001', '2.1 9.9.9.8:4002']);
  expect(measure(volley(shots), 2)).toEqual({ rounds: 2, widest: 1 });
});

test('a spray takes its part of the permuted range, two parts make a whole', () => {
  const spray = { kind: 'spray', by: 0, ip: 0, from: 5000, to: 5099, seed: 7 } as const;
  const first = words([{ ...spray, skip: 0, count: 40 }], 1).map((text) => text.split(' ')[1]);
  const rest = words([{ ...spray, skip: 40, count: 65_535 }], 1).map((text) => text.split(' ')[1]);
  expect([first.length, rest.length]).toEqual([40, 60]);
  expect(new Set([...first, ...rest]).size).toBe(100);
  expect(measure(volley([{ ...spray, skip: 40, count: 65_535 }]), 1)).toEqual({ rounds: 60, widest: 60 });
});

test('repeated are knocks, not probes and sprays', () => {
  const shots: Shot[] = [
    { kind: 'probe', by: 0, observer: 0 },
    { kind: 'spray', by: 0, ip: 0, from: 5000, to: 5009, seed: 7, skip: 0, count: 3 },
    { kind: 'knock', by: 0, ip: 0, ports: [4001] },
  ];
  expect(words(shots, 1, true)).toEqual(['1.4 9.9.9.9:4001']);
});

test('an address that the volley does not name is left out', () => {
  expect(words([{ kind: 'knock', by: 0, ip: 3, ports: [4001] }], 1)).toEqual([]);
});
