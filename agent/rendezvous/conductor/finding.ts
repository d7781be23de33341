import type { Millis } from '../../base/time.ts';
import type { Misfire } from '../../base/volley.ts';
import type { Pace } from '../../punch/walk.ts';
import type { Role, Round } from './stage.ts';

/** A port that is read and lets in a guessed one: from one attempt to the next, because it was drawn for already. */
export interface Hole {
  readonly round: number;
  readonly ip: string;
  readonly port: number;
  readonly guess: number;
}

/** What a plan that did not connect has learned. */
export class Finding {
  /** Whose ports had to be met. */
  readonly hard: Role;
  /** The external address its probes came from. */
  ip: string | undefined;
  /** Datagrams whose port was known exactly when it was knocked at. */
  exact = 0;
  /** How busy the strangers at its NAT are. */
  pace: Pace | undefined;
  /** Nothing was tried yet: too many others are at it, and it may begin so much later. */
  postponed: Millis | undefined;
  /** What a lottery goes on with. */
  hole: Hole | undefined;
  /** Why a household did not do as it was told. */
  misfire: Misfire | undefined;

  constructor(hard: Role) {
    this.hard = hard;
  }

  /** True, and noted, when one of these volleys was refused for good: no other will do better. */
  misfired(rounds: readonly Round[]): boolean {
    const refused = rounds.find(({ misfire }) => misfire !== undefined && misfire !== 'none' && misfire !== 'sockets');
    this.misfire ??= refused?.misfire;
    return refused !== undefined;
  }
}
