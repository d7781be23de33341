import { expect } from 'vitest';
import { seeded, type Random, randomBytes } from '../../agent/base/random.ts';

/** How many inputs each decoder gets: `make fuzz RUNS=n`. */
export const RUNS = Number(process.env['RUNS'] ?? 1_000_000);
/** `SEED=n` repeats a run; the seed of a failure is in its message. */
export const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Garbage collection leaves some noise; a decoder that keeps one byte per input grows by as much as RUNS. */
const GROWTH_BYTES = Math.max(4 * 1024 * 1024, RUNS * 0.5);

const LONGEST = 2048;

/**
 * Gives a decoder RUNS inputs, half of them random bytes, half of them good ones that were damaged: bits turned, pieces
 * cut, doubled, moved in from another. It must never throw, and must not keep what it was given.
 */
export function hammer(good: readonly Uint8Array[], feed: (bytes: Uint8Array) => void): void {
  const random = seeded(SEED);
  const warm = Math.min(20_000, RUNS / 10);
  let before = 0;
  for (let run = 0; run < RUNS; run++) {
    if (run === warm) before = heapUsed();
    const bytes = run % 2 === 0 ? randomBytes(random, random(1 + random(LONGEST))) : damaged(good, random);
    try {
      feed(bytes);
    } catch (error) {
      throw new Error(`SEED=${SEED} run ${run}: threw for ${Buffer.from(bytes).toString('hex')}`, { cause: error });
    }
  }
  expect(heapUsed() - before, `SEED=${SEED}: bytes kept`).toBeLessThan(GROWTH_BYTES);
}

/** One of the good ones, damaged in one to a few places. */
export function damaged(good: readonly Uint8Array[], random: Random): Uint8Array {
  const pick = (): Uint8Array => good[random(good.length)] ?? new Uint8Array();
  let bytes: Uint8Array = pick().slice();
  for (let times = random(4); times >= 0; times--) bytes = once(bytes, pick, random);
  return bytes.subarray(0, LONGEST);
}

function once(bytes: Uint8Array, pick: () => Uint8Array, random: Random): Uint8Array {
  const at = random(bytes.length + 1);
  const end = Math.min(bytes.length, at + random(16));
  switch (random(5)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 1:
      return bytes.slice(0, at);
    case 2:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(end)]);
    case 3:
      return Uint8Array.from([...bytes.subarray(0, end), ...bytes.subarray(at)]);
    default:
      return Uint8Array.from([...bytes.subarray(0, at), ...pick().subarray(at)]);
  }
}

function heapUsed(): number {
  if (globalThis.gc === undefined) throw new Error('the fuzz project runs with --expose-gc');
  // Array buffers found dead are given back on another thread; a second collection waits for the first.
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}
