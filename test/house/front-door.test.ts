import { describe, expect, test } from 'vitest';
import { Doorstep, OWN, PORT, WAN } from './doorstep.ts';

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

  test('is not shut by a rendezvous that is away: nobody is there to knock', () => {
    const step = new Doorstep({ longest: 60 }).begin().seen(5555).run(1000);
    step.isAway = true;
    // Renewed many times, and due to be looked at twice.
    step.run(1_300_000);
    expect([step.open, step.events]).toEqual([`mapped-pcp ${PORT}`, ['door-open']]);
    expect(step.gateway.table.entries(step.now)).toHaveLength(1);
    // As soon as it answers again, what was missed is made up for.
    step.isAway = false;
    step.isHonest = false;
    step.give({ kind: 'answered' });
    step.run(8000);
    expect(step.open).toBe('shut');
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

  test('is not found by strangers that we have written to of late', () => {
    const step = new Doorstep({ pcp: false }).begin().seen(5555).run(1000);
    step.give({ kind: 'stirred' });
    // As our NAT lets in whom it remembers.
    step.rules.add(`${WAN}:5555`);
    step.seen(5555, true).run(1000);
    expect([step.tried.length > 6, step.open]).toEqual([true, 'shut']);
    step.run(600_000);
    expect(step.open).toBe('dial 5555');
  });

  test('is taken back from its gateway when another line is ours, with nobody before it', () => {
    const step = new Doorstep().begin().seen(5555).run(1000);
    step.give({ kind: 'way', way: { own: '198.51.100.77', gateway: '198.51.100.1' }, saved: [] });
    step.run(3000);
    expect([step.open, step.door.mappings]).toEqual(['shut', []]);
    expect(step.gateway.table.entries(step.now)).toEqual([]);
    // It was asked before, and stops all the same.
    step.give({ kind: 'stop' });
    expect(step.stopped).toBe(true);
  });

  test('is looked at when our place in the house changes, which a rule made by hand may not know', () => {
    const step = new Doorstep({ pcp: false });
    step.rules.add(`${WAN}:${PORT}`);
    step.begin().seen(5555).run(500);
    expect(step.open).toBe(`dial ${PORT}`);
    step.rules.clear();
    step.give({ kind: 'way', way: { own: '192.168.1.7', gateway: '192.168.1.1' }, saved: [] });
    step.run(8000);
    expect(step.open).toBe('shut');
  });

  test('stays as it is while the line is away for a moment', () => {
    const step = new Doorstep().begin().seen(5555).run(1000);
    const asked = step.gateway.asked.get('pcp');
    step.give({ kind: 'way', way: undefined, saved: [] });
    step.give({ kind: 'way', way: { own: OWN, gateway: '192.168.1.1' }, saved: [] });
    step.run(1000);
    expect([step.open, step.gateway.asked.get('pcp')]).toEqual([`mapped-pcp ${PORT}`, asked]);
  });

  test('is not opened any more by a socket that comes up while we leave', () => {
    const step = new Doorstep();
    step.give({ kind: 'way', way: { own: OWN, gateway: '192.168.1.1' }, saved: [] });
    step.give({ kind: 'stop' });
    step.give({ kind: 'bound', port: PORT });
    step.seen(5555).run(1000);
    expect([step.stopped, step.tried, step.gateway.table.entries(step.now)]).toEqual([true, [], []]);
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

describe('the front door of IPv6', () => {
  const [OURS, SPOKEN] = ['2001:db8:7::10', '2001:db8:7::beef'];
  const NEXT_HOP = 'fe80::1%eth0';

  function opened(own: string, isGateway: boolean): Doorstep {
    const step = new Doorstep({ pcp: false });
    step.give({ kind: 'way', way: { own, gateway: NEXT_HOP, isGateway }, saved: [] });
    step.give({ kind: 'bound', port: PORT });
    return step;
  }
  const spoken = (step: Doorstep, ip: string): void =>
    step.give({ kind: 'seen', at: { ip, port: PORT }, strangers: [1], isNew: true });

  test('is asked for the address that others are told of, and for none before that is known', () => {
    const step = opened(OURS, false);
    expect(step.bound).toEqual([]);
    spoken(step, SPOKEN);
    expect(new Set(step.bound)).toEqual(new Set([SPOKEN]));
    spoken(step, '2001:db8:7::cafe');
    expect(step.bound.at(-1)).toBe('2001:db8:7::cafe');
  });

  test('needs no gateway where its firewall lets everybody in: the log says by which family', () => {
    const step = opened(OURS, false);
    step.rules.add(`[${OURS}]:${PORT}`);
    spoken(step, OURS);
    step.run(200);
    expect([step.open, step.by]).toEqual([`none ${PORT}`, ['ipv6']]);
  });

  test('that nobody comes in by is the fault of our own firewall where we are the gateway, and nowhere else', () => {
    const events = [true, false].map((isGateway) => {
      const step = opened(OURS, isGateway);
      spoken(step, OURS);
      return step.run(20_000).events;
    });
    expect(events).toEqual([['port-closed'], []]);
  });
});
