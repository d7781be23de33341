import { PROTOCOLS, type Protocol, type Refusal } from '../portmap/client.ts';
import type { Standing } from '../portmap/contest.ts';
import { plain } from './plain.ts';
import type { GatewaySeen } from './sight.ts';

const SPOKEN: Readonly<Record<Protocol, string>> = { pcp: 'PCP', natpmp: 'NAT-PMP', upnp: 'UPnP' };

/** What a gateway answered in each of the protocols; over IPv6 there is no NAT-PMP. */
export function gatewayWords({ address, name = '', standings }: GatewaySeen): string {
  const asked = PROTOCOLS.filter((protocol) => protocol !== 'natpmp' || !address.includes(':'));
  const said = asked.map((protocol) => `${SPOKEN[protocol]} ${standingWords(standings[protocol])}`);
  const who = plain(name);
  return `${who === '' ? 'a gateway' : `"${who}"`} at ${address}: ${said.join(', ')}`;
}

/** Where the bare word would say nothing to a person, or the wrong thing. */
const REASONS: Readonly<Partial<Record<Refusal, string>>> = {
  silent: 'silent',
  'no-service': 'not offered',
  'unsupported-version': 'not spoken',
  'unsupported-opcode': 'not spoken',
  'not-authorized': 'not allowed',
  'pinholes-forbidden': 'not allowed',
  'network-failure': 'has no line itself',
  'no-resources': 'has no room left',
  'table-full': 'has no room left',
  'port-taken': 'the port is taken',
  'other-port': 'offers another port only',
  'no-socket': 'could not be asked',
  'bad-answer': 'answers nonsense',
  lying: 'says yes and does nothing',
  slow: 'too slow',
};

function standingWords(standing: Standing): string {
  switch (standing.name) {
    case 'looking':
    case 'asked':
      return 'silent';
    case 'present':
      return 'there';
    case 'granted':
      return `granted port ${standing.grant.external}`;
    case 'refused':
      return REASONS[standing.reason] ?? `says no (${standing.reason})`;
    case 'disproved':
      return 'granted a port that nobody gets in by';
  }
}
