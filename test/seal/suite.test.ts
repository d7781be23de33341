import { describe, expect, test } from 'vitest';

import type { Suite } from '../../agent/seal/cipher.ts';
import { choose, chosen, offer } from '../../agent/seal/suite.ts';

const CHACHA: readonly Suite[] = ['chacha20-poly1305'];
const GCM: readonly Suite[] = ['aes-128-gcm', 'chacha20-poly1305'];
const OCB: readonly Suite[] = ['aes-128-ocb', 'aes-128-gcm', 'chacha20-poly1305'];

describe('the answering side takes the quickest suite that both have', () => {
  test.each([
    [OCB, OCB, 'aes-128-ocb'],
    [OCB, GCM, 'aes-128-gcm'],
    [GCM, OCB, 'aes-128-gcm'],
    [OCB.toReversed(), OCB.toReversed(), 'aes-128-ocb'],
    [OCB, CHACHA, 'chacha20-poly1305'],
    [CHACHA, OCB, 'chacha20-poly1305'],
    [['aes-128-ocb'], GCM, 'chacha20-poly1305'],
    [[], OCB, 'chacha20-poly1305'],
  ] as const)('offered %j, having %j: %s', (offered, own, wanted) => {
    expect(choose(offer(offered), own)).toBe(wanted);
  });

  test('and bits of later versions change nothing', () => {
    expect(choose(0xf8 | offer(OCB), OCB)).toBe('aes-128-ocb');
    expect(choose(0xf8, OCB)).toBe('chacha20-poly1305');
  });
});

describe('the offering side takes no other choice than one suite that it offered, or ChaCha20', () => {
  test.each([
    [4, OCB, 'aes-128-ocb'],
    [2, OCB, 'aes-128-gcm'],
    [1, OCB, 'chacha20-poly1305'],
    [4, GCM, undefined],
    [2, CHACHA, undefined],
    [1, CHACHA, 'chacha20-poly1305'],
    [0, OCB, undefined],
    [3, OCB, undefined],
    [6, OCB, undefined],
    [8, OCB, undefined],
    [255, OCB, undefined],
  ] as const)('choice %i of %j: %s', (bits, own, wanted) => {
    expect(chosen(bits, own)).toBe(wanted);
  });
});
