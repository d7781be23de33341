/** A whole number from 0 to below - 1, each equally likely. `below` is from 1 to 2^32. */
export type Random = (below: number) => number;

/**
 * Reproducible randomness for simulations and tests (sfc32, Chris Doty-Humphrey, PractRand).
 * Never for keys: those come from io/crypto.ts.
 */
export function seeded(seed: number): Random {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x243f6a88;
  let c = 0xb7e15162 ^ Math.imul(seed, 0x85ebca6b);
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) next();
  return (below) => Math.floor((next() / 0x1_0000_0000) * below);
}

/** Fills a fresh array with random bytes. */
export function randomBytes(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random(256);
  return bytes;
}

/** A number evenly spread in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + (random(0x1_0000_0000) / 0x1_0000_0000) * (high - low);
}
