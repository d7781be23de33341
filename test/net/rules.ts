/** NATs that the kernel itself can be, by nftables; the names say what they do, as in agent/sim/kinds.ts where both exist. */
export const KERNEL_NATS = {
  /** The usual home router: keeps the port where it can. */
  masquerade: (_address: string) => 'meta l4proto udp masquerade',
  /** A constant distance of 2,000 ports. */
  offset: (address: string) => `meta l4proto udp snat to ${address} : udp sport map @shifted`,
  /** One port for all out of a block of 512: how carriers' scripts do it. */
  block: (_address: string) => 'meta l4proto udp masquerade to :20480-20991',
  /** A new random port of 512 for each destination. */
  'random-block': (_address: string) => 'meta l4proto udp masquerade to :20480-20991 fully-random',
  /** A new random port for each destination. */
  random: (_address: string) => 'meta l4proto udp masquerade fully-random',
} as const;

export type KernelNat = keyof typeof KERNEL_NATS;

/** What the router says to a datagram from outside that belongs to nothing: nothing, nothing but the port is then spoilt, or no. */
export type Input = 'drop' | 'accept' | 'reject';

const SHIFT = 2000;

/** A router's whole table. `wan` is its outside device; everything else is inside. */
export function routerRules(nat: KernelNat, address: string, input: Input): string {
  return `
table ip hearth {
  ${nat === 'offset' ? shifted() : ''}
  chain input {
    type filter hook input priority filter; policy ${input === 'accept' ? 'accept' : 'drop'};
    iifname != "wan" accept
    ct state established,related accept
    icmp type echo-request accept
    ${input === 'reject' ? 'reject' : ''}
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    iifname != "wan" accept
    ct state established,related accept
  }
  chain outwards {
    type nat hook postrouting priority srcnat;
    ${outwards(KERNEL_NATS[nat](address))}
  }
}`;
}

/** The same router with another range of outside ports: what is mapped from now on gets one of them. */
export function otherPorts(from: number, to: number): string {
  return `
flush chain ip hearth outwards
add rule ip hearth outwards oifname "wan" meta l4proto udp masquerade to :${from}-${to}
add rule ip hearth outwards oifname "wan" masquerade
`;
}

/** A single host with a public address and a stateful filter of its own; `blocked`: which lets no UDP through either. */
export function firewallRules(blocked: boolean): string {
  return `
table ip hearth {
  chain output {
    type filter hook output priority filter; policy accept;
    ${blocked ? 'oifname "wan" meta l4proto udp drop' : ''}
  }
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
    icmp type echo-request accept
  }
}`;
}

function outwards(translate: string): string {
  return `oifname "wan" ${translate}\n    oifname "wan" masquerade`;
}

/** nftables can't add to a port, but it can look one up: every source port and its image. */
function shifted(): string {
  const images = Array.from({ length: 65536 - SHIFT - 1024 }, (_, i) => `${1024 + i} : ${1024 + i + SHIFT}`);
  return `map shifted { type inet_service : inet_service; elements = { ${images.join(', ')} } }`;
}
