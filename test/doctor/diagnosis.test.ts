import { describe, expect, it } from 'vitest';
import { ms } from '../../agent/base/time.ts';
import { diagnose } from '../../agent/doctor/diagnosis.ts';
import type { Facts, Greeting, LineTried } from '../../agent/doctor/facts.ts';
import { type Fate, fatesOf } from '../../agent/doctor/lines.ts';
import { VERDICTS } from '../../agent/doctor/verdict.ts';
import type { LineSeen } from '../../agent/wire/messages.ts';
import { BLIND, granting, HEALTHY, house, mapping, profile, SILENT, USUAL } from './facts.ts';

const nat = (part: Parameters<typeof profile>[0]) => ({ profile: profile(part), samples: [] });
const TRIED = (HEALTHY.lines ?? []).filter(({ bait }) => bait !== 'bittorrent');
const cut = { bait: 'bittorrent', end: 'reset' } as const;

const CASES: readonly (readonly [string, (typeof VERDICTS)[number], Facts])[] = [
  ['a usual house', 'punchable', HEALTHY],
  ['a random NAT', 'hard-nat', house({ nat: nat({ kind: 'random' }) })],
  ['a NAT nobody could read', 'unclear', house({ nat: nat({ kind: 'unknown', confidence: 0 }) })],
  ['a NAT that was not read in time', 'unclear', house({ nat: undefined })],
  [
    'a public address where nobody could knock',
    'unclear',
    house({ isOpen: undefined, nat: nat({ kind: 'open', filtering: 'unknown' }) }),
  ],
  ['a full cone', 'open', house({ nat: nat({ filtering: 'endpoint-independent' }) })],
  [
    'a random NAT that lets everybody in',
    'hard-nat',
    house({ nat: nat({ kind: 'random', filtering: 'endpoint-independent' }) }),
  ],
  ['a port that was opened by hand', 'open', house({ isOpen: true })],
  ['a public address and a firewall', 'firewall', house({ nat: nat({ kind: 'open' }) })],
  ['a router with a public address of its own', 'firewall', house({}, { own: ['203.0.113.7'] })],
  ['a mapping that works', 'mapped', house({ ...granting('203.0.113.7'), mapping: mapping('verified') })],
  [
    'a mapping that works through two routers',
    'mapped',
    house({ ...granting('192.168.0.2'), mapping: mapping('verified') }),
  ],
  ['a mapping that nobody gets in by', 'punchable', house({ ...granting('203.0.113.7'), mapping: mapping('closed') })],
  ['a router behind a router', 'double-nat', house({ ...granting('192.168.0.2'), mapping: mapping('closed') })],
  ['a NAT of the carrier', 'carrier-nat', house({ ...granting('100.64.3.4'), mapping: mapping('closed') })],
  ['a gateway whose public address is not ours', 'carrier-nat', house({ ...granting('198.51.100.9') })],
  ['a line with an address of the carrier', 'carrier-nat', house({}, { terrain: line('100.64.0.9') })],
  ['UDP silent, TCP answered', 'udp-blocked', house({ ...BLIND, met: false })],
  [
    'UDP silent, and another program over TCP',
    'no-rendezvous',
    house({ ...BLIND, met: false }, { greetings: said('other') }),
  ],
  [
    'a rendezvous of IPv6, which nobody here speaks with',
    'no-rendezvous',
    house({ ...BLIND, met: false }, { greetings: [{ to: { ip: '2001:db8::1', port: 7000 }, greeting: 'closed' }] }),
  ],
  ['a cookie that came back, and nothing more', 'no-rendezvous', house({ ...BLIND, met: false, isHeard: true })],
  ['a rendezvous that is not there', 'no-rendezvous', house({ ...BLIND, met: false }, { greetings: said('refused') })],
  ['nobody answers anything', 'no-rendezvous', house({ ...BLIND, met: false }, { greetings: said('silent') })],
  ['no rendezvous named', 'no-rendezvous', house(BLIND, { greetings: [] })],
  ['no address', 'no-network', house({ ...BLIND, met: false }, { own: [], terrain: undefined })],
  ['no route', 'no-network', house(BLIND, { terrain: { uplinks: [], isGateway: false, lan: [] } })],
  ['a reset that the other end did not send', 'interference', house(seen('open'), { lines: [...TRIED, cut] })],
  ['a reset that both ends saw', 'interference', house(seen('reset'), { lines: [...TRIED, cut] })],
  [
    'a reset, and the other end could not be asked',
    'interference',
    house({ lineReport: undefined }, { lines: [...TRIED, cut] }),
  ],
  [
    'bytes that never arrive on a line that loses a fifth',
    'punchable',
    house(
      { trips: { asked: 50, trips: Array.from({ length: 40 }, () => ms(30)) } },
      { lines: [...TRIED, { ...cut, end: 'silence' }] },
    ),
  ],
  ['bytes that never arrive', 'interference', house({}, { lines: [...TRIED, { ...cut, end: 'silence' }] })],
  [
    'a carrier that also resets',
    'interference',
    house({ ...seen('open'), ...granting('100.64.3.4') }, { lines: [...TRIED, cut] }),
  ],
  [
    'a TCP port that is shut',
    'punchable',
    house({}, { lines: (HEALTHY.lines ?? []).map(({ bait }) => ({ bait, end: 'refused' })) }),
  ],
  [
    'TCP that carries nothing at all',
    'punchable',
    house({}, { lines: (HEALTHY.lines ?? []).map(({ bait }) => ({ bait, end: 'silence' })) }),
  ],
  [
    'connections that the other end closed',
    'punchable',
    house(seen('closed'), { lines: [...TRIED, { ...cut, end: 'closed' }] }),
  ],
];

