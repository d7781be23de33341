import { describe, expect, test } from 'vitest';
import { Doorstep, PORT, WAN } from './doorstep.ts';

describe('the front door of a household', () => {
  test('is open when a stranger has come in by what the gateway gave, and not before', () => {
    const step = new Doorstep().begin();
    step.run(20);
    expect([step.door.mappings[0]?.verified, step.open]).toEqual([false, 'shut']);
    step.seen(5555).run(200);
    expect([step.door.mappings[0]?.verified, step.open]).toEqual([true, `mapped-pcp ${PORT}`]);
    expect([step.changes, step.events]).toEqual([1, ['door-open']]);
  });

  test('is tried where we are seen, at the same port by a rule made by hand, and at the mapping: once each', () => {
    const step = new Doorstep({ pcp: false }).begin().seen(5555).run(300);
    expect(new Set(step.tried.map(({ where }) => where))).toEqual(new Set([`${WAN}:5555`, `${WAN}:${PORT}`]));
    // Three questions each, a tenth of a second apart; then it waits.
    expect(step.tried).toHaveLength(6);
    step.run(5000);
    expect(step.tried).toHaveLength(6);
  });

  test('stands open by the rule of its owner, without a gateway', () => {
    const step = new Doorstep({ pcp: false });
    step.rules.add(`${WAN}:${PORT}`);
    step.begin().seen(5555).run(500);
    expect(step.open).toBe(`dial ${PORT}`);
  });

  test('says so when a line of its own lets nobody in: the rule is missing', () => {
    const step = new Doorstep();
    step.begin(WAN).seen(PORT).run(2000);
    expect([step.open, step.events, step.gateway.asked.size]).toEqual(['shut', ['port-closed'], 0]);
    step.run(700_000);
    expect(step.events).toEqual(['port-closed']);
  });

  test('is not believed from observers that we write to ourselves', () => {
    const step = new Doorstep().begin().seen(5555, true, []).run(5000);
    expect([step.tried, step.open]).toEqual([[], 'shut']);
    expect(step.door.mappings).toMatchObject([{ verified: false }]);
  });

  test('is not what a lying gateway says: its next protocol is asked, and nothing is told to anybody', () => {
    const step = new Doorstep({ natpmp: true });
    step.isHonest = false;
    step.begin().seen(5555).run(30_000);
    expect([step.open, step.changes]).toEqual(['shut', 0]);
    expect(step.gateway.asked.get('natpmp')).toBeGreaterThan(0);
  });

  test('is looked at again every ten minutes, and shuts after three looks in vain', () => {
    const step = new Doorstep().begin().seen(5555).run(1000);
    expect(step.open).toBe(`mapped-pcp ${PORT}`);
    step.run(599_000);
    const before = step.tried.length;
    step.isHonest = false;
    step.run(2000);
    expect([step.tried.length > before, step.open]).toEqual([true, `mapped-pcp ${PORT}`]);
    step.run(8000);
    expect([step.open, step.events]).toEqual(['shut', ['door-open', 'door-shut']]);
  });

  test('is looked at when somebody could not come in, but not for every one of them', () => {
    const step = new Doorstep().begin().seen(5555).run(1000);
    const before = step.tried.length;
    for (let i = 0; i < 20; i++) step.give({ kind: 'doubt' });
    step.run(1000);
    expect(step.tried.length - before).toBe(1);
    expect(step.open).toBe(`mapped-pcp ${PORT}`);
  });

  test('is proven anew to a rendezvous that was started anew', () => {
    const step = new Doorstep().begin().seen(5555).run(1000);
    step.seen(5555, false).run(1000);
    expect(step.changes).toBe(1);
    step.seen(5555, true).run(1000);
    expect(step.changes).toBe(2);
  });

  test('moves with the gateway’s line', () => {
    const step = new Doorstep().begin().seen(5555).run(1000);
    step.gateway.wan = '203.0.113.99';
    step.give({ kind: 'seen', at: { ip: '203.0.113.99', port: 5555 }, strangers: [1], isNew: false });
    // Nobody is led to the old address any more.
    expect([step.open, step.events]).toEqual(['shut', ['door-open', 'door-shut']]);
    step.run(12_000);
    expect(step.door.open).toMatchObject({ address: { ip: '203.0.113.99', port: PORT }, opening: 'mapped-pcp' });
  });

  test('is shut behind us: the mapping is taken back', () => {
    const step = new Doorstep().begin().seen(5555).run(1000);
    step.give({ kind: 'stop' });
    step.run(1000);
    expect([step.stopped, step.gateway.table.entries(step.now)]).toEqual([true, []]);
    // Nobody is asked any more.
    const asked = step.tried.length;
    step.run(1_200_000);
    expect(step.tried).toHaveLength(asked);
  });

  test('is left without a word where nobody was asked', () => {
    const step = new Doorstep();
    step.give({ kind: 'stop' });
    expect(step.stopped).toBe(true);
  });
});
