import { between, type Random } from './random.ts';
import { type Millis, ms } from './time.ts';

/** Growing intervals as a value: first, then times factor up to most, each spread by jitter. */
export interface Backoff {
  readonly first: Millis;
  readonly factor: number;
  readonly most: Millis;
  /** Share of the interval by which it may be shorter or longer: 0.33 gives 0.67 to 1.33. */
  readonly jitter: number;
}

/** How long to wait before try number `attempt`, counted from 0. */
export function interval(backoff: Backoff, attempt: number, random: Random): Millis {
  const plain = Math.min(backoff.first * backoff.factor ** attempt, backoff.most);
  return ms(plain * between(random, 1 - backoff.jitter, 1 + backoff.jitter));
}
