import { between, type Random } from '../base/random.ts';

/** Round trips: log-normal, this median; the spread gives 17 to 91 ms for nine in ten. */
const MEDIAN = 40;
const SIGMA = 0.5;
/** A message that is lost is sent again after a round trip and a half. */
const LOSS = 0.01;
/** Punches that take seconds: a hard pair, or luck. */
const HARD = 0.1;

/** The ways between households: a round trip per pair that does not change, and chance. */
export class Net {
  readonly #random: Random;
  readonly #salt: number;

  constructor(random: Random) {
    this.#random = random;
    this.#salt = random(2 ** 32);
  }

  rtt(a: number, b: number): number {
    const [low, high] = a < b ? [a, b] : [b, a];
    const first = hash(low ^ Math.imul(high, 0x9e3779b1) ^ this.#salt);
    const second = hash(first ^ 0x5bd1e995);
    const normal = Math.sqrt(-2 * Math.log((first + 1) / 2 ** 32)) * Math.cos((2 * Math.PI * second) / 2 ** 32);
    return Math.min(400, MEDIAN * Math.exp(SIGMA * normal));
  }

  /** What the rendezvous believes it is. */
  guess(a: number, b: number): number {
    return this.rtt(a, b) * (0.75 + (hash(Math.imul(a, 31) ^ b ^ this.#salt) / 2 ** 32) * 0.5);
  }

  oneWay(a: number, b: number): number {
    const rtt = this.rtt(a, b);
    const again = this.#random(1_000_000) < LOSS * 1_000_000 ? rtt * 1.5 : 0;
    return rtt / 2 + between(this.#random, 0, 4) + again;
  }

  punch(a: number, b: number): number {
    const isHard = this.#random(1_000_000) < HARD * 1_000_000;
    return isHard ? between(this.#random, 1000, 3000) : this.rtt(a, b) * 1.5 + between(this.#random, 0, 10);
  }
}

function hash(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
