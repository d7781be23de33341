import { expect, test } from 'vitest';
import { concat, Writer } from '../../agent/base/bytes.ts';
import type { KeyPair } from '../../agent/seal/cipher.ts';
import { Town } from './town.ts';

/** What names a block, some of its bytes, and the signature over both: all that a rendezvous looks at. */
function manifest({ cipher }: Town, pair: KeyPair, number: number, content: number): Uint8Array {
  const name = new Writer(64).u8(0x10).bytes(pair.publicKey).u32(1).u48(number);
  const signed = name.bytes(new Uint8Array(8).fill(content)).done();
  return concat([signed, cipher.sign(pair, signed)]);
}

function onAir() {
  const town = new Town();
  const [origin, member] = [town.resident('open'), town.resident('open')];
  town.pass(1000);
  const pair = town.cipher.signingPair();
  const publish = (): void => {
    origin.give({ kind: 'publish', channel: pair, epoch: 1, name: 'TV' });
    town.pass(500);
  };
  const join = (): void => {
    member.give({ kind: 'join', request: 1, channel: pair.publicKey, avoid: [] });
    town.pass(500);
  };
  const show = (a: Uint8Array, b: Uint8Array, by = member): number => {
    by.give({ kind: 'forked', channel: pair.publicKey, manifests: [a, b] });
    town.pass(500);
    return town.events.filter(({ name }) => name === 'forked').length;
  };
  publish();
  return { town, origin, member, pair, publish, join, show };
}

test('a member’s proof that a channel’s key signs two streams is told once', () => {
  const { town, pair, join, show } = onAir();
  join();
  const [one, two] = [manifest(town, pair, 7, 1), manifest(town, pair, 7, 2)];
  expect(show(one, one)).toBe(0);
  expect(show(one, manifest(town, pair, 8, 2))).toBe(0);
  expect(show(one, two)).toBe(1);
  expect(show(one, two)).toBe(1);
});

test('who is not in the channel shows nothing', () => {
  const { town, pair, show } = onAir();
  expect(show(manifest(town, pair, 7, 1), manifest(town, pair, 7, 2))).toBe(0);
});

test('what was told of a channel is forgotten with it', () => {
  const { town, origin, member, pair, publish, join, show } = onAir();
  const [one, two] = [manifest(town, pair, 7, 1), manifest(town, pair, 7, 2)];
  join();
  expect(show(one, two)).toBe(1);
  publish();
  expect(show(one, two)).toBe(1);
  for (const resident of [member, origin]) resident.give({ kind: 'leave-channel', channel: pair.publicKey });
  town.pass(60_000);
  publish();
  join();
  expect(show(one, two)).toBe(2);
});

test('only who was sent to try out a household says how that went', () => {
  const { town, member, join } = onAir();
  join();
  const [met] = member.told('introduction');
  expect(met?.purpose).toBe('parent');
  for (const pairId of [met?.pairId ?? 0, 12345]) member.give({ kind: 'audited', pairId, verdict: 'bad' });
  town.pass(500);
  expect(town.events.filter(({ name }) => name === 'audited' || name === 'demoted')).toEqual([]);
});
