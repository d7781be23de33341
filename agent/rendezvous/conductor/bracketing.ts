import type { Shot } from '../../base/volley.ts';
import { anchored, type Anchor, candidates, fireBrackets, sighted } from './anchor.ts';
import { Finding } from './finding.ts';
import { isRefused, otherThan, type Role, type Round, type Script, type Stage } from './stage.ts';

const ATTEMPTS = 3;
const MARGIN = 60;

/**
 * The hard side sends probe, knock, probe from one socket in one tick. What lies between the two ports is the knock's,
 * and its hole stays open: so the port is read instead of guessed, however far away the observers are.
 *
 *     hard side           rendezvous                known side
 *        |-- probe ---------->| 4711                     |
 *        |-- knock -------------------------------> x    |      opens 4712 for the known side
 *        |-- probe ---------->| 4713                     |
 *        |                    |------ knock at 4712 ---->|
 *        |<---------------------------------- knock -----|
 */
export function* bracketing(
  stage: Stage,
  hard: Role,
  attempts = ATTEMPTS,
  poison = stage.parties[otherThan(hard)].profile.poison,
): Script<Finding> {
  const easy = otherThan(hard);
  const found = new Finding(hard);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const anchor = yield* anchored(stage, easy, hard);
    if (anchor === undefined) continue;
    const brackets = fireBrackets(stage, hard, anchor, poison);
    const readable = (): boolean => brackets.some((round) => candidates(stage, hard, round).flat().length > 0);
    yield* sighted(stage, hard, brackets, readable);
    if (found.misfired(brackets)) break;
    const shots = aimed(stage, anchor, brackets, found);
    if (shots.length === 0) continue;
    const ips = [found.ip ?? stage.parties[hard].address.ip];
    const knocks = { method: 'bracket', from: anchor.muzzle, ips, shots } as const;
    const round = stage.fire(easy, knocks);
    yield* stage.wait(stage.meeting(easy), () => isRefused(round));
    // All may be lost, though they come through several holes.
    if (!isRefused(round)) stage.fire(easy, { ...knocks, again: true });
    yield* stage.wait(stage.meeting(easy) + MARGIN, () => isRefused(round));
    if (found.misfired([round])) break;
  }
  return found;
}

/** What the known side fires: at every port that may be the one, socket by socket. */
function aimed(stage: Stage, anchor: Anchor, rounds: readonly Round[], found: Finding): readonly Shot[] {
  const shots: Shot[] = [];
  let socket = 0;
  for (const round of rounds) {
    found.ip = stage.burst(round).ip ?? found.ip;
    for (const ports of candidates(stage, found.hard, round)) {
      socket++;
      if (ports.length === 0) continue;
      if (ports.length === 1) found.exact++;
      if (anchor.once) shots.push({ kind: 'knock', by: socket, ip: 0, ports: ports.slice(0, 1) });
      else shots.push({ kind: 'knock', by: 0, ip: 0, ports });
    }
  }
  return shots;
}
