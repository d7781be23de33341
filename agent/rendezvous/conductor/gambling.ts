import { ms, seconds } from '../../base/time.ts';
import { ALL_PORTS } from '../../punch/brackets.ts';
import { DRAWERS, DRAWS, guess } from '../../punch/lottery.ts';
import { candidates, fireBrackets, sighted } from './anchor.ts';
import type { Score } from './conductor.ts';
import { Finding, type Hole } from './finding.ts';
import type { Permits } from './permits.ts';
import { isRefused, otherThan, type Role, type Script, type Stage } from './stage.ts';

/** New mappings a second. */
const PACE = 100;
/** The sockets must be gone before the next attempt opens others. */
const KEEP = seconds(2);
const MARGIN = ms(100);

/** Attempts of one pair share the seed, so that they guess the same port as long as it can still come up, and then another one. */
type Bet = Pick<Score, 'attempt' | 'seed' | 'hole'>;

/** Knocks at a guessed port of a block from a port that is read, then many draws from the block towards that one. */
export function* gambling(stage: Stage, block: Role, permits: Permits, bet: Bet): Script<Finding> {
  const found = new Finding(block);
  const kept = bet.attempt % DRAWS === 0 ? undefined : yield* kindled(stage, block, bet.hole);
  const hole = kept ?? (yield* dug(stage, block, bet, found));
  if (hole === undefined || !permits.mappings(block, DRAWERS)) return found;
  found.hole = hole;
  const shots = [{ kind: 'knock', by: 0, ip: 0, ports: [hole.port] }] as const;
  const from = { kind: 'fresh', sockets: DRAWERS } as const;
  const draws = stage.fire(block, { method: 'block', from, ips: [hole.ip], shots, pace: PACE, keep: KEEP });
  yield* stage.wait((1000 * DRAWERS) / PACE + stage.meeting(block) + MARGIN, () => isRefused(draws));
  found.misfired([draws]);
  return found;
}

/** A new hole; undefined when its port could not be read. */
function* dug(stage: Stage, block: Role, { attempt, seed }: Bet, found: Finding): Script<Hole | undefined> {
  const counting = otherThan(block);
  const { profile, address, taken } = stage.parties[block];
  const port = guess(profile.ports ?? ALL_PORTS, seed, attempt, taken);
  const aim = { muzzle: { kind: 'main' }, ip: address.ip, ports: [port], once: false } as const;
  const bets = fireBrackets(stage, counting, aim, 'no', 'block');
  yield* sighted(stage, counting, bets, () => false);
  if (found.misfired(bets)) return undefined;
  for (const round of bets) {
    // The surest of its sockets.
    const [best] = candidates(stage, counting, round)
      .filter((ports) => ports.length > 0)
      .toSorted((a, b) => a.length - b.length);
    const ip = stage.burst(round).ip ?? stage.parties[counting].address.ip;
    if (best?.[0] !== undefined) return { round: round.plan.round, ip, port: best[0], guess: port };
  }
  return undefined;
}

/** The hole of the attempt before, knocked through once more; undefined when its socket is gone. */
function* kindled(stage: Stage, block: Role, before: Hole | undefined): Script<Hole | undefined> {
  if (before === undefined) return undefined;
  const counting = otherThan(block);
  const from = { kind: 'round', round: before.round } as const;
  const shots = [{ kind: 'knock', by: 0, ip: 0, ports: [before.guess] }] as const;
  const again = stage.fire(counting, { method: 'block', from, ips: [stage.parties[block].address.ip], shots });
  yield* stage.wait(stage.patience(counting), () => again.misfire !== undefined);
  return again.misfire === 'none' ? before : undefined;
}