/** What became of one connection as this end and the other one saw it. */
const FATES: readonly (readonly [LineTried['end'], LineSeen | undefined, Fate])[] = [
  ['echoed', at('bittorrent', 'closed'), 'well'],
  ['reset', at('bittorrent', 'reset'), 'cut'],
  ['reset', at('bittorrent', 'silence'), 'cut'],
  ['reset', at('nothing', 'open'), 'cut'],
  ['reset', undefined, 'perhaps-cut'],
  ['reset', at('tls', 'closed'), 'perhaps-cut'],
  ['silence', at('bittorrent', 'reset'), 'cut'],
  ['silence', at('nothing', 'silence'), 'swallowed'],
  ['silence', undefined, 'swallowed'],
  ['closed', at('bittorrent', 'closed'), 'untried'],
  ['closed', at('nothing', 'open'), 'cut'],
  ['closed', undefined, 'untried'],
  ['altered', at('bittorrent', 'closed'), 'altered'],
  ['refused', undefined, 'untried'],
];

function at(content: LineSeen['content'], end: LineSeen['end']): LineSeen {
  return { content, received: 0, sent: 0, end };
}

describe('the testimony of both ends', () => {
  it.each(FATES)('%s here, %j there: %s', (end, seen, fate) => {
    const lineReport = { kind: 'line-report', request: 2, lines: seen === undefined ? [] : [seen] } as const;
    const facts = house({ lineReport }, { lines: [{ bait: 'bittorrent', end }] });
    expect(fatesOf(facts)).toEqual({ bittorrent: fate });
  });
});

function line(own: string): Facts['terrain'] {
  const uplink = {
    name: 'wan',
    family: 4,
    own,
    prefix: 10,
    gateway: '100.64.0.1',
    metric: 0,
    ports: [],
    proto: 'dhcp',
  } as const;
  return { uplinks: [uplink], isGateway: true, lan: ['br-lan'] };
}

function said(greeting: Greeting): Facts['greetings'] {
  return [{ to: { ip: '198.51.100.1', port: 7000 }, greeting }];
}

