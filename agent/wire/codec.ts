import { Reader, Writer } from '../base/bytes.ts';
import { type Candidate, OPENINGS } from '../base/opening.ts';
import { METHODS, REASONS } from '../base/outcome.ts';
import { ms } from '../base/time.ts';
import {
  readBridge,
  readBridged,
  readCarry,
  readCarrying,
  writeBridge,
  writeBridged,
  writeCarry,
  writeCarrying,
} from './carrying.ts';
import {
  readAddress,
  readFlag,
  readList,
  readMaybe,
  readName,
  readProfile,
  readStreams,
  readWord,
  writeFixed,
  writeList,
  writeMaybe,
  writeName,
  writeProfile,
  writeStreams,
  writeWord,
} from './fields.ts';
import {
  type ChannelFacts,
  FAULTS,
  type Message,
  MISFIRES,
  type Outcome,
  type Position,
  type Proven,
  PURPOSES,
  REFUSALS,
  RELAY_LIMIT,
  ROLES,
  VERDICTS,
  WANTS,
} from './messages.ts';
import { readLineReport, readStretch, writeLineReport, writeStretch } from './lines.ts';
import { readVolley, writeVolley } from './volley.ts';

/*
 * A session body is messages one after the other, each
 *
 *     type u8 | length u16 | fields (length bytes)
 *
 *  type  message        fields
 *  0x01  register       request u32 | role u8 | streams u8 (eighths) | most u8 | internal list<address> ≤ 8
 *                       | proven list<address, token 8, opening u8> ≤ 4 | profile
 *  0x02  beat           stamp u32 | rtt u16 (ms; 65535 = not measured) | room u16 (kbit/s)
 *  0x03  probe          id u32 | index u8 | of a volley u8 [| pair u32 | round u16 | socket u16 | local port u16 | shot u16]
 *  0x04  filter-test    id u32 | index u8 | observer u8 | token 8
 *  0x05  introduce      request u32 | node 32
 *  0x06  join           request u32 | channel 32 | want u8 | avoid list<node 32> ≤ 8
 *  0x07  publish        request u32 | channel 32 | epoch u32 | name | signature 64
 *  0x08  ask-channel    request u32 | channel 32
 *  0x09  accept         pair u32
 *  0x0a  relay          pair u32 | bytes ≤ 1232 (the rest)
 *  0x0b  report         request u32 | pair u32 | connected u8 | method or reason u8
 *  0x0c  capacity       request u32 | streams u8 (eighths) | most u8 | of channels list<channel 32, streams u8 (eighths), most u8> ≤ 8
 *  0x0d  position       request u32 | channel 32 | fed u8 [| node 32 | method u8] | children list<node 32> ≤ 16
 *  0x0e  leave-channel  request u32 | channel 32
 *  0x0f  leave          -
 *  0x10  response       token 8
 *  0x11  nudge          node 32
 *  0x12  fired          pair u32 | round u16 | misfire u8 | local ports list<u16> ≤ 8
 *  0x13  carrying       pair u32 | leg u32 | state u8
 *  0x14  bridged        pair u32 | leg u32 | up u8
 *  0x15  try-door       id u32 | index u8 | observer u8 | address
 *  0x16  complain       request u32 | channel 32 | node 32 | fault u8
 *  0x17  audited        request u32 | pair u32 | verdict u8
 *  0x18  line-test      request u32
 *  0x19  line-ask       request u32
 *  0x1a  stretch        id u32 | index u8 | zeros ≤ 1440 (the rest)
 *  0x1b  forked         request u32 | channel 32 | twice: length u16 (≤ 512), manifest
 *  0x21  registered     request u32 | observed address | interval u16 (ms) | nonce 16 | relays u8
 *                       | observers list<address> ≤ 24 | with carrier u8 [| profile]
 *  0x22  pong           stamp u32 | observed address | interval u16 (ms)
 *  0x23  observed       id u32 | index u8 | observer u8 | arrival u32 (ms) | address | token 8
 *  0x24  filtered       id u32 | index u8 | observer u8
 *  0x25  introduction   request u32 | pair u32 | initiator u8 | purpose u8 | relay u8 | conducted u8 | start in u16 (ms)
 *                       | peer 32 | header key 16 | secret 32 | candidates list<address, opening u8> ≤ 12 | profile of the peer
 *                       | own profile | with channel u8 [| channel 32 | epoch u32 | name] | instead u8 [| short u32]
 *  0x26  channel-info   request u32 | channel 32 | epoch u32 | name | origin 32
 *  0x27  done           request u32
 *  0x28  refused        request u32 | reason u8 | retry in u32 (ms)
 *  0x29  relayed        pair u32 | bytes ≤ 1232 (the rest)
 *  0x2a  challenge      token 8
 *  0x2b  nudged         node 32 | address
 *  0x2c  volley         pair u32 | round u16 | method u8 | start in u16 (ms) | from u8 (0 main, 1 fresh, 2 round)
 *                       [| sockets less one u8, or round u16] | pace u16 (1/s) | ttl u8 | refresh u16 (ms) | keep u16 (ms)
 *                       | ips list<IP> ≤ 4 | shots to the end (volley.ts)
 *  0x2d  judged         pair u32 | reason u8 | retry in u16 (s)
 *  0x2e  carry          pair u32 | kbit/s u32 | leg | leg
 *  0x2f  bridge         pair u32 | leg
 *  0x30  knocked        id u32 | index u8 | observer u8 | token 8
 *  0x34  line-ready     request u32 | clock u48 (ms since 1970; 0 = not known) | TCP port u16 (0 = none)
 *  0x35  line-report    request u32 | lines list<content u8 (0 nothing, 1 other, then base/bait.ts), received u16, sent u16, end u8> ≤ 8
 *
 *  list<x> = count u8 | x ...      address = family u8 (4 or 6) | IP 4 or 16 | port u16 (1-65535)
 *  name    = length u8 (≤ 64) | UTF-8 without control characters      words = place in the lists of messages.ts and base/
 *  IP      = family u8 (4 or 6) | 4 or 16 bytes
 *  leg     = number u32 | header key 16 | secret 32 | addresses list<address> ≤ 4
 *  profile = kind u8 | offset + 65536 u32 | filtering u8 | confidence u8 (255ths) | external list<IP> ≤ 4
 *            | step + 32768 u16 | counters u8 (≥ 1) | with ports u8 [| from u16 | to u16] | drift u16 (tenths of 1/s)
 *            | burstiness u8 (tenths) | pooling u8 | poison u8 | quota u16 | door (an opening) u8
 */

