import { keepNewest } from '../base/newest.ts';
import { type Instant, minutes, since } from '../base/time.ts';

/** As long as a NAT keeps a mapping that was answered (Linux), nothing new gets its port. */
const LIVES = minutes(2);
/** Several readings of a NAT and the volleys of two attempts. */
const MOST = 128;

/** Outside ports that a household's probes were lately seen at. */
export class SeenPorts {
  /** In the order of time. */
  readonly #at = new Map<number, Instant>();

  add(port: number, now: Instant): void {
    keepNewest(this.#at, port, now, MOST);
  }

  /** Those that are most likely still taken. */
  taken(now: Instant): ReadonlySet<number> {
    return new Set([...this.#at].filter(([, at]) => since(at, now) < LIVES).map(([port]) => port));
  }
}
