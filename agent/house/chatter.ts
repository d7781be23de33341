import { type Allowance, full, type Rate, spend } from '../base/allowance.ts';
import { at, type Instant } from '../base/time.ts';
import type { PeerMessage } from '../wire/peer.ts';

type Kind = PeerMessage['kind'];

/** Twenty beats a second, and three seconds of them at once from one that hung, or was not heard because we did. */
const ANY: Rate = { burst: 300, perSecond: 60 };
/**
 * What makes us say something to others in turn: news of a path goes to everybody below us, a roll and a question to be fed are
 * answered, a meeting takes two introductions. A whole tree that moves makes a handful of them; an orphan without a rendezvous
 * asks to be brought together with everybody it hears of.
 */
const COSTLY: Partial<Record<Kind, Rate>> = {
  path: { burst: 32, perSecond: 2 },
  roll: { burst: 32, perSecond: 8 },
  meet: { burst: 48, perSecond: 4 },
  subscribe: { burst: 16, perSecond: 2 },
  unsubscribe: { burst: 16, perSecond: 2 },
  standing: { burst: 32, perSecond: 4 },
};

/** How much one household has said to us. Blocks and requests for them have budgets of their own. */
export class Chatter {
  readonly #any = full(ANY, at(0));
  readonly #costly = new Map<Kind, Allowance>();

  /** False for one word too many. */
  takes(kind: Kind, now: Instant): boolean {
    if (kind === 'want' || kind === 'ask') return true;
    if (spend(this.#any, ANY, 1, now) !== 'spent') return false;
    const rate = COSTLY[kind];
    if (rate === undefined) return true;
    const allowance = this.#costly.get(kind) ?? full(rate, now);
    this.#costly.set(kind, allowance);
    return spend(allowance, rate, 1, now) === 'spent';
  }
}
