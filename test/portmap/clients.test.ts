import { describe, expect, test } from 'vitest';
import { at, type Instant } from '../../agent/base/time.ts';
import type { Client, ClientEffect, ClientInput, Wish } from '../../agent/portmap/client.ts';
import { Errand, type ErrandStep } from '../../agent/portmap/errand.ts';
import { NatPmpClient } from '../../agent/portmap/natpmp-client.ts';
import { PcpClient } from '../../agent/portmap/pcp-client.ts';
import { Search } from '../../agent/portmap/search.ts';
import type { SoapAnswer } from '../../agent/portmap/soap.ts';
import { Tally } from '../../agent/portmap/tally.ts';
import { Gateway, type GatewayOptions } from './gateway.ts';

const door = { gateway: '192.168.1.1', own: '192.168.1.2', port: 41_001 };
const nonce = new Uint8Array(12).fill(7);
const LOCAL = { ip: door.own, port: 40_000 };
const SERVER = { ip: door.gateway, port: 5351 };

const CLIENTS = {
  PCP: () => new PcpClient({ door, socket: 0, nonce }),
  'NAT-PMP': () => new NatPmpClient({ door, socket: 0 }),
} as const;

/** Gives a client something to do at a gateway that answers at once; what it said, without what went over the wire. */
function converse(
  client: Client,
  gateway: Pick<Gateway, 'datagram'>,
  input: ClientInput,
  now: Instant = at(0),
): readonly ClientEffect[] {
  const said: ClientEffect[] = [];
  const inputs: ClientInput[] = [input];
  for (let next = inputs.shift(); next !== undefined; next = inputs.shift()) {
    for (const effect of client.step(next, now)) {
      if (effect.kind === 'open') inputs.push({ kind: 'opened', socket: 0, local: LOCAL });
      else if (effect.kind === 'send') {
        for (const { bytes } of gateway.datagram(effect.to.port, LOCAL, effect.bytes, now)) {
          inputs.push({ kind: 'datagram', socket: 0, from: SERVER, bytes });
        }
      } else said.push(effect);
    }
  }
  return said;
}

const gatewayWith = (options: Omit<GatewayOptions, 'ip'>): Gateway =>
  new Gateway({ ip: door.gateway, pcp: true, natpmp: true, ...options });

const exactly: Wish = { external: 41_001, lifetime: 7200, exact: true };

