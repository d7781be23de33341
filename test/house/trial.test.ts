import { expect, test } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { streamTag } from '../../agent/blocks/chunk.ts';
import { Ring } from '../../agent/blocks/ring.ts';
import type { BlockWritten } from '../../agent/blocks/writer.ts';
import { Trial } from '../../agent/house/trial.ts';
import { Entry } from '../../agent/media/entry.ts';
import { blocksOf, cipher, messagesOf, pair } from '../blocks/channel.ts';
import { show } from '../media/stream.ts';

const stream = show({ seconds: 4, pictures: 25, gop: 25, size: 30 });
const [old, present] = [blocksOf(stream, 1, 0.4), blocksOf(stream, 2, 0.4)];
const BEGAN = 10;
const END = at(2100);

/** A trial of two seconds, in which we get a block each 40 ms ourselves and the other one gives these. */
function verdictOn(given: readonly BlockWritten[]): string | undefined {
  const ring = new Ring({ entry: new Entry() });
  for (const block of present.slice(0, BEGAN)) ring.push(block, at(0));
  const channel = pair.publicKey;
  const trial = new Trial({ cipher, channel, epoch: 2, tag: streamTag(cipher, channel, 2), ring });
  trial.open(at(0));
  for (let now = 0, number = BEGAN; now < END; now += 40, number++) {
    const block = present[number];
    if (block !== undefined) ring.push(block, at(now));
    for (const bytes of messagesOf(given.slice(number, number + 1))) trial.take(bytes, at(now));
    trial.tick(at(now));
  }
  expect(trial.isOver(END)).toBe(true);
  return trial.verdict;
}

test('there is enough to go by', () => expect(present.length).toBeGreaterThan(60));

test.each([
  ['the stream', present, 'good'],
  ['nothing', [], 'silent'],
  ['an old recording of the channel', old, 'silent'],
  [
    'another channel’s bytes',
    present.map((block) => ({ ...block, manifest: block.manifest.map((b, i) => (i === 60 ? b ^ 1 : b)) })),
    'bad',
  ],
])('who gives %s is told of as that', (_what, given, verdict) => {
  expect(verdictOn(given)).toBe(verdict);
});
