import { describe, expect, it } from 'vitest';
import { BAITS, baitBytes, baitOf } from '../../agent/base/bait.ts';
import { seeded } from '../../agent/base/random.ts';
import { at } from '../../agent/base/time.ts';
import type { Client } from '../../agent/rendezvous/directory.ts';
import { LineTests } from '../../agent/rendezvous/linetest.ts';
import type { FromRendezvous } from '../../agent/wire/messages.ts';

const HERE = '203.0.113.7';
const THERE = '203.0.113.8';

class Desk {
  readonly lines = new LineTests(() => ({ port: 7000, clock: 1_800_000_000_000 }));

  test(ip: string, now = 0): readonly FromRendezvous[] {
    const answers: FromRendezvous[] = [];
    this.lines.test(client(ip), { kind: 'line-test', request: 1 }, answers, at(now));
    return answers;
  }

  ask(ip: string): readonly FromRendezvous[] {
    const answers: FromRendezvous[] = [];
    this.lines.ask(client(ip), { kind: 'line-ask', request: 2 }, answers);
    return answers;
  }
}

/** Of a client, only where it is matters here. */
function client(ip: string): Client {
  return { address: { ip, port: 40_000 } } as Client;
}

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7);

describe('a line test', () => {
  it('tells where to connect and what the time is, and afterwards what came', () => {
    const desk = new Desk();
    expect(desk.test(HERE)).toEqual([{ kind: 'line-ready', request: 1, clock: 1_800_000_000_000, port: 7000 }]);
    const visit = desk.lines.visit(HERE, at(10));
    const greeting = baitBytes('tls', seeded(1));
    expect(visit?.heard(greeting)).toEqual(greeting);
    visit?.ended('reset');
    visit?.ended('closed');
    desk.lines.visit(HERE, at(20))?.ended('silence');
    const [first, second] = [
      { content: 'tls', received: greeting.length, sent: greeting.length, end: 'reset' },
      { content: 'nothing', received: 0, sent: 0, end: 'silence' },
    ];
    expect(desk.ask(HERE)).toEqual([{ kind: 'line-report', request: 2, lines: [first, second] }]);
  });

  it('lets nobody connect who has not asked, or whose time is over', () => {
    const desk = new Desk();
    expect(desk.lines.visit(HERE, at(0))).toBeUndefined();
    desk.test(HERE);
    expect(desk.lines.visit(THERE, at(1))).toBeUndefined();
    expect(desk.lines.visit(HERE, at(29_999))).toBeDefined();
    expect(desk.lines.visit(HERE, at(30_000))).toBeUndefined();
    expect(desk.lines.refused).toBe(3);
  });

  it('tells nobody of another’s connections', () => {
    const desk = new Desk();
    desk.test(HERE);
    desk.lines.visit(HERE, at(1));
    desk.test(THERE, 2);
    expect(desk.ask(THERE)).toEqual([{ kind: 'line-report', request: 2, lines: [] }]);
  });

  it('echoes two kilobytes and no more', () => {
    const desk = new Desk();
    desk.test(HERE);
    const visit = desk.lines.visit(HERE, at(1));
    expect(visit?.heard(bytes(2000))).toHaveLength(2000);
    expect(visit?.heard(bytes(100))).toBeUndefined();
    expect(visit?.seen).toMatchObject({ content: 'other', received: 2048 });
  });

  it('takes eight connections at once of one address, thirty-two in all, and again after another question', () => {
    const desk = new Desk();
    desk.test(HERE);
    const visits = Array.from({ length: 9 }, () => desk.lines.visit(HERE, at(1)));
    expect(visits.map((visit) => visit !== undefined)).toEqual([...Array.from({ length: 8 }, () => true), false]);
    for (const visit of visits) visit?.ended('closed');
    const more = Array.from({ length: 40 }, () => {
      const visit = desk.lines.visit(HERE, at(2));
      visit?.ended('closed');
      return visit !== undefined;
    });
    expect(more.filter(Boolean)).toHaveLength(24);
    desk.test(HERE, 3);
    expect(desk.lines.visit(HERE, at(4))).toBeDefined();
  });

  it('counts what stands for as long as it stands, whatever is asked in between', () => {
    const desk = new Desk();
    desk.test(HERE);
    const [first, ...others] = Array.from({ length: 8 }, () => desk.lines.visit(HERE, at(1)));
    // One place of the eight, taken and given back again and again.
    for (let i = 0; i < 20; i++) {
      others.at(-1)?.ended('closed');
      others.push(desk.lines.visit(HERE, at(2)));
    }
    for (const now of [3, 40_000, 80_000]) {
      desk.test(HERE, now);
      expect(desk.lines.visit(HERE, at(now + 1))).toBeUndefined();
    }
    first?.ended('silence');
    expect(desk.lines.visit(HERE, at(80_002))).toBeDefined();
  });

  it('has 256 connections at once, of whomever', () => {
    const desk = new Desk();
    let taken = 0;
    for (let i = 0; i < 40; i++) {
      desk.test(`10.0.0.${i}`);
      for (let j = 0; j < 8; j++) if (desk.lines.visit(`10.0.0.${i}`, at(1)) !== undefined) taken++;
    }
    expect(taken).toBe(256);
  });

  it('remembers so many addresses and no more, the newest', () => {
    const desk = new Desk();
    const ip = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    for (let i = 0; i < 5000; i++) desk.test(ip(i));
    expect(desk.lines.visit(ip(0), at(1))).toBeUndefined();
    expect(desk.lines.visit(ip(4999), at(1))).toBeDefined();
  });

  it('says that nobody is there where no port was to be had', () => {
    const lines = new LineTests(() => ({ port: 0, clock: 5 }));
    const answers: FromRendezvous[] = [];
    lines.test(client(HERE), { kind: 'line-test', request: 1 }, answers, at(0));
    expect(answers).toEqual([{ kind: 'line-ready', request: 1, clock: 5, port: 0 }]);
    expect(lines.visit(HERE, at(1))).toBeUndefined();
  });
});

describe('the first bytes of a connection', () => {
  it.each(BAITS)('of kind %s are known again, whole or by their beginning', (bait) => {
    const greeting = baitBytes(bait, seeded(3));
    expect(baitOf(greeting)).toBe(bait);
    expect(baitOf(greeting.subarray(0, 32))).toBe(bait);
    expect(greeting.length).toBeLessThan(600);
  });

  it('of kind bittorrent are the 68 bytes of BEP 3, of kind tls a record of its length', () => {
    expect(baitBytes('bittorrent', seeded(3))).toHaveLength(68);
    const hello = baitBytes('tls', seeded(3));
    expect(hello.length).toBe(5 + ((hello[3] ?? 0) << 8) + (hello[4] ?? 0));
    expect(hello.length).toBe(9 + ((hello[6] ?? 0) << 16) + ((hello[7] ?? 0) << 8) + (hello[8] ?? 0));
  });
});
