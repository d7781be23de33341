import { describe, expect, it } from 'vitest';
import { ms } from '../../agent/base/time.ts';
import { CHECKS } from '../../agent/doctor/checks.ts';
import type { Facts, Greeting } from '../../agent/doctor/facts.ts';
import { type Answer, CHECK_NAMES, type CheckName } from '../../agent/doctor/finding.ts';
import { peersOf } from '../../agent/doctor/peers.ts';
import { roomOf } from '../../agent/doctor/room.ts';
import { BLIND, granting, HEALTHY, house, mapping, profile } from './facts.ts';

const ADDRESS = '2001:db8:1::5';
const SIX = { external: { ip: ADDRESS, port: 4000 } };
const MACHINE = { cpu: 'Board', cores: 1, memory: 512, memoryFree: 300, flashFree: 60, mtu: 1500, table: undefined };
const PEER = { part: 'parent', method: 'dial', rtt: ms(20), loss: 0 } as const;
const six = (otherAddress: 'came' | 'silent' | 'unasked', otherPort: 'came' | 'silent' | 'unasked' = 'unasked') => ({
  six: { ...SIX, trials: { otherAddress, otherPort, portAfter: 'unasked' } as const },
});

const said = (greeting: Greeting): Facts['greetings'] => [{ to: { ip: '198.51.100.1', port: 7000 }, greeting }];
const opened = (state: 'verified' | 'closed') => ({
  ...six('silent'),
  pinhole: { gateways: granting('fe80::1').gateways, mapping: mapping(state) },
});

