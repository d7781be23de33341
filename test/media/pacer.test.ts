import fc from 'fast-check';
import { expect, test } from 'vitest';
import { at, ms } from '../../agent/base/time.ts';
import { Pacer } from '../../agent/media/pacer.ts';
import { cut, join, show } from './stream.ts';

const stream = show({ seconds: 4, pictures: 25, gop: 25 });

/** Feeds while hungry and takes what is due each time the pacer wants to be woken; how much was out by when. */
function play(
  pacer: Pacer,
  bytes: Uint8Array,
  piece: number,
  until: number,
): { out: Uint8Array; log: [number, number][] } {
  const parts: Uint8Array[] = [];
  const log: [number, number][] = [];
  let fed = 0;
  let total = 0;
  for (let now = 0; now <= until;) {
    while (pacer.hungry && fed < bytes.length) {
      pacer.push(bytes.subarray(fed, fed + piece));
      fed += piece;
      if (fed >= bytes.length) pacer.finish();
    }
    const due = pacer.due(at(now));
    total += due.length;
    parts.push(due);
    log.push([now, total]);
    now = Math.max(now + 1, pacer.wake() ?? now + 1);
  }
  return { out: join(parts), log };
}

test('a file goes out in real time, evenly, and whole', () => {
  const { out, log } = play(new Pacer(ms(0)), stream, 65_536 - (65_536 % 188), 4100);
  expect(out).toEqual(stream);
  for (const [now, total] of log) {
    if (now > 3900) break;
    // The clock says 4 s for the whole; a picture's packets are 40 ms.
    expect(Math.abs(total / stream.length - now / 4000)).toBeLessThan(0.02);
  }
});

test('the pieces a file is read in do not change what goes out', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), (packets) => {
      expect(play(new Pacer(ms(0)), stream, packets * 188, 5000).out).toEqual(stream);
    }),
    { numRuns: 10 },
  );
});

test('only a little is read ahead', () => {
  const pacer = new Pacer(ms(0));
  let fed = 0;
  while (pacer.hungry) {
    pacer.push(stream.subarray(fed, fed + 1880));
    fed += 1880;
  }
  expect(fed / stream.length).toBeLessThan(0.2);
});

test('a live source passes at once', () => {
  const pacer = new Pacer(ms(1000));
  const pieces = cut(
    stream,
    Array.from({ length: 99 }, () => Math.floor(stream.length / 188 / 100) * 188),
  );
  for (const [index, piece] of pieces.entries()) {
    pacer.push(piece);
    expect(pacer.due(at(index * 40)).length).toBe(piece.length);
  }
});

test('an encoder that runs faster than its clock is held back to it', () => {
  const { out, log } = play(new Pacer(ms(1000)), stream, 1880, 4000);
  expect(out).toEqual(stream);
  const done = log.find(([, total]) => total === stream.length)?.[0] ?? 0;
  expect(done).toBeGreaterThan(2700);
  expect(done).toBeLessThan(3050);
});

test('a live source whose clock runs a little fast is not held back for ever', () => {
  const pacer = new Pacer(ms(1000));
  const pictures = show({ seconds: 60, pictures: 25, gop: 25, size: 2 });
  const step = pictures.length / 1500;
  let sent = 0;
  let out = 0;
  // 0.05 % fast, five times as bad as a bad crystal: after an hour it would be 1.8 s ahead.
  for (let picture = 0; picture < 1500; picture++) {
    const next = Math.floor(((picture + 1) * step) / 188) * 188;
    pacer.push(pictures.subarray(sent, next));
    sent = next;
    out += pacer.due(at(picture * 40 * 0.9995)).length;
    expect(sent - out).toBe(0);
  }
});

test('a clock that jumps is followed without a wait and without a flood', () => {
  const later = show({ seconds: 1, pictures: 25, gop: 25 });
  const both = join([stream.subarray(0, 188 * 200), later.slice()]);
  const { out } = play(new Pacer(ms(0)), both, 1880, 3000);
  expect(out).toEqual(both);
});
