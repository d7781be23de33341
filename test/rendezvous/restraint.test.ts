import { expect, test } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { Restraint } from '../../agent/rendezvous/restraint.ts';

const IP = '203.0.113.7';

test('no household is asked for more than 512 mappings in a minute', () => {
  const restraint = new Restraint();
  expect(restraint.mappings('a', 256, at(0))).toBe(true);
  expect(restraint.mappings('a', 256, at(10_000))).toBe(true);
  expect(restraint.mappings('a', 1, at(59_000))).toBe(false);
  expect(restraint.mappings('b', 256, at(59_000))).toBe(true);
  expect(restraint.mappings('a', 256, at(61_000))).toBe(true);
  expect(restraint.refused).toBe(1);
});

test('no household sprays more than 4000 ports in an hour', () => {
  const restraint = new Restraint();
  for (let n = 0; n < 4; n++) expect(restraint.spray(n, 'a', `203.0.113.${n}`, 1000, 150, at(n * 60_000))).toBe(0);
  expect(restraint.spray(9, 'a', '203.0.113.9', 1, 150, at(3_500_000))).toBeGreaterThan(0);
  expect(restraint.spray(9, 'a', '203.0.113.9', 1, 150, at(3_601_000))).toBe(0);
});

test('no address is sprayed with more than 200 datagrams a second, whoever sends them', () => {
  const restraint = new Restraint();
  expect(restraint.spray(1, 'a', IP, 1500, 150, at(0))).toBe(0);
  expect(restraint.spray(2, 'b', IP, 1500, 150, at(5000))).toBe(5000);
  expect(restraint.spray(2, 'b', IP, 300, 50, at(5000))).toBe(0);
  // The first one is over after ten seconds.
  expect(restraint.spray(3, 'c', IP, 300, 150, at(11_500))).toBe(0);
});

test('who has met makes room for others, and is not charged for what was never sent', () => {
  const restraint = new Restraint();
  for (let n = 0; n < 10; n++) {
    expect(restraint.spray(1, 'a', IP, 1500, 150, at(n * 2000))).toBe(0);
    expect(restraint.spray(2, 'b', IP, 1500, 150, at(n * 2000 + 900))).toBeGreaterThan(0);
    restraint.over(1, at(n * 2000 + 1000));
    expect(restraint.spray(2, 'b', IP, 10, 150, at(n * 2000 + 1000))).toBe(0);
    restraint.over(2, at(n * 2000 + 1100));
  }
  // A second of each of ten, 150 knocks.
  expect(restraint.spray(1, 'a', IP, 2500, 150, at(50_000))).toBe(0);
  expect(restraint.spray(1, 'a', '203.0.113.8', 1, 150, at(50_000))).toBeGreaterThan(0);
});

test('one birthday at a time towards an address, two towards its /24, and twenty in an hour', () => {
  const restraint = new Restraint();
  let household = 0;
  const birthday = (ip: string, when: number): number =>
    restraint.birthday([`${household++}`, `${household++}`], ip, at(when));
  expect(birthday(IP, 0)).toBe(0);
  expect(birthday(IP, 1000)).toBe(14_000);
  expect(birthday('203.0.113.8', 1000)).toBe(0);
  expect(birthday('203.0.113.9', 1000)).toBe(14_000);
  expect(birthday('203.0.114.9', 1000)).toBe(0);
  for (let n = 1; n < 20; n++) expect(birthday(IP, n * 60_000)).toBe(0);
  expect(birthday(IP, 20 * 60_000)).toBeGreaterThan(0);
  expect(birthday(IP, 61 * 60_000)).toBe(0);
});

test('a household has one birthday in 20 s, on either side of it', () => {
  const restraint = new Restraint();
  expect(restraint.birthday(['a', 'b'], IP, at(0))).toBe(0);
  expect(restraint.birthday(['b', 'c'], '198.51.100.9', at(19_000))).toBe(1000);
  expect(restraint.birthday(['b', 'c'], '198.51.100.9', at(20_000))).toBe(0);
});

test('strangers without end do not make its memory grow without end', () => {
  const restraint = new Restraint();
  for (let n = 0; n < 50_000; n++) restraint.mappings(`household ${n}`, 512, at(0));
  expect(restraint.mappings('household 49999', 1, at(1))).toBe(false);
});
