import { expect, test } from 'vitest';
import { parseUci } from '../../agent/config/uci.ts';
import { firewallRule } from '../../agent/uplink/rule.ts';

const options = (uci: string): Record<string, string | undefined> => {
  const { sections, problems } = parseUci(uci);
  expect(problems).toEqual([]);
  expect(sections.map(({ type }) => type)).toEqual(['rule']);
  return Object.fromEntries(sections[0]?.options.map(({ name, values }) => [name, values[0]]) ?? []);
};

test('the rule that opens a port of the router, both families', () => {
  const { uci, sentence } = firewallRule(41_001);
  expect(uci).toBe(`config rule 'hearth'
\toption name 'Allow-hearth'
\toption src 'wan'
\toption proto 'udp'
\toption dest_port '41001'
\toption target 'ACCEPT'
`);
  expect(options(uci)).toMatchObject({ src: 'wan', dest_port: '41001' });
  expect(sentence).toBe('Allow UDP port 41001 from wan to this router (Network, Firewall, Traffic Rules).');
});

test('the rule that lets IPv6 through to a computer behind the router', () => {
  const { uci, sentence } = firewallRule(41_001, { zone: 'fibre', host: '2001:db8::5' });
  expect(options(uci)).toMatchObject({ src: 'fibre', dest: 'lan', dest_ip: '2001:db8::5', family: 'ipv6' });
  expect(sentence).toContain('2001:db8::5');
});