/** Why a body was not understood. */
export type Refusal = 'truncated' | 'unknown-type' | 'out-of-range' | 'trailing-bytes';

type Kind = Message['kind'];
type Of<K extends Kind> = Extract<Message, { kind: K }>;

interface Form<M> {
  readonly type: number;
  /** Throws on a value out of range, for that is our own mistake. */
  readonly write: (writer: Writer, message: M) => void;
  readonly read: (reader: Reader) => M | undefined;
}

/** Type and length. */
const MESSAGE_HEAD = 3;
/** The longest is 466 bytes (docs/wire.md, 5). */
const MANIFEST_LIMIT = 512;
/** Three addresses of eight ports. */
const OBSERVERS = 24;

/** One message as bytes; several may be put one after the other into one body. */
export function encode(message: Message): Uint8Array {
  const fields = new Writer(128);
  const form = FORMS[message.kind] as Form<Message>;
  form.write(fields, message);
  return new Writer(MESSAGE_HEAD + fields.length).u8(form.type).u16(fields.length).bytes(fields.done()).done();
}

/** All messages of a body, in order; one that is not understood refuses the whole body, which came from one hand. */
export function decode(body: Uint8Array): readonly Message[] | Refusal {
  const reader = new Reader(body);
  const messages: Message[] = [];
  while (reader.left > 0) {
    const form = BY_TYPE.get(reader.u8());
    const length = reader.u16();
    if (length > reader.left || reader.short) return 'truncated';
    const fields = new Reader(reader.bytes(length));
    if (form === undefined) return 'unknown-type';
    const message = form.read(fields);
    if (fields.short) return 'truncated';
    if (message === undefined) return 'out-of-range';
    if (fields.left > 0) return 'trailing-bytes';
    messages.push(message);
  }
  return messages;
}

