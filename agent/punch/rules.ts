import type { Misfire, VolleyPlan } from '../base/volley.ts';
import { LOWEST_PORT, MANY } from './limits.ts';
import { measure } from './magazine.ts';
import { allowedTarget, type Ground, sharesWire } from './target.ts';

/** How hard a way may be sought: not at all, with few datagrams, with all that helps. */
export type Manner = 'off' | 'polite' | 'full';

/** What a household lets itself be told. */
export interface Rules {
  readonly manner: Manner;
  readonly ground: Ground;
  /** The addresses of this peer that the introduction named. */
  readonly ips: ReadonlySet<string>;
}

/**
 * Why a volley is refused whatever is left of the limits; undefined when it is not. `sockets` is how many it fires
 * from, `wide` how many addresses the busiest of them has written to before.
 */
export function objection(volley: VolleyPlan, sockets: number, wide: number, rules: Rules): Misfire | undefined {
  if (rules.manner === 'off') return 'off';
  if (!volley.ips.every((ip) => isTarget(ip, rules))) return 'no-target';
  if (!volley.shots.every((shot) => lowestPort(shot) >= LOWEST_PORT)) return 'no-target';
  const sprays = volley.shots.some(({ kind }) => kind === 'spray');
  if (rules.manner === 'polite' && (sockets > MANY || sprays)) return 'polite';
  return sockets > MANY && wide + measure(volley, sockets).widest > MANY ? 'targets' : undefined;
}

/** A volley goes where observers saw the peer; its LAN is no matter of prediction. */
function isTarget(ip: string, { ips, ground }: Rules): boolean {
  const way = allowedTarget({ ip, port: LOWEST_PORT }, ground);
  return ips.has(ip) && way !== undefined && (way !== 'lan' || sharesWire(ground));
}

function lowestPort(shot: VolleyPlan['shots'][number]): number {
  switch (shot.kind) {
    case 'probe':
      return LOWEST_PORT;
    case 'knock':
      return Math.min(...shot.ports);
    case 'spray':
      return shot.from;
  }
}
