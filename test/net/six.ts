import type { Hub, Space } from './places.ts';
import { ip, nft, settings } from './netns.ts';

/**
 * IPv6 beside the IPv4 that a place has already: each gets a /64 out of the prefix for benchmarks (RFC 5180). Only over plain wires:
 * box.c knows IPv4 alone.
 */

/** The two ends of a wire. */
const [HUB_END, OWN_END] = ['fe80::1', 'fe80::2'];

export function prefixOf(number: number): string {
  return `2001:2:0:${number.toString(16)}::`;
}

/** Switches it on in a namespace that was made without. */
export function enable(netns: string, forwards: boolean): void {
  settings(netns, {
    'ipv6/conf/all/disable_ipv6': 0,
    'ipv6/conf/default/disable_ipv6': 0,
    'ipv6/conf/all/accept_dad': 0,
    'ipv6/conf/default/accept_dad': 0,
    'ipv6/conf/all/accept_ra': 0,
    'ipv6/conf/all/forwarding': forwards ? 1 : 0,
  });
}

/** The wire from `wan` to the device `there` of the hub carries the prefix; answers with its first address, on `wan`. */
export function connect(netns: string, hub: Hub, there: string, number: number): string {
  const prefix = prefixOf(number);
  enable(hub.netns, true);
  enable(netns, true);
  ip(hub.netns, [`addr add ${HUB_END}/64 dev ${there} nodad`, `route add ${prefix}/64 via ${OWN_END} dev ${there}`]);
  ip(netns, [
    `addr add ${OWN_END}/64 dev wan nodad`,
    `addr add ${prefix}1/128 dev wan nodad`,
    `route add default via ${HUB_END} dev wan`,
  ]);
  return `${prefix}1`;
}

/** A LAN with this prefix behind a stateful filter, as home routers have (RFC 6092): what nobody inside has asked for stays out. */
export function house(router: string, hosts: readonly Space[], number: number): void {
  const prefix = prefixOf(number);
  ip(router, [`addr add ${prefix}f/64 dev lan nodad`]);
  nft(
    router,
    `
table ip6 hearth {
  chain forward {
    type filter hook forward priority filter; policy drop;
    iifname != "wan" accept
    ct state established,related accept
  }
}`,
  );
  for (const [i, { netns }] of hosts.entries()) {
    enable(netns, false);
    ip(netns, [`addr add ${prefix}${(16 + i).toString(16)}/64 dev eth0 nodad`, `route add default via ${prefix}f`]);
  }
}