const TABLE: readonly (readonly [CheckName, string, Answer, RegExp, Facts])[] = [
  ['udp', 'a rendezvous that answers', 'yes', /answers/, HEALTHY],
  ['udp', 'only TCP', 'no', /silent over UDP/, house({ ...BLIND, met: false })],
  ['udp', 'a lossy line', 'yes', /too little/, house({ ...BLIND, met: false, isHeard: true })],
  [
    'udp',
    'a web server',
    'not checked',
    /another program/,
    house({ ...BLIND, met: false }, { greetings: said('other') }),
  ],
  [
    'udp',
    'a shut TCP port',
    'not checked',
    /no rendezvous/,
    house({ ...BLIND, met: false }, { greetings: said('refused') }),
  ],
  ['udp', 'nobody named', 'not checked', /named/, house(BLIND)],
  ['wan-address', 'a gateway with our own', 'yes', /has 203\.0\.113\.7/, house(granting('203.0.113.7'))],
  ['wan-address', 'a private one', 'no', /private/, house(granting('10.0.0.3'))],
  ['wan-address', 'a shared one', 'no', /carrier/, house(granting('100.127.0.3'))],
  [
    'wan-address',
    'a gateway with another public one',
    'no',
    /198\.51\.100\.3; we are seen as 203\.0\.113\.7: somebody/,
    house(granting('198.51.100.3')),
  ],
  [
    'wan-address',
    'a private one of our own and nobody to ask',
    'not checked',
    /not met/,
    house({ ...BLIND, met: false }),
  ],
  ['wan-address', 'a silent gateway', 'not checked', /does not say/, HEALTHY],
  ['nat-layers', 'no NAT', 'yes', /none/, house({ nat: { profile: profile({ kind: 'open' }), samples: [] } })],
  ['nat-layers', 'the gateway alone', 'yes', /one, the gateway/, house(granting('203.0.113.7'))],
  ['nat-layers', 'a gateway that says nothing', 'not checked', /does not tell/, HEALTHY],
  ['nat-layers', 'a line with an address of the carrier', 'yes', /one, the carrier/, onCarrierLine()],
  [
    'wan-address',
    'an address of the carrier',
    'no',
    /^this machine has 100\.64\.0\.9, one of the carrier's own \(RFC 6598\); we/,
    onCarrierLine(),
  ],
  ['nat-layers', 'two in the house', 'no', /two or more, in this house/, house(granting('192.168.0.3'))],
  ['nat-layers', 'a gateway with another public address', 'no', /carrier/, house(granting('198.51.100.3'))],
  [
    'allocator',
    'a constant distance',
    'yes',
    /2000 above/,
    house({ nat: { profile: profile({ kind: 'offset', offset: 2000 }), samples: [] } }),
  ],
  [
    'allocator',
    'a counter',
    'yes',
    /7 down each time/,
    house({ nat: { profile: profile({ kind: 'sequential', step: -7 }), samples: [] } }),
  ],
  [
    'allocator',
    'a random block',
    'no',
    /from 1024 to 1535/,
    house({ nat: { profile: profile({ kind: 'block-random', ports: { from: 1024, to: 1535 } }), samples: [] } }),
  ],
  ['allocator', 'a guess', 'yes', /a guess/, house({ nat: { profile: profile({ confidence: 0.6 }), samples: [] } })],
  ['filtering', 'a rule for one port', 'yes', /port 50000 only/, house({ isOpen: true })],
  ['filtering', 'the usual filter', 'no', /may answer/, HEALTHY],
  [
    'mapping',
    'a silent gateway',
    'no',
    /"FRITZ!Box 7590" at 192\.168\.1\.1: PCP silent, NAT-PMP silent, UPnP silent/,
    HEALTHY,
  ],
  [
    'mapping',
    'a proven mapping',
    'yes',
    /a stranger came in/,
    house({ ...granting('203.0.113.7'), mapping: mapping('verified') }),
  ],
  [
    'mapping',
    'a claim that was not proven',
    'no',
    /not proven/,
    house({ ...granting('203.0.113.7'), mapping: mapping('claimed') }),
  ],
  [
    'mapping',
    'a claim and nobody to prove it',
    'yes',
    /nobody was there/,
    house({ ...BLIND, ...granting('203.0.113.7'), mapping: mapping('claimed') }),
  ],
  ['hairpin', 'a way back', 'yes', /meet/, house({ hairpin: true })],
  ['hairpin', 'no NAT', 'not checked', /no NAT/, house({ nat: { profile: profile({ kind: 'open' }), samples: [] } })],
  ['ipv6', 'none', 'no', /no address/, HEALTHY],
  [
    'ipv6',
    'one that leads nowhere but into the house',
    'no',
    /no address of the IPv6 internet/,
    house({}, { own: ['fd00::2'] }),
  ],
  ['ipv6', 'one that works', 'yes', /2001:db8:1::5/, house(six('silent'), { own: [ADDRESS] })],
  [
    'ipv6',
    'one that leads nowhere',
    'no',
    /nothing comes back/,
    house({ six: { external: undefined, trials: six('unasked').six.trials } }, { own: [ADDRESS] }),
  ],
  ['ipv6-door', 'no firewall', 'yes', /no firewall/, house(six('came'), { own: [ADDRESS] })],
  ['ipv6-door', 'a firewall', 'no', /firewall/, house(six('unasked', 'silent'), { own: [ADDRESS] })],
  ['ipv6-door', 'a firewall that opens when asked', 'yes', /when asked/, house(opened('verified'), { own: [ADDRESS] })],
  [
    'ipv6-door',
    'one that says so and does not',
    'no',
    /; a gateway at 192\.168\.1\.1: PCP granted/,
    house(opened('closed'), { own: [ADDRESS] }),
  ],
  ['ipv6-door', 'a single observer', 'not checked', /one address/, house(six('unasked'), { own: [ADDRESS] })],
  ['packet-size', 'Ethernet', 'yes', /1500/, HEALTHY],
  [
    'packet-size',
    'a link of PPPoE, whose system cuts packets up',
    'yes',
    /1492/,
    house({}, { machine: { ...MACHINE, mtu: 1492 } }),
  ],
  [
    'packet-size',
    'a black hole',
    'no',
    /1280 are needed/,
    house({ largest: 1280 }, { machine: { ...MACHINE, mtu: 1200 } }),
  ],
  ['line', 'a good line', 'yes', /30 ms, at worst 30 ms, nothing lost/, HEALTHY],
  [
    'line',
    'a lossy one',
    'no',
    /20% lost/,
    house({ trips: { asked: 50, trips: Array.from({ length: 40 }, () => ms(30)) } }),
  ],
  ['line', 'a dead one', 'no', /no answer/, house({ trips: { asked: 50, trips: [] } })],
  ['peers', 'no agent', 'not checked', /no agent/, HEALTHY],
  ['peers', 'a parent', 'yes', /parent dial, 20 ms, nothing lost/, house({}, { peers: [PEER], homePort: 'agent' })],
  ['peers', 'a bad child', 'no', /9% lost/, house({}, { peers: [PEER, { ...PEER, part: 'child', loss: 0.09 }] })],
  [
    'peers',
    'more than one can read out',
    'no',
    /^child 9% lost; .*; 5 more$/,
    house(
      {},
      {
        peers: [
          ...Array.from({ length: 10 }, () => PEER),
          { ...PEER, part: 'child', method: undefined, rtt: undefined, loss: 0.09 },
        ],
      },
    ),
  ],
  ['room', 'no agent', 'not checked', /no agent/, HEALTHY],
  [
    'room',
    'a line for two',
    'yes',
    /^it can feed 2 households; the line carries 12.3 Mbit/,
    house({}, { room: { streams: 2.6, kbits: 12_340 } }),
  ],
  ['room', 'a line for less', 'no', /nobody now.*not shown/, house({}, { room: { streams: 0.9, kbits: undefined } })],
  ['clock', 'a good clock', 'yes', /within 1 s/, HEALTHY],
  [
    'clock',
    'a router that boots in 1970',
    'no',
    /days behind/,
    house({}, { clock: { own: 60_000, theirs: 1_800_000_000_000 } }),
  ],
  [
    'clock',
    'the same with nobody to ask',
    'no',
    /before 2025/,
    house(BLIND, { clock: { own: 60_000, theirs: undefined } }),
  ],
  [
    'names',
    'a resolver that lies',
    'no',
    /does not exist/,
    house({}, { names: { known: 'address', invented: 'address' } }),
  ],
  ['names', 'none', 'no', /no DNS server answers/, house({}, { names: { known: 'silent', invented: 'silent' } })],
  [
    'names',
    'one that knows nothing',
    'no',
    /does not know/,
    house({}, { names: { known: 'empty', invented: 'empty' } }),
  ],
  ['lan-port', 'another program', 'no', /taken by another/, house({}, { homePort: 'other' })],
  [
    'table',
    'a full table',
    'no',
    /4000 of 4096/,
    house({}, { machine: { ...MACHINE, table: { used: 4000, most: 4096 } } }),
  ],
  ['table', 'none', 'not checked', /tracks no/, house({}, { machine: MACHINE })],
  [
    'machine',
    'a small router',
    'yes',
    /1 core, 300 MB of 512 MB memory free, 60 MB of storage free/,
    house({}, { machine: MACHINE }),
  ],
  ['machine', 'a full flash', 'no', /1 MB of storage/, house({}, { machine: { ...MACHINE, flashFree: 1 } })],
];

