import type { Random } from '../base/random.ts';
import type { Acks } from './acks.ts';
import type { Bbr } from './bbr.ts';
import type { Flight } from './loss.ts';
import type { Outbox } from './outbox.ts';
import type { Path } from './path.ts';
import type { Rtt } from './rtt.ts';

/** What both directions of a connection stand on. */
export interface Parts {
  readonly random: Random;
  readonly rtt: Rtt;
  readonly acks: Acks;
  readonly outbox: Outbox;
  readonly flight: Flight;
  readonly bbr: Bbr;
  readonly path: Path;
}
