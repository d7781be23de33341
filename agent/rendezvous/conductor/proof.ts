import type { Shot } from '../../base/volley.ts';
import type { Finding } from './finding.ts';
import { isRefused, type Round, type Script, type Stage } from './stage.ts';

/** Share of the probes for proof that must be seen: a bad line may lose the others. */
const SEEN = 0.8;

/** One probe from each of so many sockets. */
export function proofs(stage: Stage, sockets: number): Shot[] {
  const [observer] = stage.observers;
  if (observer === undefined) return [];
  return Array.from({ length: sockets }, (_, i) => ({ kind: 'probe', by: i + 1, observer }));
}

/**
 * Waits until that many of `proofs` were seen, or so long: whoever wants many datagrams sent has to spend first. True
 * when they were, from an address that the household has proven; found.ip is that address then.
 */
export function* proven(
  stage: Stage,
  round: Round,
  sockets: number,
  most: number,
  span: number,
  found: Finding,
): Script<boolean> {
  const needed = Math.min(most, Math.floor(sockets * SEEN));
  yield* stage.wait(stage.patience(round.role) + span, () => round.sights.size >= needed || isRefused(round));
  const { ip, ports } = stage.burst(round);
  if (found.misfired([round]) || ports.filter((port) => port !== undefined).length < needed) return false;
  found.ip = ip;
  return true;
}
