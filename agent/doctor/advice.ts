import { firewallRule } from '../uplink/rule.ts';
import type { Standings } from '../portmap/contest.ts';
import { isOnlySix } from './blocked.ts';
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
    case 'unclear':
      return ['Run the doctor once more; where it says the same again, ask for another rendezvous to look from.'];
    case 'double-nat':
      return [
        `Let only one router translate: make the one that this machine is connected to an access point, ${onPage(facts, 'accessPoint')}.`,
        'Or set the outer one, at the line, to Bridge Mode (Modem Mode), or make the inner one its DMZ or Exposed Host.',
        'Or switch on UPnP on both: what the inner one opens, the outer one must open too.',
      ];
    case 'carrier-nat':
      return [
        'Ask the provider for a public IPv4 address of your own; some call it "real dual stack", some take a fee.',
        sixHint(facts),
      ];
    case 'interference':
      return [
        'Nothing has to be done for hearth. If other programs suffer, ask the provider what it filters, and show them this report.',
        ...(isReachable(facts) ? [] : openPort(facts)),
      ];
    case 'udp-blocked':
      return [
        'Compare the key after the # with what the rendezvous printed, and network_secret where you have one: to a wrong one it is silent.',
        'If they are right, ask whoever runs this network to let UDP out, to all ports from 1024 up. In guest, hotel and company networks that is often refused.',
        'At home look for a firewall on this machine and on the router.',
      ];
    case 'no-rendezvous':
      if (facts.sight.isHeard) return ['Try again; if it is Wi-Fi, with a cable.'];
      if (isOnlySix(facts)) return ['Name the rendezvous by its IPv4 address, with the same port and key.'];
      return facts.sight.met === undefined
        ? ['Say which one: hearth doctor --rendezvous ADDR:PORT#KEY, as the rendezvous prints it.']
        : ['Look whether the address, port and key are right and whether the rendezvous runs; then try again.'];
    case 'no-network':
      return ['Look at the cable or the Wi-Fi, and whether the router is on and gives this machine an address.'];
  }
}

/** Of the gateway that this machine asks. */
function menus({ sight }: Facts): ReturnType<typeof menusOf> {
  return menusOf(sight.gateways.find(({ layer }) => layer === 1)?.name);
}

/** Where that is, in the words of the maker. */
function onPage(facts: Facts, what: 'mapping' | 'forward' | 'accessPoint'): string {
  const { maker, [what]: words } = menus(facts);
  return `on ${maker === '' ? "the router's page" : `the ${maker} page`} under ${words}`;
}

function openPort(facts: Facts): readonly string[] {
  if (facts.terrain?.isGateway === true && facts.sight.gateways.length === 0) return [rule(facts)];
  if (facts.sight.gateways.some(({ layer, standings }) => layer === 1 && hasPromised(standings))) {
    return [
      'The router says that it opened a port, and yet nobody came in: restart it, and look whether there is newer software for it.',
      `If that does not help, open one by hand, ${onPage(facts, 'forward')}. ${BY_HAND}`,
    ];
  }
  return [
    `Let programs open ports, ${onPage(facts, 'mapping')}. hearth does the rest by itself.`,
    `Or open one by hand, ${onPage(facts, 'forward')}. ${BY_HAND}`,
  ];
}

const BY_HAND = 'Take UDP, any port from 1024 up, to this machine; then start hearth with --port and that number.';

function hasPromised(standings: Standings): boolean {
  return Object.values(standings).some(({ name }) => name === 'granted' || name === 'disproved');
}

function isReachable({ sight: { isOpen, mapping } }: Facts): boolean {
  return isOpen === true || mapping?.state === 'verified';
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
  if (sight.six?.external === undefined) {
    return 'Switch on IPv6 on the router, where the provider has it: houses that have it meet there without a NAT.';
  }
  const isOpen = sight.six.trials.otherAddress === 'came' || sight.pinhole?.mapping?.state === 'verified';
  return isOpen
    ? 'By IPv6 anybody reaches this house already; nothing has to be done there.'
    : 'IPv6 works here, and houses that have it meet there without a NAT.';
}

/** Whatever else is wrong. */
function besides(failed: ReadonlySet<CheckName>): readonly string[] {
  const all: readonly (readonly [CheckName, string])[] = [
    ['line', "The line loses too much, or is slow: if it is Wi-Fi, try a cable; if it is the provider's, tell them."],
    ['packet-size', "Packets of full size do not get through: look at the MTU of the router's WAN, and at any VPN."],
    ['clock', 'Set the clock: on OpenWrt under System > System > Time Synchronization.'],
    ['names', 'Set another DNS server on this machine or on the router.'],
    ['lan-port', 'Port 8480 is taken: stop the other program, or give hearth another with --lan 0.0.0.0:8481.'],
    ['table', 'The table of connections is nearly full: raise net.netfilter.nf_conntrack_max.'],
    ['machine', 'Memory or storage is short: stop what is not needed.'],
  ];
  return all.filter(([name]) => failed.has(name)).map(([, text]) => text);
}
