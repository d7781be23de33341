import fc from 'fast-check';
import { type Address, ipText } from '../../agent/base/address.ts';
import { FILTERINGS, NAT_KINDS, type NatProfile, POOLINGS, TRAITS } from '../../agent/base/nat-profile.ts';
import { BAITS } from '../../agent/base/bait.ts';
import { OPENINGS } from '../../agent/base/opening.ts';
import { METHODS, REASONS } from '../../agent/base/outcome.ts';
import { ms } from '../../agent/base/time.ts';
import {
  CARRYING_STATES,
  FAULTS,
  LINE_ENDS,
  type Message,
  MISFIRES,
  PURPOSES,
  REFUSALS,
  ROLES,
  VERDICTS,
  type Shot,
  WANTS,
} from '../../agent/wire/messages.ts';
import { type PeerMessage, REFUSE_REASONS } from '../../agent/wire/peer.ts';

/** Every message there can be, for properties. */

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 65535 });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u48 = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const span16 = u16.map(ms);

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const list = <T>(one: fc.Arbitrary<T>, most: number): fc.Arbitrary<T[]> => fc.array(one, { maxLength: most });

const ip = fc.oneof(bytes(4), bytes(16)).map(ipText);
const address: fc.Arbitrary<Address> = fc.record({ ip, port: fc.integer({ min: 1, max: 65535 }) });
const node = bytes(32);

const name = fc
  .string({ unit: 'grapheme', maxLength: 60 })
  .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text) && Buffer.byteLength(text) <= 64);

const port = fc.integer({ min: 1, max: 65535 });
const range = fc.tuple(port, port).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));

const opening = fc.constantFrom(...OPENINGS);

const profile: fc.Arbitrary<NatProfile> = fc.record({
  kind: fc.constantFrom(...NAT_KINDS),
  offset: fc.integer({ min: -65535, max: 65535 }),
  filtering: fc.constantFrom(...FILTERINGS),
  confidence: u8.map((value) => value / 255),
  external: list(ip, 4),
  step: fc.integer({ min: -32768, max: 32767 }),
  counters: fc.integer({ min: 1, max: 255 }),
  ports: fc.option(range, { nil: undefined }),
  drift: u16.map((value) => value / 10),
  burstiness: u8.map((value) => value / 10),
  pooling: fc.constantFrom(...POOLINGS),
  poison: fc.constantFrom(...TRAITS),
  quota: u16,
  door: opening,
});

/** What can be fired at so many addresses of the peer. */
function shot(ips: number): fc.Arbitrary<Shot> {
  const by = fc.integer({ min: 0, max: 256 });
  const probe = fc.record({ kind: fc.constant('probe'), by, observer: fc.integer({ min: 0, max: 23 }) });
  if (ips === 0) return probe;
  const at = fc.integer({ min: 0, max: ips - 1 });
  const ports = fc.array(port, { minLength: 1, maxLength: 20 });
  return fc.oneof(
    probe,
    fc.record({ kind: fc.constant('knock'), by, ip: at, ports }),
    fc
      .record({ kind: fc.constant('spray'), by, ip: at, range, seed: u32, skip: u16, count: u16 })
      .map(({ range: { from, to }, ...rest }) => ({ ...rest, from, to })),
  );
}

const eighths = u8.map((many) => many / 8);

const channel = fc.record({ id: node, epoch: u32, name });

const leg = fc.record({ number: u32, headerKey: bytes(16), secret: bytes(32), addresses: list(address, 4) });

