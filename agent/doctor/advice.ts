import { firewallRule } from '../uplink/rule.ts';
import type { CheckName } from './finding.ts';
import { CHECKS } from './checks.ts';
import type { Facts } from './facts.ts';
import { menusOf } from './menus.ts';
import type { VerdictWord } from './verdict.ts';

/** What the owner can do next, the most helpful first. */
export function adviceFor(word: VerdictWord, facts: Facts): readonly string[] {
  const failed = new Set(CHECKS.filter(({ run }) => run(facts).answer === 'no').map(({ name }) => name));
  return [...forWord(word, facts), ...(word === 'no-network' ? [] : besides(failed))];
}

function forWord(word: VerdictWord, facts: Facts): readonly string[] {
  switch (word) {
    case 'open':
    case 'mapped':
      return ['Nothing has to be done. Thank you: houses like this one carry the others.'];
    case 'firewall':
      return [rule(facts)];
    case 'punchable':
    case 'hard-nat':
      return openPort(facts);
    case 'double-nat':
      return [
        `Let only one router translate. On the router that is connected to the line: ${menus(facts).bridge}. Then connect this machine, or the other router, to it.`,
        'Or switch on UPnP on both: what the inner one opens, the outer one must open too.',
      ];
    case 'carrier-nat':
      return [
        'Ask the provider for a public IPv4 address; some call it "real dual stack", some take a fee, most do it when asked.',
        sixHint(facts),
      ];
    case 'interference':
      return [
        'Nothing has to be done for hearth. If other programs suffer, ask the provider what it filters, and show them this report.',
        ...openPort(facts),
      ];
    case 'udp-blocked':
      return [
        'Ask whoever runs this network to let UDP out, to all ports from 1024 up. In guest, hotel and company networks that is often refused.',
        'Elsewhere look for a firewall on this machine and on the router.',
      ];
    case 'no-rendezvous':
      return facts.sight.met === undefined
        ? ['Say which one: hearth doctor --rendezvous ADDR:PORT#KEY, as the rendezvous prints it.', ...openPort(facts)]
        : ['Look whether the address, port and key are right and whether the rendezvous runs; then try again.'];
    case 'no-network':
      return ['Look at the cable or the Wi-Fi, and whether the router is on and gives this machine an address.'];
  }
}

function menus({ sight }: Facts): ReturnType<typeof menusOf> {
  return menusOf(sight.gateways[0]?.name);
}

function openPort(facts: Facts): readonly string[] {
  const { maker, mapping, forward } = menus(facts);
  if (facts.terrain?.isGateway === true && facts.sight.gateways.length === 0) return [rule(facts)];
  const page = maker === '' ? "the router's page" : `the page of the ${maker}`;
  return [
    `Let programs open ports: on ${page}, ${mapping}. hearth does the rest by itself.`,
    `Or open one by hand: ${forward}. UDP, any port from 1024 up, to this machine; then start hearth with --port and that number.`,
  ];
}

/** On a router the rule itself; on anything else nobody knows the firewall's words. */
function rule({ sight, terrain }: Facts): string {
  const port = sight.port ?? PORT;
  return terrain?.isGateway === true
    ? `${firewallRule(port).sentence} Then start hearth with --port ${port}.`
    : `Let UDP to port ${port} in, on the firewall of this machine and on one in front of it, and start hearth with --port ${port}.`;
}

/** A number that nobody else has asked for. */
const PORT = 41_641;

function sixHint({ sight }: Facts): string {
  return sight.six?.external === undefined
    ? 'Switch on IPv6 on the router, where the provider has it: houses that have it meet there without a NAT.'
    : 'IPv6 works here, and houses that have it meet there without a NAT.';
}

/** Whatever else is wrong. */
function besides(failed: ReadonlySet<CheckName>): readonly string[] {
  const all: readonly (readonly [CheckName, string])[] = [
    ['line', "The line loses too much, or is slow: if it is Wi-Fi, try a cable; if it is the provider's, tell them."],
    ['packet-size', "Packets of full size do not get through: look at the MTU of the router's WAN, and at any VPN."],
    ['clock', 'Set the clock: on OpenWrt under System > System > Time Synchronization.'],
    ['names', 'Look at the DNS servers of this machine or of the router.'],
    ['lan-port', 'Port 8480 is taken: stop the other program, or give hearth another with --lan.'],
    ['table', 'The table of connections is nearly full: raise net.netfilter.nf_conntrack_max.'],
    ['machine', 'Memory or storage is short: stop what is not needed.'],
  ];
  return all.filter(([name]) => failed.has(name)).map(([, text]) => text);
}
