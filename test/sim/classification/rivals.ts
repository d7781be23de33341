import { at } from '../../../agent/base/time.ts';
import { Ground } from '../../../agent/sim/ground.ts';
import { Box, SERVERS } from './line.ts';
import type { Setting } from './settings.ts';

/*
 * Two published rules, after their description. Their datagrams are never lost here, and every answer takes the same.
 */

/** frp: two answers from two servers, the second asked when the first has come; hard is regular up to a span of 5. */
export function frp(setting: Setting, delay: number, seed: number): NonNullable<Setting['frp']> {
  const ground = new Ground(seed);
  const box = new Box(setting, ground);
  const first = box.pass(40_000, server(0));
  ground.now = at(2 * delay);
  const second = box.pass(40_000, server(8));
  if (first.ip === second.ip && first.port === second.port) return 'easy';
  return first.ip === second.ip && Math.abs(first.port - second.port) <= 5 ? 'regular' : 'irregular';
}

/**
 * EasyTier: several servers from one socket (four are taken here), then one more socket; easy symmetric is one
 * address, a span of at most 15 and the further socket's port less than 100 away.
 */
export function easytier(setting: Setting, delay: number, seed: number): NonNullable<Setting['easytier']> {
  const ground = new Ground(seed);
  const box = new Box(setting, ground);
  const seen = [0, 8, 1, 9].map((index) => box.pass(40_000, server(index)));
  ground.now = at(2 * delay);
  const further = box.pass(40_001, server(0));
  const ports = seen.map(({ port }) => port);
  const span = Math.max(...ports) - Math.min(...ports);
  const one = new Set(seen.map(({ ip }) => ip)).size === 1;
  if (one && span === 0) return 'cone';
  const near = ports.some((port) => Math.abs(port - further.port) < 100);
  return one && span <= 15 && near ? 'easy symmetric' : 'symmetric';
}

function server(index: number): { ip: string; port: number } {
  const found = SERVERS[index];
  if (found === undefined) throw new Error(`no server ${index}`);
  return found;
}