function onCarrierLine(): Facts {
  const { terrain } = HEALTHY;
  const uplinks = (terrain?.uplinks ?? []).map((uplink) => ({ ...uplink, own: '100.64.0.9' }));
  return house({}, { own: ['100.64.0.9', '192.168.1.1'], terrain: { uplinks, isGateway: true, lan: ['br-lan'] } });
}

describe('the checks', () => {
  it.each(TABLE)('%s: with %s the answer is %s', (name, _, answer, seen, facts) => {
    const finding = CHECKS.find((check) => check.name === name)?.run(facts);
    expect(finding?.seen).toMatch(seen);
    expect(finding?.answer).toBe(answer);
  });

  it('are all there once, in the order in which they are told', () => {
    expect(CHECKS.map(({ name }) => name)).toEqual(CHECK_NAMES);
    expect(new Set(CHECKS.map(({ question }) => question)).size).toBe(CHECKS.length);
  });

  it('answer something even where nothing was seen at all', () => {
    const nothing: Facts = {
      sight: { ...BLIND, port: undefined },
      own: [],
      terrain: undefined,
      greetings: undefined,
      lines: undefined,
      clock: { own: 1_800_000_000_000, theirs: undefined },
      names: undefined,
      homePort: undefined,
      peers: undefined,
      room: undefined,
      machine: undefined,
    };
    for (const { run } of CHECKS) expect(run(nothing).seen).not.toBe('');
    expect(CHECKS.filter(({ run }) => run(nothing).answer === 'yes')).toEqual([]);
  });

  it('find a gateway’s name in quotes, so that it cannot finish our sentence', () => {
    const gateways = HEALTHY.sight.gateways.map((one) => ({
      ...one,
      name: 'Box" at 1.2.3.4: a stranger came in; "\u202e',
    }));
    const seen = CHECKS.find(({ name }) => name === 'mapping')?.run(house({ gateways })).seen ?? '';
    expect(seen).toMatch(/^"[^"]{1,40}" at 192\.168\.1\.1: PCP silent/);
    expect(seen).not.toMatch(/\p{C}/u);
  });

  it('take a line that loses much for no censor', () => {
    const lines = (HEALTHY.lines ?? []).map((line) =>
      line.bait === 'tls' ? ({ ...line, end: 'silence' } as const) : line,
    );
    const lossy = house({ trips: { asked: 50, trips: [ms(30)] } }, { lines });
    expect(CHECKS.find(({ name }) => name === 'inspection')?.run(lossy).answer).toBe('not checked');
  });

  it('let no stranger’s device write to the terminal what it likes', () => {
    const gateways = HEALTHY.sight.gateways.map((one) => ({
      ...one,
      name: `\u001b[2J\u0007Evil\nBox ${'🏠'.repeat(99)}`,
    }));
    const seen = CHECKS.find(({ name }) => name === 'mapping')?.run(house({ gateways })).seen ?? '';
    // eslint-disable-next-line no-control-regex -- what must not be there
    expect(seen).not.toMatch(/[\u0000-\u001f]/);
    expect(seen.length).toBeLessThan(160);
  });
});