const messageOf: { readonly [K in Message['kind']]: fc.Arbitrary<Extract<Message, { kind: K }>> } = {
  register: fc.record({
    kind: fc.constant('register'),
    request: u32,
    role: fc.constantFrom(...ROLES),
    streams: eighths,
    most: u8,
    internal: list(address, 8),
    proven: list(fc.record({ address, token: bytes(8), opening }), 4),
    profile,
  }),
  beat: fc.record({
    kind: fc.constant('beat'),
    stamp: u32,
    rtt: fc.option(fc.integer({ min: 0, max: 65534 }).map(ms), { nil: undefined }),
    room: u16,
  }),
  probe: fc.record({
    kind: fc.constant('probe'),
    id: u32,
    index: u8,
    volley: fc.option(fc.record({ pairId: u32, round: u16, socket: u16, localPort: u16, shot: u16 }), {
      nil: undefined,
    }),
  }),
  'filter-test': fc.record({
    kind: fc.constant('filter-test'),
    id: u32,
    index: u8,
    observer: u8,
    token: bytes(8),
  }),
  'try-door': fc.record({ kind: fc.constant('try-door'), id: u32, index: u8, observer: u8, at: address }),
  introduce: fc.record({ kind: fc.constant('introduce'), request: u32, node }),
  join: fc.record({
    kind: fc.constant('join'),
    request: u32,
    channel: node,
    want: fc.constantFrom(...WANTS),
    avoid: list(node, 8),
  }),
  complain: fc.record({
    kind: fc.constant('complain'),
    request: u32,
    channel: node,
    node,
    fault: fc.constantFrom(...FAULTS),
  }),
  publish: fc.record({
    kind: fc.constant('publish'),
    request: u32,
    channel: node,
    epoch: u32,
    name,
    signature: bytes(64),
  }),
  'ask-channel': fc.record({ kind: fc.constant('ask-channel'), request: u32, channel: node }),
  accept: fc.record({ kind: fc.constant('accept'), pairId: u32 }),
  relay: fc.record({ kind: fc.constant('relay'), pairId: u32, bytes: fc.uint8Array({ maxLength: 1232 }) }),
  report: fc.record({
    kind: fc.constant('report'),
    request: u32,
    pairId: u32,
    outcome: fc.oneof(
      fc.record({ kind: fc.constant('connected' as const), method: fc.constantFrom(...METHODS) }),
      fc.record({ kind: fc.constant('failed' as const), reason: fc.constantFrom(...REASONS) }),
    ),
  }),
  capacity: fc.record({
    kind: fc.constant('capacity'),
    request: u32,
    streams: eighths,
    most: u8,
    shares: list(fc.record({ channel: node, streams: eighths, most: u8 }), 8),
  }),
  position: fc.record({
    kind: fc.constant('position'),
    request: u32,
    channel: node,
    parent: fc.option(fc.record({ node, method: fc.constantFrom(...METHODS) }), { nil: undefined }),
    children: list(node, 16),
  }),
  audited: fc.record({
    kind: fc.constant('audited'),
    request: u32,
    pairId: u32,
    verdict: fc.constantFrom(...VERDICTS),
  }),
  forked: fc.record({
    kind: fc.constant('forked'),
    request: u32,
    channel: node,
    manifests: fc.tuple(fc.uint8Array({ maxLength: 512 }), fc.uint8Array({ maxLength: 512 })),
  }),
  'leave-channel': fc.record({ kind: fc.constant('leave-channel'), request: u32, channel: node }),
  leave: fc.record({ kind: fc.constant('leave') }),
  response: fc.record({ kind: fc.constant('response'), token: bytes(8) }),
  registered: fc.record({
    kind: fc.constant('registered'),
    request: u32,
    observed: address,
    interval: span16,
    nonce: bytes(16),
    relays: fc.boolean(),
    observers: list(address, 24),
    carrier: fc.option(profile, { nil: undefined }),
  }),
  pong: fc.record({ kind: fc.constant('pong'), stamp: u32, observed: address, interval: span16 }),
  observed: fc.record({
    kind: fc.constant('observed'),
    id: u32,
    index: u8,
    observer: u8,
    arrival: u32,
    address,
    token: bytes(8),
  }),
  filtered: fc.record({ kind: fc.constant('filtered'), id: u32, index: u8, observer: u8 }),
  knocked: fc.record({ kind: fc.constant('knocked'), id: u32, index: u8, observer: u8, token: bytes(8) }),
  introduction: fc.record({
    kind: fc.constant('introduction'),
    request: u32,
    pairId: u32,
    initiator: fc.boolean(),
    purpose: fc.constantFrom(...PURPOSES),
    relayAllowed: fc.boolean(),
    conducted: fc.boolean(),
    channel: fc.option(channel, { nil: undefined }),
    peer: node,
    peerHeaderKey: bytes(16),
    secret: bytes(32),
    candidates: list(
      fc.tuple(address, opening).map(([where, how]) => ({ ...where, opening: how })),
      12,
    ),
    profile,
    mine: profile,
    startIn: span16,
    instead: fc.option(u32, { nil: undefined }),
  }),
  'channel-info': fc.record({
    kind: fc.constant('channel-info'),
    request: u32,
    channel: node,
    epoch: u32,
    name,
    origin: node,
  }),
  done: fc.record({ kind: fc.constant('done'), request: u32 }),
  refused: fc.record({
    kind: fc.constant('refused'),
    request: u32,
    reason: fc.constantFrom(...REFUSALS),
    retryIn: u32.map(ms),
  }),
  nudge: fc.record({ kind: fc.constant('nudge'), node }),
  carry: fc.record({ kind: fc.constant('carry'), pairId: u32, kbits: u32, legs: fc.tuple(leg, leg) }),
  carrying: fc.record({
    kind: fc.constant('carrying'),
    pairId: u32,
    leg: u32,
    state: fc.constantFrom(...CARRYING_STATES),
  }),
  bridge: fc.record({ kind: fc.constant('bridge'), pairId: u32, leg }),
  bridged: fc.record({ kind: fc.constant('bridged'), pairId: u32, leg: u32, up: fc.boolean() }),
  'line-test': fc.record({ kind: fc.constant('line-test'), request: u32 }),
  'line-ask': fc.record({ kind: fc.constant('line-ask'), request: u32 }),
  stretch: fc.record({ kind: fc.constant('stretch'), id: u32, index: u8, filler: fc.integer({ min: 0, max: 1440 }) }),
  'line-ready': fc.record({ kind: fc.constant('line-ready'), request: u32, clock: u48, port: u16 }),
  'line-report': fc.record({
    kind: fc.constant('line-report'),
    request: u32,
    lines: list(
      fc.record({
        content: fc.constantFrom('nothing', 'other', ...BAITS),
        received: u16,
        sent: u16,
        end: fc.constantFrom(...LINE_ENDS),
      }),
      8,
    ),
  }),
  nudged: fc.record({ kind: fc.constant('nudged'), node, address }),
  relayed: fc.record({ kind: fc.constant('relayed'), pairId: u32, bytes: fc.uint8Array({ maxLength: 1232 }) }),
  challenge: fc.record({ kind: fc.constant('challenge'), token: bytes(8) }),
  fired: fc.record({
    kind: fc.constant('fired'),
    pairId: u32,
    round: u16,
    misfire: fc.constantFrom(...MISFIRES),
    localPorts: list(u16, 8),
  }),
  volley: fc.array(ip, { maxLength: 4 }).chain((ips) =>
    fc.record({
      kind: fc.constant('volley'),
      pairId: u32,
      round: u16,
      method: fc.constantFrom(...METHODS),
      startIn: span16,
      from: fc.oneof(
        fc.record({ kind: fc.constant('main') }),
        fc.record({ kind: fc.constant('fresh'), sockets: fc.integer({ min: 1, max: 256 }) }),
        fc.record({ kind: fc.constant('round'), round: u16 }),
      ),
      pace: u16,
      ttl: u8,
      refresh: span16,
      keep: span16,
      ips: fc.constant(ips),
      shots: list(shot(ips.length), 40),
    }),
  ),
  judged: fc.record({
    kind: fc.constant('judged'),
    pairId: u32,
    reason: fc.constantFrom(...REASONS),
    retryIn: u16.map((value) => ms(value * 1000)),
  }),
};

