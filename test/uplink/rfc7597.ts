import type { PortRange } from '../../agent/base/nat-profile.ts';

/**
 * The ports of one customer of a shared address: RFC 7597, section 5.1. A port is `a` bits that only leave out the lowest ports, then the
 * `k` bits of the PSID, then the rest.
 */
export function portsOf({
  a,
  k,
  psid,
}: {
  readonly a: number;
  readonly k: number;
  readonly psid: number;
}): PortRange[] {
  const m = 16 - a - k;
  const indices = a === 0 ? [0] : Array.from({ length: 2 ** a - 1 }, (_, i) => i + 1);
  return indices.map((index) => {
    const from = index * 2 ** (16 - a) + psid * 2 ** m;
    return { from: Math.max(1, from), to: from + 2 ** m - 1 };
  });
}
