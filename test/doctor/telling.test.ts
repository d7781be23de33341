import { describe, expect, it } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { CHECKS } from '../../agent/doctor/checks.ts';
import { diagnose } from '../../agent/doctor/diagnosis.ts';
import type { Facts } from '../../agent/doctor/facts.ts';
import { masked } from '../../agent/doctor/mask.ts';
import { portPicture, portsOf } from '../../agent/doctor/picture.ts';
import { plot } from '../../agent/doctor/plot.ts';
import { type Report, reportLines } from '../../agent/doctor/report.ts';
import { supportReport } from '../../agent/doctor/support.ts';
import type { Sample } from '../../agent/nat/sample.ts';
import { examine } from './clinic.ts';
import { granting, HEALTHY, house, mapping } from './facts.ts';

function reportOn(facts: Facts, glyphs: 'braille' | 'ascii' = 'braille'): Report {
  return {
    version: '0.1.0',
    verdict: diagnose(facts),
    checked: CHECKS.map(({ name, question, run }) => ({ name, question, ...run(facts) })),
    picture: portPicture(facts.sight.nat, 80, glyphs),
    took: 2.34,
    isMasked: true,
  };
}

describe('an address in a report', () => {
  it.each([
    ['seen as 203.0.113.7:40123', 'seen as 203.0.x.x:40123'],
    ['the gateway has 192.168.1.1, we', 'the gateway has 192.168.x.x, we'],
    ['[2001:db8:1:2::7]:4000', '[2001:db8:x]:4000'],
    ['fe80::1%eth0 is near', 'fe80:x is near'],
    ['at fe80::1%br-lan.2: PCP', 'at fe80:x: PCP'],
    ['a gateway at 2001:db8:1:1::1: PCP silent', 'a gateway at 2001:db8:x: PCP silent'],
    ['2001:db8:: is ours', '2001:db8:x is ours'],
    ['a box called R203.0.113.7x', 'a box called R203.0.x.xx'],
    ['at 12:34:56 version 1.2.3', 'at 12:34:56 version 1.2.3'],
    ['999.1.1.1 is none', '999.1.1.1 is none'],
    ['a::b::c is none', 'a::b::c is none'],
  ])('%s is shown as %s', (text, shown) => {
    expect(masked(text)).toBe(shown);
  });
});

describe('a picture of ports', () => {
  it('is a staircase for a counter, in braille and in ASCII', () => {
    const points = Array.from({ length: 8 }, (_, x) => ({ x, y: 1000 + x }));
    expect(plot(points, 40, 2, 'ascii')).toEqual([
      "                ... ... ''' ''' ",
      "... ... ''' '''                 ",
    ]);
    expect(plot(points, 40, 2, 'braille')).toEqual(['⠀⠀⠀⠀⠀⠀⠀⠀⣀⡀⠤⠄⠒⠂⠉⠁', '⣀⡀⠤⠄⠒⠂⠉⠁⠀⠀⠀⠀⠀⠀⠀⠀']);
  });

  it('is a level line where one port serves all', () => {
    const points = Array.from({ length: 6 }, (_, x) => ({ x, y: 5 }));
    expect(plot(points, 40, 3, 'ascii').map((line) => line.trim())).toEqual(['', '... ... ... ... ... ...', '']);
  });

  it('is never wider than it may be, however many probes there are', () => {
    for (const count of [1, 5, 72, 200, 1000]) {
      const points = Array.from({ length: count }, (_, x) => ({ x, y: (x * 7919) % 65_536 }));
      for (const line of plot(points, 72, 5, 'braille')) expect(line.length).toBeLessThanOrEqual(72);
    }
  });

  it('follows the order of sending, burst after burst', () => {
    const sample = (sentAt: number, socket: number, index: number, port: number): Sample => ({
      socket,
      index,
      localPort: 1,
      before: 0,
      again: false,
      observer: { ip: '198.51.100.1', port: 7000 },
      external: { ip: '203.0.113.7', port },
      sentAt: at(sentAt),
      answeredAt: at(sentAt + 30),
    });
    const samples = [sample(250, 2, 0, 30), sample(0, 1, 1, 20), sample(0, 1, 0, 10)];
    expect(portsOf(samples).map(({ y }) => y)).toEqual([10, 20, 30]);
  });
});

describe('the report', () => {
  const facts = [
    HEALTHY,
    house({ ...granting('100.64.1.2'), mapping: mapping('closed') }),
    examine({ seed: 3, kind: 'random' }).facts,
    examine({ seed: 3, kind: 'sequential' }).facts,
  ];

  it.each([60, 80, 100])('fits into %i columns', (columns) => {
    for (const one of facts) {
      for (const line of reportLines(reportOn(one), { columns, colour: false })) {
        expect(line.length, line).toBeLessThanOrEqual(columns);
      }
    }
  });

  it('has no colours unless asked for, and the same words with them', () => {
    const [plain, coloured] = [false, true].map((colour) =>
      reportLines(reportOn(HEALTHY), { columns: 80, colour }).join('\n'),
    );
    expect(plain).not.toContain('\u001b');
    expect(coloured).toContain('\u001b[32myes');
    // eslint-disable-next-line no-control-regex -- the codes of colours
    expect(coloured?.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain);
  });

  it('says first what it comes to, and at the end what can be done', () => {
    const lines = reportLines(reportOn(HEALTHY), { columns: 80, colour: false });
    expect(lines.slice(2, 5).join(' ')).toContain('A usual NAT');
    expect(lines.findIndex((line) => line === 'What you can do')).toBeGreaterThan(
      lines.findIndex((line) => line.includes('UDP gets out')),
    );
  });

  it('draws the ports of a NAT', () => {
    const lines = reportLines(reportOn(examine({ seed: 3, kind: 'sequential' }).facts, 'ascii'), {
      columns: 80,
      colour: false,
    });
    expect(lines.filter((line) => line.includes('|')).length).toBe(5);
  });

  it('is one object for support, with the words of the checks and the ports that were seen', () => {
    const { facts: seen } = examine({ seed: 3, kind: 'sequential' });
    const support = supportReport(reportOn(seen), seen.sight);
    expect(support).toMatchObject({
      version: '0.1.0',
      verdict: 'punchable',
      took_s: 2.3,
      nat: { kind: 'sequential', step: 1 },
    });
    expect(support.checks.map(({ name }) => name)).toEqual(CHECKS.map(({ name }) => name));
    expect(support.nat?.ports.length).toBeGreaterThan(7);
    expect(masked(JSON.stringify(support))).not.toMatch(/\d+\.\d+\.\d+\.\d+/);
  });
});