describe.each(Object.entries(CLIENTS))('%s', (_name, make) => {
  test('says who is there, and makes nothing', () => {
    const gateway = gatewayWith({});
    expect(converse(make(), gateway, { kind: 'look' })).toMatchObject([{ kind: 'present' }]);
    expect(gateway.table.entries(0)).toEqual([]);
  });

  test('rather has nothing than another port, where it must be that one', () => {
    const gateway = gatewayWith({ taken: [41_001] });
    const said = converse(make(), gateway, { kind: 'ask', wish: exactly });
    expect(said[0]?.kind).toBe('refused');
    expect(gateway.table.entries(0)).toEqual([]);
    const free = gatewayWith({});
    expect(converse(make(), free, { kind: 'ask', wish: exactly })).toMatchObject([
      { kind: 'granted', grant: { external: 41_001 } },
    ]);
  });

  test('counts what is no answer, and waits for one', () => {
    const client = make();
    const said = converse(client, new Gateway({ ip: door.gateway }), { kind: 'ask', wish: exactly });
    expect(said).toEqual([]);
    for (const bytes of [Uint8Array.of(0), Uint8Array.of(2, 0x81), Uint8Array.of(2, 0x81, 0, 0, 0, 0)]) {
      client.step({ kind: 'datagram', socket: 0, from: SERVER, bytes }, at(10));
    }
    expect([...client.refused.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    expect(client.wake()).toBeDefined();
  });

  test('asks again after 250 ms, doubling, and gives up after 16 s', () => {
    const client = make();
    client.step({ kind: 'ask', wish: exactly }, at(0));
    const times: number[] = [];
    let said = client.step({ kind: 'opened', socket: 0, local: LOCAL }, at(0));
    for (let wake = client.wake(); wake !== undefined; wake = client.wake()) {
      said = client.step({ kind: 'tick' }, wake);
      times.push(wake);
    }
    expect(times).toEqual([250, 750, 1750, 3750, 7750, 15_750]);
    expect(said).toMatchObject([{ kind: 'refused', reason: 'silent' }]);
  });

  test('without a socket there is nothing to be had', () => {
    const client = make();
    client.step({ kind: 'ask', wish: exactly }, at(0));
    const said = client.step({ kind: 'failed', socket: 0, reason: 'EADDRNOTAVAIL' }, at(0));
    expect(said).toMatchObject([{ kind: 'refused', reason: 'no-socket' }]);
  });
});

describe('PCP', () => {
  test('asks for another host where it is allowed to, and is told where it is not', () => {
    const client = new PcpClient({ door, socket: 0, nonce, thirdParty: '192.168.1.9' });
    expect(converse(client, gatewayWith({}), { kind: 'ask', wish: { external: 0, lifetime: 7200 } })).toMatchObject([
      { kind: 'refused', reason: 'unsupported-option' },
    ]);
  });

  test('is told that the gateway speaks NAT-PMP only', () => {
    const client = CLIENTS.PCP();
    const said = converse(client, gatewayWith({ pcp: false }), { kind: 'ask', wish: exactly });
    expect(said).toMatchObject([{ kind: 'refused', reason: 'unsupported-version' }]);
  });

  test('takes no answer for its own that has another nonce', () => {
    const gateway = gatewayWith({});
    const other = new PcpClient({ door, socket: 0, nonce: nonce.map((byte) => byte + 1) });
    other.step({ kind: 'ask', wish: exactly }, at(0));
    const [sent] = other.step({ kind: 'opened', socket: 0, local: LOCAL }, at(0));
    const [answer] = sent?.kind === 'send' ? gateway.datagram(5351, LOCAL, sent.bytes, 0) : [];
    const client = CLIENTS.PCP();
    client.step({ kind: 'ask', wish: exactly }, at(0));
    client.step({ kind: 'opened', socket: 0, local: LOCAL }, at(0));
    const bytes = answer?.bytes ?? new Uint8Array(0);
    expect(bytes.length).toBe(60);
    expect(client.step({ kind: 'datagram', socket: 0, from: SERVER, bytes }, at(1))).toEqual([]);
    expect(client.refused.get('not-our-question')).toBe(1);
  });

  test('asks for an end in a moment where it may not delete', () => {
    const client = CLIENTS.PCP();
    const gateway = gatewayWith({});
    converse(client, gateway, { kind: 'ask', wish: exactly });
    const [entry] = gateway.table.entries(0);
    // The mapping is ours, but the gateway has lost its nonce, as miniupnpd does with pinholes it renews.
    if (entry !== undefined) gateway.table.put({ ...entry, nonce: 'lost' }, 0);
    const lifetimes: number[] = [];
    const watched = {
      datagram: (port: number, from: typeof LOCAL, bytes: Uint8Array, now: number) => {
        lifetimes.push(Buffer.from(bytes).readUInt32BE(4));
        return gateway.datagram(port, from, bytes, now);
      },
    };
    expect(converse(client, watched, { kind: 'release', external: 41_001, doubtful: false })).toContainEqual({
      kind: 'released',
    });
    expect(lifetimes).toEqual([0, 1]);
  });

  test('over IPv6 asks for the port itself, whatever was wished', () => {
    const six = { gateway: 'fe80::1%eth0', own: '2001:db8::2', port: 41_001 };
    const client = new PcpClient({ door: six, socket: 0, nonce });
    client.step({ kind: 'ask', wish: { external: 50_000, lifetime: 7200 } }, at(0));
    const [sent] = client.step({ kind: 'opened', socket: 0, local: { ip: six.own, port: 1 } }, at(0));
    const bytes = sent?.kind === 'send' ? Buffer.from(sent.bytes) : Buffer.alloc(0);
    expect([bytes.readUInt16BE(40), bytes.readUInt16BE(42)]).toEqual([41_001, 41_001]);
  });
});

describe('A gateway behind our gateway', () => {
  const behind = { gateway: '192.168.0.1', own: '192.168.0.23', port: 41_002, from: '192.168.1.2' };

  test('is told its own client’s address, from a socket on our own', () => {
    const client = new PcpClient({ door: behind, socket: 0, nonce });
    expect(client.step({ kind: 'ask', wish: exactly }, at(0))).toMatchObject([{ kind: 'open', ip: behind.from }]);
    const [sent] = client.step({ kind: 'opened', socket: 0, local: LOCAL }, at(0));
    const bytes = sent?.kind === 'send' ? Buffer.from(sent.bytes) : Buffer.alloc(0);
    expect([...bytes.subarray(20, 24)]).toEqual([192, 168, 0, 23]);
    expect(bytes.readUInt16BE(40)).toBe(behind.port);
  });

  test('is looked for alone: our LAN is not asked about it', () => {
    const search = new Search({ socket: 0, door: behind, tally: new Tally() });
    expect(search.open()).toMatchObject([{ ip: behind.from }]);
    const sent = [...search.step({ kind: 'opened', socket: 0, local: LOCAL }, at(0)).effects];
    for (let wake = search.wake(); wake !== undefined; wake = search.wake()) {
      sent.push(...search.step({ kind: 'tick' }, wake).effects);
    }
    const places = sent.map((effect) => (effect.kind === 'send' ? effect.to.ip : effect.kind));
    expect(places.length).toBeGreaterThanOrEqual(6);
    expect(new Set(places)).toEqual(new Set([behind.gateway]));
  });
});

describe('UPnP', () => {
  const service = { type: 'urn:x:service:WANIPConnection:2', kind: 'ip', version: 2, control: '/c' } as const;
  const place = { to: { ip: door.gateway, port: 80 }, path: '/c' };
  const services = [{ service, place, connected: true, external: '203.0.113.80' }];
  const done = (values: Readonly<Record<string, string>> = {}): SoapAnswer => ({
    kind: 'done',
    values: new Map(Object.entries(values)),
  });
  const errand = (wish: Wish): Errand =>
    new Errand({ task: { kind: 'ask', wish }, services, door, held: undefined, random: () => 0 });
  const name = (step: ErrandStep): string => (step.kind === 'post' ? step.action.name : step.effect.kind);
  const ours = { newinternalclient: door.own, newinternalport: '41001' };

  test('believes a port that is not the one it asked for, and reads it back', () => {
    const work = errand({ external: 41_001, lifetime: 7200 });
    expect(name(work.begin())).toBe('AddAnyPortMapping');
    expect(name(work.heard(done({ newreservedport: '50000' })))).toBe('GetSpecificPortMappingEntry');
    expect(work.heard(done({ ...ours, newleaseduration: '3600' }))).toMatchObject({
      effect: { kind: 'granted', grant: { external: 50_000, lifetime: 3_600_000, permanent: false } },
    });
  });

  test('takes the word of a gateway for a lie when the entry leads elsewhere', () => {
    const work = errand({ external: 41_001, lifetime: 7200 });
    work.begin();
    work.heard(done({ newreservedport: '41001' }));
    const step = work.heard(done({ ...ours, newinternalclient: '192.168.1.66' }));
    expect(step).toMatchObject({ effect: { kind: 'refused', reason: 'lying' } });
  });

  test('a lease that was made permanent is known to be', () => {
    const work = errand({ external: 41_001, lifetime: 7200 });
    work.begin();
    work.heard(done({ newreservedport: '41001' }));
    const step = work.heard(done({ ...ours, newleaseduration: '0' }));
    expect(step).toMatchObject({ effect: { kind: 'granted', grant: { permanent: true, lifetime: 7_200_000 } } });
  });

  test('rather has nothing than another port, where it must be that one', () => {
    const work = errand(exactly);
    expect(name(work.begin())).toBe('AddPortMapping');
    expect(work.heard({ kind: 'fault', code: 718 })).toMatchObject({
      effect: { kind: 'refused', reason: 'other-port' },
    });
  });

  test('a port that cannot be is a lie', () => {
    const work = errand({ external: 41_001, lifetime: 7200 });
    work.begin();
    expect(work.heard(done({ newreservedport: '99999' }))).toMatchObject({
      effect: { kind: 'refused', reason: 'lying' },
    });
  });
});