const FORMS: { readonly [K in Kind]: Form<Of<K>> } = {
  register: {
    type: 0x01,
    write: (w, m) => {
      writeWord(w.u32(m.request), ROLES, m.role);
      writeStreams(w, m.streams);
      w.u8(m.most);
      writeList(w, m.internal, 8, (address) => w.address(address));
      writeList(w, m.proven, 4, ({ address, token, opening }) => {
        writeFixed(w.address(address), token, 8);
        writeWord(w, OPENINGS, opening);
      });
      writeProfile(w, m.profile);
    },
    read: (r) => {
      const request = r.u32();
      const role = readWord(r, ROLES);
      const streams = readStreams(r);
      const most = r.u8();
      const internal = readList(r, 8, () => readAddress(r));
      const proven = readList(r, 4, () => readProven(r));
      const profile = readProfile(r);
      if (role === undefined || internal === undefined || proven === undefined || profile === undefined) return;
      return { kind: 'register', request, role, streams, most, internal, proven, profile };
    },
  },
  beat: {
    type: 0x02,
    write: (w, m) =>
      w
        .u32(m.stamp)
        .u16(m.rtt === undefined ? 65535 : Math.min(65534, Math.round(m.rtt)))
        .u16(m.room),
    read: (r) => {
      const [stamp, rtt, room] = [r.u32(), r.u16(), r.u16()];
      return { kind: 'beat', stamp, rtt: rtt === 65535 ? undefined : ms(rtt), room };
    },
  },
  probe: {
    type: 0x03,
    write: (w, m) => {
      w.u32(m.id)
        .u8(m.index)
        .u8(m.volley === undefined ? 0 : 1);
      if (m.volley === undefined) return;
      const { pairId, round, socket, localPort, shot } = m.volley;
      w.u32(pairId).u16(round).u16(socket).u16(localPort).u16(shot);
    },
    read: (r) => {
      const [id, index, isShot] = [r.u32(), r.u8(), readFlag(r)];
      if (isShot === undefined) return;
      if (!isShot) return { kind: 'probe', id, index, volley: undefined };
      const volley = { pairId: r.u32(), round: r.u16(), socket: r.u16(), localPort: r.u16(), shot: r.u16() };
      return { kind: 'probe', id, index, volley };
    },
  },
  'filter-test': {
    type: 0x04,
    write: (w, m) => writeFixed(w.u32(m.id).u8(m.index).u8(m.observer), m.token, 8),
    read: (r) => ({ kind: 'filter-test', id: r.u32(), index: r.u8(), observer: r.u8(), token: r.bytes(8) }),
  },
  introduce: {
    type: 0x05,
    write: (w, m) => writeFixed(w.u32(m.request), m.node, 32),
    read: (r) => ({ kind: 'introduce', request: r.u32(), node: r.bytes(32) }),
  },
  join: {
    type: 0x06,
    write: (w, m) => {
      writeFixed(w.u32(m.request), m.channel, 32);
      writeWord(w, WANTS, m.want);
      writeList(w, m.avoid, 8, (node) => writeFixed(w, node, 32));
    },
    read: (r) => {
      const request = r.u32();
      const channel = r.bytes(32);
      const want = readWord(r, WANTS);
      const avoid = readList(r, 8, () => r.bytes(32));
      if (want === undefined || avoid === undefined) return undefined;
      return { kind: 'join', request, channel, want, avoid };
    },
  },
  publish: {
    type: 0x07,
    write: (w, m) => {
      writeFixed(w.u32(m.request), m.channel, 32);
      writeName(w.u32(m.epoch), m.name);
      writeFixed(w, m.signature, 64);
    },
    read: (r) => {
      const request = r.u32();
      const channel = r.bytes(32);
      const epoch = r.u32();
      const name = readName(r);
      const signature = r.bytes(64);
      return name === undefined ? undefined : { kind: 'publish', request, channel, epoch, name, signature };
    },
  },
  'ask-channel': {
    type: 0x08,
    write: (w, m) => writeFixed(w.u32(m.request), m.channel, 32),
    read: (r) => ({ kind: 'ask-channel', request: r.u32(), channel: r.bytes(32) }),
  },
  accept: {
    type: 0x09,
    write: (w, m) => w.u32(m.pairId),
    read: (r) => ({ kind: 'accept', pairId: r.u32() }),
  },
  relay: {
    type: 0x0a,
    write: (w, m) => writeRest(w.u32(m.pairId), m.bytes),
    read: (r) => {
      const pairId = r.u32();
      return r.left > RELAY_LIMIT ? undefined : { kind: 'relay', pairId, bytes: r.rest() };
    },
  },
  report: {
    type: 0x0b,
    write: (w, m) => writeOutcome(w.u32(m.request).u32(m.pairId), m.outcome),
    read: (r) => {
      const request = r.u32();
      const pairId = r.u32();
      const outcome = readOutcome(r);
      return outcome === undefined ? undefined : { kind: 'report', request, pairId, outcome };
    },
  },
  capacity: {
    type: 0x0c,
    write: (w, m) => {
      writeStreams(w.u32(m.request), m.streams);
      writeList(w.u8(m.most), m.shares, 8, ({ channel, streams, most }) => {
        writeFixed(w, channel, 32);
        writeStreams(w, streams);
        w.u8(most);
      });
    },
    read: (r) => {
      const [request, streams, most] = [r.u32(), readStreams(r), r.u8()];
      const shares = readList(r, 8, () => ({ channel: r.bytes(32), streams: readStreams(r), most: r.u8() }));
      return shares === undefined ? undefined : { kind: 'capacity', request, streams, most, shares };
    },
  },
  position: {
    type: 0x0d,
    write: (w, m) => {
      writeFixed(w.u32(m.request), m.channel, 32);
      w.u8(m.parent === undefined ? 0 : 1);
      if (m.parent !== undefined) {
        writeFixed(w, m.parent.node, 32);
        writeWord(w, METHODS, m.parent.method);
      }
      writeList(w, m.children, 16, (node) => writeFixed(w, node, 32));
    },
    read: (r) => readPosition(r),
  },
  complain: {
    type: 0x16,
    write: (w, m) => {
      writeFixed(w.u32(m.request), m.channel, 32);
      writeFixed(w, m.node, 32);
      writeWord(w, FAULTS, m.fault);
    },
    read: (r) => {
      const [request, channel, node] = [r.u32(), r.bytes(32), r.bytes(32)];
      const fault = readWord(r, FAULTS);
      return fault === undefined ? undefined : { kind: 'complain', request, channel, node, fault };
    },
  },
  audited: {
    type: 0x17,
    write: (w, m) => writeWord(w.u32(m.request).u32(m.pairId), VERDICTS, m.verdict),
    read: (r) => {
      const [request, pairId] = [r.u32(), r.u32()];
      const verdict = readWord(r, VERDICTS);
      return verdict === undefined ? undefined : { kind: 'audited', request, pairId, verdict };
    },
  },
  forked: {
    type: 0x1b,
    write: (w, m) => {
      writeFixed(w.u32(m.request), m.channel, 32);
      for (const manifest of m.manifests) w.u16(manifest.length).bytes(manifest);
    },
    read: (r) => {
      const [request, channel] = [r.u32(), r.bytes(32)];
      const [first, second] = [readManifest(r), readManifest(r)];
      if (first === undefined || second === undefined) return undefined;
      return { kind: 'forked', request, channel, manifests: [first, second] };
    },
  },
  'leave-channel': {
    type: 0x0e,
    write: (w, m) => writeFixed(w.u32(m.request), m.channel, 32),
    read: (r) => ({ kind: 'leave-channel', request: r.u32(), channel: r.bytes(32) }),
  },
  leave: { type: 0x0f, write: () => {}, read: () => ({ kind: 'leave' }) },
  response: {
    type: 0x10,
    write: (w, m) => writeFixed(w, m.token, 8),
    read: (r) => ({ kind: 'response', token: r.bytes(8) }),
  },
  nudge: {
    type: 0x11,
    write: (w, m) => writeFixed(w, m.node, 32),
    read: (r) => ({ kind: 'nudge', node: r.bytes(32) }),
  },
  fired: {
    type: 0x12,
    write: (w, m) => {
      writeWord(w.u32(m.pairId).u16(m.round), MISFIRES, m.misfire);
      writeList(w, m.localPorts, 8, (port) => w.u16(port));
    },
    read: (r) => {
      const [pairId, round] = [r.u32(), r.u16()];
      const misfire = readWord(r, MISFIRES);
      const localPorts = readList(r, 8, () => r.u16());
      if (misfire === undefined || localPorts === undefined) return;
      return { kind: 'fired', pairId, round, misfire, localPorts };
    },
  },
  'try-door': {
    type: 0x15,
    write: (w, m) => w.u32(m.id).u8(m.index).u8(m.observer).address(m.at),
    read: (r) => {
      const [id, index, observer] = [r.u32(), r.u8(), r.u8()];
      const at = readAddress(r);
      return at === undefined ? undefined : { kind: 'try-door', id, index, observer, at };
    },
  },
  carrying: { type: 0x13, write: writeCarrying, read: readCarrying },
  bridged: { type: 0x14, write: writeBridged, read: readBridged },
  'line-test': {
    type: 0x18,
    write: (w, m) => w.u32(m.request),
    read: (r) => ({ kind: 'line-test', request: r.u32() }),
  },
  'line-ask': { type: 0x19, write: (w, m) => w.u32(m.request), read: (r) => ({ kind: 'line-ask', request: r.u32() }) },
  stretch: { type: 0x1a, write: writeStretch, read: readStretch },
  registered: {
    type: 0x21,
    write: (w, m) => {
      writeFixed(w.u32(m.request).address(m.observed).u16(m.interval), m.nonce, 16);
      w.u8(m.relays ? 1 : 0);
      writeList(w, m.observers, OBSERVERS, (address) => w.address(address));
      w.u8(m.carrier === undefined ? 0 : 1);
      if (m.carrier !== undefined) writeProfile(w, m.carrier);
    },
    read: (r) => {
      const request = r.u32();
      const observed = readAddress(r);
      const interval = ms(r.u16());
      const nonce = r.bytes(16);
      const relays = readFlag(r);
      const observers = readList(r, OBSERVERS, () => readAddress(r));
      const known = readFlag(r);
      const carrier = known === true ? readProfile(r) : undefined;
      if (observed === undefined || relays === undefined || observers === undefined) return;
      if (known === undefined || (known && carrier === undefined)) return;
      return { kind: 'registered', request, observed, interval, nonce, relays, observers, carrier };
    },
  },
  pong: {
    type: 0x22,
    write: (w, m) => w.u32(m.stamp).address(m.observed).u16(m.interval),
    read: (r) => {
      const stamp = r.u32();
      const observed = readAddress(r);
      const interval = ms(r.u16());
      return observed === undefined ? undefined : { kind: 'pong', stamp, observed, interval };
    },
  },
  observed: {
    type: 0x23,
    write: (w, m) => writeFixed(w.u32(m.id).u8(m.index).u8(m.observer).u32(m.arrival).address(m.address), m.token, 8),
    read: (r) => {
      const [id, index, observer, arrival] = [r.u32(), r.u8(), r.u8(), r.u32()];
      const address = readAddress(r);
      const token = r.bytes(8);
      return address === undefined ? undefined : { kind: 'observed', id, index, observer, arrival, address, token };
    },
  },
  filtered: {
    type: 0x24,
    write: (w, m) => w.u32(m.id).u8(m.index).u8(m.observer),
    read: (r) => ({ kind: 'filtered', id: r.u32(), index: r.u8(), observer: r.u8() }),
  },
  knocked: {
    type: 0x30,
    write: (w, m) => writeFixed(w.u32(m.id).u8(m.index).u8(m.observer), m.token, 8),
    read: (r) => ({ kind: 'knocked', id: r.u32(), index: r.u8(), observer: r.u8(), token: r.bytes(8) }),
  },
  introduction: {
    type: 0x25,
    write: (w, m) => {
      w.u32(m.request)
        .u32(m.pairId)
        .u8(m.initiator ? 1 : 0);
      writeWord(w, PURPOSES, m.purpose);
      w.u8(m.relayAllowed ? 1 : 0)
        .u8(m.conducted ? 1 : 0)
        .u16(m.startIn);
      writeFixed(w, m.peer, 32);
      writeFixed(w, m.peerHeaderKey, 16);
      writeFixed(w, m.secret, 32);
      writeList(w, m.candidates, 12, (candidate) => writeWord(w.address(candidate), OPENINGS, candidate.opening));
      writeProfile(w, m.profile);
      writeProfile(w, m.mine);
      w.u8(m.channel === undefined ? 0 : 1);
      if (m.channel !== undefined) writeChannel(w, m.channel);
      writeMaybe(w, m.instead);
    },
    read: (r) => readIntroduction(r),
  },
  'channel-info': {
    type: 0x26,
    write: (w, m) => {
      writeChannel(w.u32(m.request), { id: m.channel, epoch: m.epoch, name: m.name });
      writeFixed(w, m.origin, 32);
    },
    read: (r) => {
      const request = r.u32();
      const facts = readChannel(r);
      const origin = r.bytes(32);
      if (facts === undefined) return;
      return { kind: 'channel-info', request, channel: facts.id, epoch: facts.epoch, name: facts.name, origin };
    },
  },
  done: { type: 0x27, write: (w, m) => w.u32(m.request), read: (r) => ({ kind: 'done', request: r.u32() }) },
  refused: {
    type: 0x28,
    write: (w, m) => {
      writeWord(w.u32(m.request), REFUSALS, m.reason);
      w.u32(Math.min(0xffff_ffff, Math.ceil(m.retryIn)));
    },
    read: (r) => {
      const request = r.u32();
      const reason = readWord(r, REFUSALS);
      const retryIn = ms(r.u32());
      return reason === undefined ? undefined : { kind: 'refused', request, reason, retryIn };
    },
  },
  relayed: {
    type: 0x29,
    write: (w, m) => writeRest(w.u32(m.pairId), m.bytes),
    read: (r) => {
      const pairId = r.u32();
      return r.left > RELAY_LIMIT ? undefined : { kind: 'relayed', pairId, bytes: r.rest() };
    },
  },
  challenge: {
    type: 0x2a,
    write: (w, m) => writeFixed(w, m.token, 8),
    read: (r) => ({ kind: 'challenge', token: r.bytes(8) }),
  },
  nudged: {
    type: 0x2b,
    write: (w, m) => {
      writeFixed(w, m.node, 32);
      w.address(m.address);
    },
    read: (r) => {
      const node = r.bytes(32);
      const address = readAddress(r);
      return address === undefined ? undefined : { kind: 'nudged', node, address };
    },
  },
  volley: { type: 0x2c, write: writeVolley, read: readVolley },
  judged: {
    type: 0x2d,
    write: (w, m) => {
      writeWord(w.u32(m.pairId), REASONS, m.reason);
      w.u16(Math.min(65535, Math.ceil(m.retryIn / 1000)));
    },
    read: (r) => {
      const pairId = r.u32();
      const reason = readWord(r, REASONS);
      const retryIn = ms(r.u16() * 1000);
      return reason === undefined ? undefined : { kind: 'judged', pairId, reason, retryIn };
    },
  },
  carry: { type: 0x2e, write: writeCarry, read: readCarry },
  bridge: { type: 0x2f, write: writeBridge, read: readBridge },
  'line-ready': {
    type: 0x34,
    write: (w, m) => w.u32(m.request).u48(m.clock).u16(m.port),
    read: (r) => ({ kind: 'line-ready', request: r.u32(), clock: r.u48(), port: r.u16() }),
  },
  'line-report': { type: 0x35, write: writeLineReport, read: readLineReport },
};

