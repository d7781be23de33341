import type { PortRange } from '../base/nat-profile.ts';
import type { Random } from '../base/random.ts';

/** Ports below are the system's (RFC 6335). */
const LOWEST = 1024;

/**
 * A port of a set from 1024 up, each of its range equally likely; undefined where the set has none.
 *
 * Of several ranges the first one is taken: netifd makes a rule of source NAT for each, and the first fits everything. A socket in
 * another range would be open to strangers as well, but what it sends would leave by a port of the first.
 */
export function choosePort(ports: readonly PortRange[], random: Random): number | undefined {
  const range = ports.find(({ to }) => to >= LOWEST);
  if (range === undefined) return undefined;
  const from = Math.max(LOWEST, range.from);
  return from + random(range.to - from + 1);
}