/** What the other end saw of the BitTorrent-like one: nothing came, and that end. */
function seen(end: 'open' | 'reset' | 'closed') {
  const lines = [{ content: end === 'closed' ? 'bittorrent' : 'nothing', received: 0, sent: 0, end } as const];
  return { lineReport: { kind: 'line-report', request: 2, lines } as const };
}

describe('the verdict', () => {
  it.each(CASES)('on %s is %s', (_, word, facts) => {
    expect(diagnose(facts).word).toBe(word);
  });

  it('has a case for each of its words', () => {
    expect(new Set(CASES.map(([, word]) => word))).toEqual(new Set(VERDICTS));
  });

  it.each(CASES)('on %s is one sentence, and tells at least one thing to do', (_, _word, facts) => {
    const { sentence, advice } = diagnose(facts);
    expect(sentence).toMatch(/^[A-Z][^.!?]*\.$/);
    expect(advice.length).toBeGreaterThan(0);
    for (const text of advice) expect(text).toMatch(/[.]$/);
  });
});

describe('what the owner can do', () => {
  it.each([
    ['FRITZ!Box 7590', 'Permit independent port sharing'],
    ['OpenWrt TR064 router', 'Services > UPnP'],
    ['TP-Link Archer AX73', 'Advanced > NAT Forwarding > UPnP'],
    ['NETGEAR R7000', 'Turn UPnP On'],
    ['ASUSTeK RT-AX88U', 'Enable UPnP'],
    ['Sagemcom Livebox 5', 'the Livebox page under UPnP (or NAT-PMP'],
    ['Ubiquiti UniFi Dream Machine', 'Settings > Policy Engine > Port Forwarding'],
    ['Speedport Smart 4', 'Internet > Portfreischaltungen'],
    ['Nobody Box', 'UPnP (or NAT-PMP, or PCP; often'],
  ])('is told in the words of the menus of %s', (name, words) => {
    const gateways = USUAL.gateways.map((gateway) => ({ ...gateway, name }));
    expect(diagnose(house({ gateways })).advice.join(' ')).toContain(words);
  });

  it('of two routers is for the inner one in its words, and never takes the outer one for it', () => {
    const [inner] = granting('192.168.0.2').gateways;
    const outer = { address: '192.168.0.1', name: 'FRITZ!Box 7590', layer: 2, wan: undefined, standings: SILENT };
    const gateways = inner === undefined ? [] : [{ ...inner, name: 'RT-AX88U' }, outer];
    const { advice } = diagnose(house({ gateways, mapping: mapping('closed') }));
    expect(advice[0]).toContain('the ASUS page under Administration > Operation Mode > Access Point');
    expect(advice.join(' ')).not.toContain('FRITZ');
  });

  it('where the router has promised what it does not keep is not to switch on what is on', () => {
    const { advice } = diagnose(house({ ...granting('203.0.113.7'), mapping: mapping('closed') }));
    expect(advice[0]).toContain('The router says that it opened a port');
    expect(advice.join(' ')).not.toContain('UPnP');
  });

  it('where UDP is silent begins with what the owner may have mistyped', () => {
    expect(diagnose(house({ ...BLIND, met: false })).advice[0]).toContain('Compare the key');
  });

  it('is the missing rule where the machine is the router', () => {
    const facts = house({ nat: nat({ kind: 'open' }) }, { terrain: line('203.0.113.7') });
    expect(diagnose(facts).advice[0]).toContain('Allow UDP port 50000 from wan');
  });

  it('names what else is wrong after what matters most', () => {
    const facts = house({ trips: { asked: 50, trips: [ms(30)] } }, { clock: { own: 0, theirs: 1_800_000_000_000 } });
    const { advice } = diagnose(facts);
    expect(advice.slice(-2).map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual([
      'The line loses',
      'Set the clock:',
    ]);
  });
});