const BY_TYPE: ReadonlyMap<number, Form<Message>> = new Map(
  Object.values(FORMS).map((form) => [form.type, form as unknown as Form<Message>]),
);

function readProven(r: Reader): Proven | undefined {
  const address = readAddress(r);
  const token = r.bytes(8);
  const opening = readWord(r, OPENINGS);
  return address === undefined || opening === undefined ? undefined : { address, token, opening };
}

function readCandidate(r: Reader): Candidate | undefined {
  const address = readAddress(r);
  const opening = readWord(r, OPENINGS);
  return address === undefined || opening === undefined ? undefined : { ...address, opening };
}

function writeRest(w: Writer, bytes: Uint8Array): void {
  if (bytes.length > RELAY_LIMIT) throw new RangeError(`a relayed datagram has at most ${RELAY_LIMIT} bytes`);
  w.bytes(bytes);
}

function writeOutcome(w: Writer, outcome: Outcome): void {
  if (outcome.kind === 'connected') writeWord(w.u8(1), METHODS, outcome.method);
  else writeWord(w.u8(0), REASONS, outcome.reason);
}

function readOutcome(r: Reader): Outcome | undefined {
  const connected = readFlag(r);
  if (connected === undefined) return;
  if (connected) {
    const method = readWord(r, METHODS);
    return method === undefined ? undefined : { kind: 'connected', method };
  }
  const reason = readWord(r, REASONS);
  return reason === undefined ? undefined : { kind: 'failed', reason };
}

