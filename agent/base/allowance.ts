import { type Instant, type Millis, ms } from './time.ts';

/** A token bucket as a value of two numbers, so that 60,000 clients can have several. */
export interface Allowance {
  level: number;
  at: Instant;
}

export interface Rate {
  /** Tokens that may be spent at once. */
  readonly burst: number;
  /** Tokens per second. */
  readonly perSecond: number;
}

export const full = (rate: Rate, now: Instant): Allowance => ({ level: rate.burst, at: now });

/** Spends `cost`, or answers how long to wait until it could be spent. */
export function spend(allowance: Allowance, rate: Rate, cost: number, now: Instant): 'spent' | Millis {
  if (!affords(allowance, rate, cost, now)) return ms(((cost - allowance.level) / rate.perSecond) * 1000);
  allowance.level -= cost;
  return 'spent';
}

/** Whether `cost` could be spent: asked where finding out what it is for is work already. */
export function affords(allowance: Allowance, rate: Rate, cost: number, now: Instant): boolean {
  allowance.level = Math.min(rate.burst, allowance.level + ((now - allowance.at) / 1000) * rate.perSecond);
  allowance.at = now;
  return allowance.level >= cost;
}
