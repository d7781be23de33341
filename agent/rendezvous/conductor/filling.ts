import { ms, seconds } from '../../base/time.ts';
import { scanOrder, sizeOf } from '../../punch/block.ts';
import { ALL_PORTS } from '../../punch/brackets.ts';
import { DRAWS, guess } from '../../punch/lottery.ts';
import type { Score } from './conductor.ts';
import { Finding } from './finding.ts';
import type { Permits } from './permits.ts';
import { proofs, proven } from './proof.ts';
import { isRefused, type Script, type Stage } from './stage.ts';

/** Mappings of either side: with the nine of a post-mortem what one attempt may have. */
const MAPPINGS = 247;
/** Mappings that must be seen before anybody is told to write to many ports. */
const PROOF = 16;
/** New mappings a second, on either side. */
const PACE = 100;
/** The sockets must be gone before the next attempt opens others. */
const KEEP = seconds(2);
const MARGIN = ms(200);

/**
 * Both draw from a block, and nothing can be read. The asker knocks at one guessed port of the target's block from many
 * sockets; the target writes to many ports of the asker's block from one socket. They meet where one of those ports is
 * one of the many, and the target's own port towards it happens to be the guessed one: with 231 and 247 of 512
 * 231 × 247 / 512 / 512, once in five attempts. The household that relays has long begun by then.
 */
export function* filling(
  stage: Stage,
  permits: Permits,
  { attempt, seed: pairSeed }: Pick<Score, 'attempt' | 'seed'>,
): Script<Finding> {
  const found = new Finding('asker');
  const { asker, target } = stage.parties;
  const many = MAPPINGS - PROOF;
  if (!permits.mappings('asker', MAPPINGS) || !permits.mappings('target', MAPPINGS)) return found;
  const port = guess(target.profile.ports ?? ALL_PORTS, pairSeed, DRAWS * attempt, target.taken);
  const draws = stage.fire('asker', {
    method: 'block',
    from: { kind: 'fresh', sockets: many },
    ips: [target.address.ip],
    shots: [{ kind: 'knock', by: 0, ip: 0, ports: [port] }, ...proofs(stage, PROOF)],
    pace: PACE,
    refresh: seconds(1),
    keep: KEEP,
  });
  if (!(yield* proven(stage, draws, PROOF, PROOF, 1000, found))) return found;
  const ip = found.ip ?? asker.address.ip;
  const [block = ALL_PORTS] = scanOrder(asker.profile.ports ?? ALL_PORTS);
  const count = Math.min(MAPPINGS, sizeOf(block));
  if (permits.spray('asker', ip, count, PACE) > 0) return found;
  const seed = stage.random(2 ** 32);
  const spray = stage.fire('target', {
    method: 'block',
    from: { kind: 'fresh', sockets: 1 },
    ips: [ip],
    shots: [{ kind: 'spray', by: 0, ip: 0, ...block, seed, skip: 0, count }],
    pace: PACE,
    keep: KEEP,
  });
  yield* stage.wait((1000 * MAPPINGS) / PACE + KEEP / 2 + stage.meeting('target') + MARGIN, () => isRefused(spray));
  found.misfired([spray]);
  return found;
}
