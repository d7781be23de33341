import { key } from '../base/address.ts';
import { base32 } from '../base/text32.ts';
import { type Instant, since } from '../base/time.ts';
import type { Household } from './household.ts';
import type { PeerView } from './peer-view.ts';
import type { Watch } from './watch.ts';

/** What `/api/v1/status` says of a household, without what only its program knows (uptime, version, viewers). */
export function statusOf(household: Household, now: Instant) {
  const { endpoint } = household;
  const { kind, filtering, confidence, external } = endpoint.profile;
  return {
    nat: { kind, filtering, confidence: round(confidence), external, layers: layersOf(household) },
    mappings: endpoint.doors.mappings.map(({ protocol, external, verified, expires }) => ({
      protocol,
      external: external === undefined ? null : key(external),
      verified,
      expires_s: Math.max(0, Math.round(since(now, expires) / 1000)),
    })),
    door: endpoint.profile.door,
    rendezvous: endpoint.servers().map(({ address, state, rtt }) => ({
      address: key(address),
      state,
      rtt_ms: rtt === undefined ? null : round(rtt),
    })),
    channels: household.watches.map((watch) => channelStatus(household, watch, now)),
    capacity: capacityStatus(household),
    relay: relayStatus(household),
    failures: endpoint.counters.failures,
    strangers: endpoint.counters.strangers,
  };
}

/** NATs in front, as far as they are known: what gateways said of themselves, or one where the port or the address is another. */
function layersOf({ endpoint: { profile, doors } }: Household): number {
  const told = doors.mappings
    .filter(({ external }) => external?.ip.includes(':') === false)
    .map(({ layers }) => layers);
  return Math.max(profile.kind === 'open' ? 0 : 1, ...told);
}

function channelStatus(household: Household, watch: Watch, now: Instant) {
  const { parent, spares, children } = household.neighbours(watch, now);
  const { stats } = watch.feed;
  const { count, longest } = watch.kin.drought.tally;
  return {
    id: base32(watch.channel),
    name: watch.name,
    epoch: watch.feed.epoch ?? null,
    ...privacyStatus(watch),
    block: watch.ring.newest?.number ?? null,
    depth: watch.depth,
    lag_ms: round(watch.lag),
    parent: parent === undefined ? null : peerStatus(parent),
    spares: spares.map(peerStatus),
    feeds_most: Math.floor(household.capacity.streams[household.watches.indexOf(watch)] ?? 0),
    children: children.map((child) => ({ ...peerStatus(child), sent_bytes: child.sentBytes })),
    droughts: count,
    longest_drought_ms: round(longest),
    received_bytes: watch.receivedBytes,
    blocks: stats.blocks,
    lost_blocks: stats.lost,
    skipped_blocks: watch.ring.skipped,
    forked: stats.refused.fork > 0,
    refused_blocks: stats.bad + Object.values(stats.refused).reduce((sum, count) => sum + count, 0),
  };
}

/** `shown`: the house can watch it; null while nothing has come. */
function privacyStatus({ privacy }: Watch) {
  if (privacy === undefined) return { private: null, token: null, shown: null };
  if (privacy === 'public') return { private: false, token: null, shown: true };
  return { private: true, token: privacy === 'open' ? 'fits' : privacy, shown: privacy === 'open' };
}

/** What can be sent, and how that is known. */
function capacityStatus({ capacity }: Household) {
  const { streams, source, upload, others, weather } = capacity;
  const kbits = (rate: number | undefined): number | null => (rate === undefined ? null : Math.round(rate * 8));
  return {
    streams: round(streams.reduce((sum, many) => sum + many, 0)),
    source,
    upload_kbits: kbits(upload),
    others_kbits: kbits(others),
    queue_ms: Math.round(weather.queue),
  };
}

/** What is carried for others. */
function relayStatus({ endpoint }: Household) {
  const { pairs, begun, datagrams, bytes, refused } = endpoint.carried;
  return { pairs, pairs_total: begun, datagrams, sent_bytes: bytes, refused_datagrams: refused };
}

function peerStatus({ node, method, rttMs, lossShare }: PeerView) {
  return {
    node: base32(node),
    method: method ?? null,
    rtt_ms: rttMs === undefined ? null : round(rttMs),
    loss_share: lossShare === undefined ? null : Math.round(lossShare * 1e4) / 1e4,
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
