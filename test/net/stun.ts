import type { Dependence } from '../../agent/sim/nat.ts';
import type { Child } from './child.ts';
import type { Lab, Space } from './lab.ts';

/** The programs of Debian's coturn and stun-client. */
export const STUN_PROGRAMS = ['turnserver', 'turnutils_natdiscovery', 'stun'];

/** What an independent client says of a NAT; undefined where it got no answer. */
export interface Verdict {
  readonly mapping: Dependence | undefined;
  readonly filtering: Dependence | undefined;
}

/** coturn as a STUN server on the first two addresses, which RFC 5780 asks for. */
export async function startStun(lab: Lab, server: Space): Promise<Child> {
  const listen = server.addresses.slice(0, 2).flatMap((ip) => ['-L', ip]);
  const quiet = ['--no-tls', '--no-dtls', '--no-tcp', '--no-cli', '--pidfile', '', '--db', '/dev/null'];
  const words = ['-n', '--stun-only', '--no-auth', ...listen, '--log-file', 'stdout', ...quiet];
  const child = lab.run(server, ['turnserver', ...words]);
  await child.line(/IO method \(admin thread\)/);
  return child;
}

/** What coturn's client finds by RFC 5780 sections 4.3 and 4.4; takes up to seven seconds, nearly all of it waiting. */
export async function discover(lab: Lab, from: Space, server: string): Promise<Verdict> {
  const child = lab.run(from, ['turnutils_natdiscovery', '-m', '-f', server]);
  await child.ended;
  const text = child.lines.join('\n');
  return {
    mapping: dependence(/NAT with (.*) Mapping!/.exec(text)?.[1]),
    filtering: dependence(/NAT with (.*) Filtering!/.exec(text)?.[1]),
  };
}

/** What the much older client of RFC 3489 says in its one line, such as `Dependent Mapping, random port, no hairpin`. */
export async function classicVerdict(lab: Lab, from: Space, server: string): Promise<string> {
  const child = lab.run(from, ['stun', server]);
  await child.ended;
  return /Primary: (.*)/.exec(child.lines.join('\n'))?.[1]?.trim() ?? '';
}

const DEPENDENCES: Record<string, Dependence> = {
  'Endpoint Independent': 'endpoint-independent',
  'Address Dependent': 'address-dependent',
  'Address and Port Dependent': 'address-and-port-dependent',
};

function dependence(words: string | undefined): Dependence | undefined {
  return words === undefined ? undefined : DEPENDENCES[words];
}
