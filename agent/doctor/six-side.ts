import type { Address } from '../base/address.ts';
import type { SocketId } from '../base/net.ts';
import { after, earliest, type Instant, isDue, ms, seconds } from '../base/time.ts';
import { FilterTest } from '../nat/filter-test.ts';
import type { FilterTrials } from '../nat/sample.ts';
import type { Place, Trial, TrialEffect, TrialInput } from './trial.ts';

/** For the last answer, after everything has been asked. */
const PATIENCE = ms(500);
/** For all of it. */
const MOST = seconds(2);

/** Whether IPv6 gets out, and who gets in: the filtering test of RFC 4787, 5, where there is no NAT and only firewalls are left. */
export class SixSide implements Trial {
  readonly sockets: readonly [SocketId];
  readonly #test: FilterTest;
  readonly #own: string;
  #external: Address | undefined;
  #began: Instant | undefined;
  #over = false;

  /** `observers`: those of IPv6, at least one; `own`: which of our addresses is looked at. */
  constructor(socket: SocketId, own: string, asked: Place, observers: readonly Place[]) {
    this.sockets = [socket];
    this.#own = own;
    this.#test = new FilterTest(socket, asked, observers, () => 0);
  }

  get over(): boolean {
    return this.#over;
  }

  /** Where observers see us; undefined where none answered. */
  get external(): Address | undefined {
    return this.#external;
  }

  get trials(): FilterTrials {
    return this.#test.trials;
  }

  begin(now: Instant): readonly TrialEffect[] {
    this.#began = now;
    return [{ kind: 'open', socket: this.sockets[0], ip: this.#own, port: 0 }];
  }

  step(input: TrialInput, now: Instant): readonly TrialEffect[] {
    switch (input.kind) {
      case 'opened':
        return this.#goOn(this.#test.opened(now), now);
      case 'failed':
        this.#test.failed();
        return this.#goOn([], now);
      case 'observed': {
        const { index, external: at, token } = input;
        const placed = this.#external === undefined ? [{ kind: 'placed', at, token } as const] : [];
        this.#external ??= at;
        return [...placed, ...this.#goOn(this.#test.observed(index, at, token, now), now)];
      }
      case 'filtered':
        this.#test.filtered(input.index);
        return this.#goOn([], now);
      case 'tick':
        return this.#goOn(isDue(this.#test.wake(), now) ? this.#test.tick(now, undefined) : [], now);
      case 'datagram':
      case 'knocked':
        return [];
    }
  }

  wake(): Instant | undefined {
    return this.#over ? undefined : earliest(this.#test.wake(), this.#doneAt());
  }

  /** Where nobody can be asked to come, the answer to the greeting is all there is to wait for. */
  #doneAt(): Instant | undefined {
    if (this.#began === undefined) return undefined;
    const done = this.#test.doneAt(PATIENCE);
    const last = after(this.#began, MOST);
    if (done === 'now') return this.#external === undefined ? last : this.#began;
    return earliest(done, last);
  }

  #goOn(orders: readonly TrialEffect[], now: Instant): readonly TrialEffect[] {
    if (this.#over || !isDue(this.#doneAt(), now)) return orders;
    this.#over = true;
    return [...orders, { kind: 'close', socket: this.sockets[0] }];
  }
}
