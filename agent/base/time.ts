/**
 * Time as machines see it: a monotonic point and a span, never mixed.
 * Neither has anything to do with the calendar: routers boot in 1970.
 */
declare const instant: unique symbol;
declare const millis: unique symbol;

/** A point on a monotonic clock, in milliseconds since an arbitrary start; fractions allowed. */
export type Instant = number & { readonly [instant]: true };
/** A span in milliseconds; fractions allowed. */
export type Millis = number & { readonly [millis]: true };

export const at = (value: number): Instant => value as Instant;
export const ms = (value: number): Millis => value as Millis;
export const seconds = (value: number): Millis => (value * 1000) as Millis;
export const minutes = (value: number): Millis => (value * 60_000) as Millis;

export const after = (start: Instant, span: Millis): Instant => (start + span) as Instant;
export const since = (start: Instant, now: Instant): Millis => (now - start) as Millis;

/** The earlier of two instants, where undefined means never. */
export function earliest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined) return b;
  if (b === undefined) return a;
  return a < b ? a : b;
}

/** That instant has come; undefined never does. */
export function isDue(when: Instant | undefined, now: Instant): boolean {
  return when !== undefined && when <= now;
}
