import { ms, seconds } from '../../base/time.ts';
import { ALL_PORTS } from '../../punch/brackets.ts';
import { DRAWERS, guesses } from '../../punch/lottery.ts';
import { candidates, fireBrackets, sighted } from './anchor.ts';
import { Finding } from './finding.ts';
import type { Permits } from './permits.ts';
import { isRefused, otherThan, type Role, type Script, type Stage } from './stage.ts';

/** New mappings a second. */
const PACE = 100;
/** The sockets must be gone before the next attempt opens others. */
const KEEP = seconds(2);
const MARGIN = ms(100);

/** Knocks at guessed ports of a block from ports that are read, then many draws from the block towards those. */
export function* gambling(stage: Stage, block: Role, permits: Permits, attempt: number): Script<Finding> {
  const counting = otherThan(block);
  const found = new Finding(block);
  const { profile, address } = stage.parties[block];
  const ports = guesses(profile.ports ?? ALL_PORTS, SEED, attempt);
  const aim = { muzzle: { kind: 'main' }, ip: address.ip, ports, once: false } as const;
  const bets = fireBrackets(stage, counting, aim, 'no', 'block');
  yield* sighted(stage, counting, bets, () => false);
  if (found.misfired(bets)) return found;
  const read = bets.flatMap((round) => candidates(stage, counting, round)).flatMap((all) => all.slice(0, 1));
  if (read.length === 0 || !permits.mappings(block, DRAWERS * read.length)) return found;
  const ip =
    bets.map((round) => stage.burst(round).ip).find((one) => one !== undefined) ?? stage.parties[counting].address.ip;
  const shots = [{ kind: 'knock', by: 0, ip: 0, ports: [...new Set(read)] }] as const;
  const from = { kind: 'fresh', sockets: DRAWERS } as const;
  const draws = stage.fire(block, { method: 'block', from, ips: [ip], shots, pace: PACE, keep: KEEP });
  yield* stage.wait((1000 * DRAWERS * read.length) / PACE + stage.meeting(block) + MARGIN, () => isRefused(draws));
  found.misfired([draws]);
  return found;
}

/** Attempts of one pair share it, so that they do not guess the same. */
const SEED = 1;
