import fc from 'fast-check';
import { expect, test } from 'vitest';
import { at, type Instant } from '../../agent/base/time.ts';
import { Alarms } from '../../agent/rendezvous/alarms.ts';

test('alarms ring as a plain list of them would, however often they are put off', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const when = fc.option(fc.nat(50).map(at), { nil: undefined });
  fc.assert(
    fc.property(fc.array(fc.tuple(name, when), { maxLength: 60 }), fc.nat(50), (orders, now) => {
      const [alarms, plain] = [new Alarms(), new Map<string, Instant>()];
      for (const [who, instant] of orders) {
        alarms.set(who, instant);
        if (instant === undefined) plain.delete(who);
        else plain.set(who, instant);
      }
      const earliest = plain.size === 0 ? undefined : Math.min(...plain.values());
      expect(alarms.next()).toBe(earliest);
      const due = [...plain].filter(([, instant]) => instant <= now).map(([who]) => who);
      expect(alarms.due(at(now)).toSorted()).toEqual(due.toSorted());
      expect((alarms.next() ?? Infinity) > now).toBe(true);
    }),
  );
});

test('one that is put off a million times takes no memory for each', () => {
  const alarms = new Alarms();
  for (let i = 1; i <= 1_000_000; i++) alarms.set('busy', at(1e9 - i));
  expect(alarms.next()).toBe(1e9 - 1_000_000);
  const began = performance.now();
  expect(alarms.due(at(1e9))).toEqual(['busy']);
  expect(performance.now() - began).toBeLessThan(50);
});
