import { describe, expect, it, test } from 'vitest';
import { type NatProfile, UNKNOWN } from '../../agent/base/nat-profile.ts';
import { isNews, isWorthKnowing, type Known, readKnown } from '../../agent/house/known.ts';

const NAT: NatProfile = {
  ...UNKNOWN,
  kind: 'block-random',
  filtering: 'address-and-port-dependent',
  confidence: 0.97,
  external: ['203.0.113.7'],
  ports: { from: 1024, to: 1535 },
  drift: 3.5,
};
const NOW = 1_800_000_000;
const DAY = 86_400;

/** As it comes from the file. */
function written(nat: unknown = NAT, read_s = NOW - DAY): unknown {
  return JSON.parse(JSON.stringify({ version: 1, read_s, nat }));
}

describe('what a household remembers of its NAT', () => {
  test.each([
    ['with ports', NAT],
    ['without', { ...NAT, kind: 'preserve', ports: undefined } satisfies NatProfile],
  ])('is what it wrote down, %s', (_what, nat) => {
    const known: Known = { version: 1, read_s: NOW - DAY, nat };
    expect(readKnown(JSON.parse(JSON.stringify(known)), NOW)).toEqual({ nat });
  });

  it('is of another time after a month, but not for a clock that stands in 1970', () => {
    expect(readKnown(written(NAT, NOW - 31 * DAY), NOW)).toEqual({ nat: undefined });
    expect(readKnown(written(NAT, NOW), 60)).toEqual({ nat: NAT });
  });

  test.each([
    ['nothing', null],
    ['another version', { version: 2, read_s: NOW, nat: NAT }],
    ['no time', { version: 1, nat: NAT }],
    ['no NAT', { version: 1, read_s: NOW }],
    ['an unknown kind', written({ ...NAT, kind: 'magic' })],
    ['a step out of all ports', written({ ...NAT, step: 1e6 })],
    ['ports the wrong way round', written({ ...NAT, ports: { from: 2000, to: 1000 } })],
    ['no belief', written({ ...NAT, confidence: 'high' })],
    ['too many addresses', written({ ...NAT, external: Array.from({ length: 17 }, () => '203.0.113.7') })],
    ['addresses that are none', written({ ...NAT, external: [7] })],
  ])('is damaged where the file holds %s', (_what, value) => {
    expect(readKnown(value, NOW)).toBe(undefined);
  });

  it('is worth it only where the reading is sure', () => {
    expect(isWorthKnowing(NAT)).toBe(true);
    expect(isWorthKnowing({ ...NAT, confidence: 0.7 })).toBe(false);
    expect(isWorthKnowing(UNKNOWN)).toBe(false);
  });

  it('is written again only for what lasts: load and belief change every half hour, and flash wears', () => {
    expect(isNews(undefined, NAT)).toBe(true);
    expect(isNews(NAT, { ...NAT, drift: 90, burstiness: 2, confidence: 0.99 })).toBe(false);
    expect(isNews(NAT, { ...NAT, ports: { from: 1536, to: 2047 } })).toBe(true);
    expect(isNews(NAT, { ...NAT, external: ['203.0.113.8'] })).toBe(true);
  });
});
