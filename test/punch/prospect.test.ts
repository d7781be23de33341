import { describe, expect, it, test } from 'vitest';
import {
  FILTERINGS,
  type Filtering,
  NAT_KINDS,
  type NatKind,
  type NatProfile,
  UNKNOWN,
} from '../../agent/base/nat-profile.ts';
import { METHODS } from '../../agent/base/outcome.ts';
import { conducted, methodOf, type Prospect, prospect } from '../../agent/punch/prospect.ts';

const EIF = 'endpoint-independent';
const ADF = 'address-dependent';
const APDF = 'address-and-port-dependent';

const STEPS: Partial<Record<NatKind, number>> = { sequential: 1, 'per-core': 1, 'block-sequential': 1 };

function nat(kind: NatKind, filtering: Filtering = APDF, changes: Partial<NatProfile> = {}): NatProfile {
  const facts = { confidence: 0.99, external: ['203.0.113.7'], step: STEPS[kind] ?? 0 };
  return { ...UNKNOWN, kind, filtering, ...facts, ...changes };
}

function words(outlook: Prospect): string {
  const { kind, ...rest } = outlook;
  return [kind, ...Object.values(rest)].join(' ');
}

const MIRROR: Readonly<Record<string, string>> = { mine: 'theirs', theirs: 'mine' };

function mirrored(outlook: Prospect): string {
  return words(outlook)
    .split(' ')
    .map((word) => MIRROR[word] ?? word)
    .join(' ');
}

/** The rows of the table between port-restricted NATs, by what comes of the pair; * is a step that can be read. */
const ROWS = [
  'open', 'preserve', 'address-dependent*', 'preserve-first', 'sequential', 'per-core', 'block-sequential',
  'address-dependent', 'block-random', 'range-random', 'random',
] as const; // prettier-ignore

const TABLE: Readonly<Record<(typeof ROWS)[number], string>> = {
  open: 'S S B B B B B Y K Y Y',
  preserve: 'S S B B B B B Y K Y Y',
  'address-dependent*': 'B B B B B B B Y K Y Y',
  'preserve-first': 'B B B B B B B - L - -',
  sequential: 'B B B B W W W - L - -',
  'per-core': 'B B B B W W W - L - -',
  'block-sequential': 'B B B B W W W - L - -',
  'address-dependent': 'Y Y Y - - - - - - - -',
  'block-random': 'K K K L L L L - F - -',
  'range-random': 'Y Y Y - - - - - - - -',
  random: 'Y Y Y - - - - - - - -',
};
const LETTERS: Readonly<Record<string, Prospect['kind']>> = {
  S: 'simultaneous',
  B: 'bracket',
  W: 'walk',
  K: 'block',
  Y: 'birthday',
  L: 'lottery',
  F: 'fill',
  '-': 'none',
};

function row(name: string): NatProfile {
  return name.endsWith('*') ? nat(name.slice(0, -1) as NatKind, APDF, { step: 1 }) : nat(name as NatKind);
}

describe('what can become of two NATs that let in only the address and port written to', () => {
  it.each(ROWS.map((name) => [name, TABLE[name].split(' ')] as const))('%s: %s', (name, letters) => {
    expect(ROWS.map((other) => prospect(row(name), row(other)).kind)).toEqual(letters.map((one) => LETTERS[one]));
  });
});

test('every pair of kinds and filters looks the same from both sides', () => {
  const all = NAT_KINDS.flatMap((kind) =>
    FILTERINGS.flatMap((filtering) => [0, 1].map((step) => nat(kind, filtering, { step, drift: step }))),
  );
  for (const mine of all) {
    for (const theirs of all) {
      const [here, there] = [prospect(mine, theirs), prospect(theirs, mine)];
      expect(there.kind).toBe(here.kind);
      expect(METHODS).toContain(methodOf(here));
      const alike = !['dial', 'simultaneous', 'none'].includes(here.kind) && words(here) === words(there);
      if (!alike) expect(words(there)).toBe(mirrored(here));
      // Between two that are read alike the rendezvous names the side by who asked.
      else expect(['bracket mine', 'walk mine', 'birthday mine', 'bracket theirs', 'fill']).toContain(words(here));
    }
  }
});

test('whoever lets everybody in is dialled, whatever the other side is', () => {
  for (const kind of NAT_KINDS) {
    for (const filtering of [ADF, APDF, 'unknown'] as const) {
      expect(words(prospect(nat('open', EIF), nat(kind, filtering)))).toBe('dial mine');
      expect(words(prospect(nat(kind, filtering), nat('preserve', EIF)))).toBe('dial theirs');
    }
  }
  expect(words(prospect(nat('open', EIF), nat('offset', EIF)))).toBe('dial both');
});

test('whoever lets in every port of an address meets any NAT that has one address, without a plan', () => {
  for (const kind of NAT_KINDS) {
    expect(words(prospect(nat('preserve', ADF), nat(kind)))).toBe('simultaneous');
  }
});

const POOL = { external: ['203.0.113.7', '203.0.113.8'] };

test.each([
  [nat('preserve', EIF, { confidence: 0.6 }), nat('preserve'), 'simultaneous'],
  [UNKNOWN, nat('preserve'), 'simultaneous'],
  [UNKNOWN, nat('sequential'), 'bracket theirs'],
  [nat('sequential', APDF, { drift: 3 }), nat('sequential', APDF, { drift: 50 }), 'walk mine'],
  [nat('sequential', APDF, { drift: 50 }), nat('per-core', APDF, { drift: 3 }), 'walk mine'],
  [nat('sequential'), nat('block-random'), 'lottery theirs'],
  [nat('address-dependent', APDF, { step: 1 }), nat('random'), 'birthday theirs'],
  [nat('preserve-first'), nat('sequential'), 'bracket theirs'],
  [nat('address-dependent', ADF), nat('address-dependent', ADF), 'birthday mine'],
  [nat('random'), nat('sequential'), 'none random'],
  [nat('block-random'), nat('block-random'), 'fill'],
  // One address of many is as good as one, as long as a socket keeps to it.
  [nat('preserve'), nat('random', APDF, { ...POOL, pooling: 'paired' }), 'birthday theirs'],
  [nat('preserve'), nat('random', APDF, { ...POOL, pooling: 'arbitrary' }), 'none pool'],
  [nat('preserve', ADF), nat('random', APDF, { ...POOL, pooling: 'arbitrary' }), 'bracket theirs'],
  [nat('sequential'), nat('sequential', APDF, { ...POOL, pooling: 'arbitrary' }), 'none pool'],
] as const)('%j and %j: %s', (mine, theirs, outlook) => {
  expect(words(prospect(mine, theirs))).toBe(outlook);
});

test('the rendezvous conducts what needs ports read for both, and nothing else', () => {
  const kinds = ROWS.flatMap((one) => ROWS.map((other) => prospect(row(one), row(other))));
  const led = new Set(kinds.filter(conducted).map(({ kind }) => kind));
  expect([...led].toSorted()).toEqual(['birthday', 'block', 'bracket', 'fill', 'lottery', 'walk']);
  expect(methodOf({ kind: 'lottery', block: 'mine' })).toBe('block');
});