function readPosition(r: Reader): Position | undefined {
  const request = r.u32();
  const channel = r.bytes(32);
  const fed = readFlag(r);
  if (fed === undefined) return;
  let parent: Position['parent'];
  if (fed) {
    const node = r.bytes(32);
    const method = readWord(r, METHODS);
    if (method === undefined) return;
    parent = { node, method };
  }
  const children = readList(r, 16, () => r.bytes(32));
  return children === undefined ? undefined : { kind: 'position', request, channel, parent, children };
}

function readManifest(r: Reader): Uint8Array | undefined {
  const length = r.u16();
  return length > MANIFEST_LIMIT ? undefined : r.bytes(length);
}

function writeChannel(w: Writer, channel: ChannelFacts): void {
  writeFixed(w, channel.id, 32);
  writeName(w.u32(channel.epoch), channel.name);
}

function readChannel(r: Reader): ChannelFacts | undefined {
  const id = r.bytes(32);
  const epoch = r.u32();
  const name = readName(r);
  return name === undefined ? undefined : { id, epoch, name };
}

function readIntroduction(r: Reader): Of<'introduction'> | undefined {
  const [request, pairId] = [r.u32(), r.u32()];
  const initiator = readFlag(r);
  const purpose = readWord(r, PURPOSES);
  const relayAllowed = readFlag(r);
  const conducted = readFlag(r);
  const startIn = ms(r.u16());
  const [peer, peerHeaderKey, secret] = [r.bytes(32), r.bytes(16), r.bytes(32)];
  const candidates = readList(r, 12, () => readCandidate(r));
  const profile = readProfile(r);
  const mine = readProfile(r);
  const withChannel = readFlag(r);
  const channel = withChannel === true ? readChannel(r) : undefined;
  const instead = readMaybe(r);
  if (initiator === undefined || purpose === undefined || relayAllowed === undefined || conducted === undefined) return;
  if (candidates === undefined || profile === undefined || mine === undefined) return;
  if (withChannel === undefined || (withChannel && channel === undefined) || instead === 'bad') return;
  const facts = { request, pairId, initiator, purpose, relayAllowed, conducted, channel, peer, peerHeaderKey, secret };
  return { kind: 'introduction', ...facts, candidates, profile, mine, startIn, instead };
}