export const KINDS = Object.keys(messageOf) as Message['kind'][];
export const messages: fc.Arbitrary<Message> = fc.oneof(...Object.values(messageOf));

const short = u32;

export const peerMessages: fc.Arbitrary<PeerMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('subscribe' as const),
    channel: node,
    tag: u32,
    from: fc.oneof(fc.constant('newest' as const), fc.integer({ min: 0, max: 2 ** 48 - 2 })),
    slots: u8,
    height: u8,
    instead: fc.option(short, { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant('subscribed' as const),
    channel: node,
    epoch: u32,
    depth: u8,
    lag: u32.map(ms),
    name,
  }),
  fc.record({ kind: fc.constant('unsubscribe' as const), channel: node }),
  fc.record({ kind: fc.constant('want' as const), tag: u32, number: u48, wanted: u32 }),
  fc.record({ kind: fc.constant('leaving' as const) }),
  fc.record({ kind: fc.constant('refuse' as const), channel: node, reason: fc.constantFrom(...REFUSE_REASONS) }),
  fc.record({ kind: fc.constant('echo' as const), reply: fc.boolean(), token: bytes(8) }),
  fc.record({ kind: fc.constant('status' as const), tag: u32, lag: u32.map(ms), depth: u8, newest: u48 }),
  fc.record({ kind: fc.constant('ask' as const), tag: u32, numbers: list(u48, 96) }),
  fc.record({ kind: fc.constant('beat' as const), idle: fc.boolean() }),
  fc.record({ kind: fc.constant('hold' as const), since: span16, hops: u8 }),
  fc.record({ kind: fc.constant('path' as const), heir: fc.boolean(), path: list(short, 48) }),
  fc.record({ kind: fc.constant('standing' as const), free: u8, depth: u8, height: u8 }),
  fc.record({ kind: fc.constant('roll' as const), entries: list(fc.record({ short, free: u8, depth: u8 }), 4) }),
  fc.record({ kind: fc.constant('meet' as const), short, role: fc.constantFrom('parent' as const, 'spare' as const) }),
  fc.record({
    kind: fc.constant('introduction' as const),
    introduction: messageOf.introduction,
  }),
);
