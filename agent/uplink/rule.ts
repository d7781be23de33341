/** What our port needs in /etc/config/firewall of an OpenWrt router. */
export interface FirewallRule {
  /** A section of UCI, to be added to the file. */
  readonly uci: string;
  /** For a person. */
  readonly sentence: string;
}

/**
 * The rule that lets strangers in to UDP `port`: of the router itself, IPv4 and IPv6; or, where `host` is an IPv6 address behind it, of that
 * host. `zone` is the firewall's name of the outside.
 */
export function firewallRule(
  port: number,
  options: { readonly zone?: string; readonly host?: string } = {},
): FirewallRule {
  const { zone = 'wan', host } = options;
  const inside: [string, string][] =
    host === undefined
      ? []
      : [
          ['dest', 'lan'],
          ['dest_ip', host],
          ['family', 'ipv6'],
        ];
  const lines = [
    ['name', 'Allow-hearth'],
    ['src', zone],
    ...inside,
    ['proto', 'udp'],
    ['dest_port', String(port)],
    ['target', 'ACCEPT'],
  ];
  return {
    uci: `config rule 'hearth'\n${lines.map(([name, value]) => `\toption ${name} '${value}'\n`).join('')}`,
    sentence:
      host === undefined
        ? `Allow UDP port ${port} from ${zone} to this router (Network, Firewall, Traffic Rules).`
        : `Allow UDP port ${port} over IPv6 from ${zone} to ${host} in lan (Network, Firewall, Traffic Rules).`,
  };
}
