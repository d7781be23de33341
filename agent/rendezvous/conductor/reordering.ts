import { bracketing } from './bracketing.ts';
import { Finding } from './finding.ts';
import type { Script, Stage } from './stage.ts';

/**
 * Both ports are known, both sides have knocked by themselves, and nothing came. A NAT may have given its port away to
 * the datagram that came first, so now the order is certain: new sockets of one side write first, some of their
 * datagrams dying on the way, and only when their ports were seen the other side knocks at them. Then the other way round.
 */
export function* reordering(stage: Stage): Script<Finding> {
  let found = new Finding('target');
  for (const hard of ['target', 'asker', 'target', 'asker'] as const) {
    found = yield* bracketing(stage, hard, 1, 'unknown');
    if (found.misfire !== undefined) break;
  }
  return found;
}