describe('the room that a running agent has for others', () => {
  it('is read from its status', () => {
    expect(roomOf({ capacity: { streams: 1.5, upload_kbits: 4000 } })).toEqual({ streams: 1.5, kbits: 4000 });
    expect(roomOf({ capacity: { streams: 2, upload_kbits: null } })).toEqual({ streams: 2, kbits: undefined });
  });

  it.each([[undefined], [{}], [{ capacity: 2 }], [{ capacity: { streams: -1 } }], [{ capacity: { streams: 'many' } }]])(
    'is not read from %j',
    (status) => expect(roomOf(status)).toBeUndefined(),
  );
});

describe('the neighbours of a running agent', () => {
  it('are read from its status', () => {
    const parent = { node: 'abc', method: 'dial', rtt_ms: 12.5, loss_share: 0.02 };
    const status = { node: 'me', channels: [{ parent, children: [{ node: 'def', method: null, rtt_ms: null }] }] };
    expect(peersOf(status)).toEqual([
      { part: 'parent', method: 'dial', rtt: 12.5, loss: 0.02 },
      { part: 'child', method: undefined, rtt: undefined, loss: undefined },
    ]);
  });

  it('are not believed what cannot be', () => {
    const children = [{ method: '\u001b[2J', rtt_ms: -5, loss_share: 40 }];
    expect(peersOf({ channels: [{ parent: null, children }] })).toEqual([
      { part: 'child', method: undefined, rtt: undefined, loss: undefined },
    ]);
  });

  it.each([[undefined], [7], [{}], [{ channels: 'none' }]])('are not read from %j', (status) => {
    expect(peersOf(status)).toBeUndefined();
  });
});
