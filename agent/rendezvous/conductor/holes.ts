import { ms } from '../../base/time.ts';
import type { Shot } from '../../base/volley.ts';
import { countingOf, portAfter, readBurst } from '../../punch/brackets.ts';
import { LOWEST_PORT } from '../../punch/limits.ts';
import { bracketSize } from '../../punch/walk.ts';
import type { Role, Round, Stage } from './stage.ts';

/** Between two datagrams of one tick: 0.02 ms on a quick router, 0.5 ms on a slow one (measured, Node 24). */
const GAP = ms(0.5);
/** Many sockets may not each write to many ports. */
const FEW = 8;
const MOST_PROBES = 16;

/** What a household fires to open holes. */
export interface HoleShots {
  readonly shots: readonly Shot[];
  readonly sockets: number;
  /** New mappings that this takes. */
  readonly mappings: number;
}

/** Knocks at these ports in this order, as many as there is room for, with probes around every few, over as many sockets as it takes. */
export function holeShots(stage: Stage, role: Role, aims: readonly number[], room: number): HoleShots {
  const { profile } = stage.parties[role];
  // Each of several counters must be seen again and again.
  const size = profile.kind === 'per-core' ? 1 : bracketSize(profile.drift, GAP);
  const widest = (Math.min(MOST_PROBES, stage.observers.length) - 1) * size;
  const perSocket = aims.length > FEW * widest ? Math.min(widest, FEW) : widest;
  const allowed = aims.filter(isAllowed);
  let count = allowed.length;
  while (count > 1 && cost(count, perSocket, size) > room) count--;
  const shots: Shot[] = [];
  for (let first = 0; first < count; first += perSocket) {
    const by = 1 + first / perSocket;
    const probe = (n: number): Shot => ({ kind: 'probe', by, observer: stage.observers[n] ?? 0 });
    const own = allowed.slice(first, Math.min(count, first + perSocket));
    shots.push(probe(0));
    for (let i = 0; i < own.length; i += size) {
      shots.push({ kind: 'knock', by, ip: 0, ports: own.slice(i, i + size) }, probe(i / size + 1));
    }
  }
  return { shots, sockets: Math.max(1, Math.ceil(count / perSocket)), mappings: cost(count, perSocket, size) };
}

/** New mappings for so many holes. */
function cost(count: number, perSocket: number, size: number): number {
  const rest = count % perSocket;
  const probes = (own: number): number => (own === 0 ? 0 : Math.ceil(own / size) + 1);
  return count + Math.floor(count / perSocket) * probes(perSocket) + probes(rest);
}

/**
 * From which ports the knocks of a round left, so many for each of them: where strangers came between, the likeliest. A
 * port that was written to gives no new step, so each is used once.
 */
export function behindHoles(stage: Stage, round: Round, width: number): readonly number[] {
  const counting = countingOf(stage.parties[round.role].profile);
  const { ports, knocks } = stage.burst(round);
  const burst = readBurst(ports, counting);
  const found = new Set<number>();
  let before = ports.find((port) => port !== undefined);
  for (const { place } of knocks) {
    const likely = burst[place] ?? [];
    for (let n = 0; n < width; n++) {
      let port = likely[n] ?? (before === undefined ? undefined : portAfter(before, 1, counting));
      while (port !== undefined && (found.has(port) || !isAllowed(port))) port = portAfter(port, 1, counting);
      if (port === undefined) return [];
      found.add(port);
      before = port;
    }
  }
  return [...found];
}

function isAllowed(port: number): boolean {
  return port >= LOWEST_PORT;
}
