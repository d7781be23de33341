import { base32 } from '../base/text32.ts';
import type { Instant } from '../base/time.ts';
import type { Household } from '../house/household.ts';
import type { Metric } from '../io/metrics.ts';
import type { UdpCounters } from '../io/udp.ts';

/** The figures of a household for Prometheus. */
export function householdMetrics(household: Household, udp: UdpCounters, now: Instant): readonly Metric[] {
  const { endpoint, watches } = household;
  const perChannel = (
    name: string,
    kind: Metric['kind'],
    help: string,
    of: (watch: (typeof watches)[number]) => number,
  ): Metric => ({
    name,
    kind,
    help,
    values: watches.map((watch) => ({ labels: { channel: base32(watch.channel).slice(0, 12) }, value: of(watch) })),
  });
  return [
    one('hearth_udp_sent_datagrams_total', 'counter', 'Datagrams sent to other programs of hearth.', udp.sent),
    one('hearth_udp_sent_bytes_total', 'counter', 'Bytes of those.', udp.sentBytes),
    one('hearth_udp_received_datagrams_total', 'counter', 'Datagrams received, strangers included.', udp.received),
    one('hearth_udp_received_bytes_total', 'counter', 'Bytes of those.', udp.receivedBytes),
    one('hearth_udp_refused_total', 'counter', 'Datagrams the system would not send.', udp.refused),
    one(
      'hearth_strangers_total',
      'counter',
      'Datagrams that did not open; none was answered.',
      endpoint.counters.strangers,
    ),
    one('hearth_strays_total', 'counter', 'Datagrams of sessions that are over.', endpoint.counters.strays),
    one(
      'hearth_refused_datagrams_total',
      'counter',
      'Datagrams that named a session and did not open: replayed, forged or too late; none was answered.',
      endpoint.unanswered().refused,
    ),
    one(
      'hearth_door_open',
      'gauge',
      'Whether a port stands open to everybody.',
      endpoint.profile.door === 'none' ? 0 : 1,
    ),
    {
      name: 'hearth_mappings',
      kind: 'gauge',
      help: 'Mappings at gateways, by protocol and by whether somebody outside has come in.',
      values: endpoint.doors.mappings.map(({ protocol, verified }) => ({
        labels: { protocol, verified: verified ? 'yes' : 'no' },
        value: 1,
      })),
    },
    one(
      'hearth_capacity_streams',
      'gauge',
      'Streams that can be sent to other households.',
      household.capacity.streams.reduce((sum, many) => sum + many, 0),
    ),
    one(
      'hearth_upload_known_bytes_per_second',
      'gauge',
      'What the line out is known to carry; 0 while nothing is.',
      Math.round((household.capacity.upload ?? 0) * 1000),
    ),
    one(
      'hearth_upload_others_bytes_per_second',
      'gauge',
      'What other devices send out of the house, where that is seen.',
      Math.round((household.capacity.others ?? 0) * 1000),
    ),
    one('hearth_upload_queue_seconds', 'gauge', 'What waits in the line out.', household.capacity.weather.queue / 1000),
    one('hearth_relayed_pairs', 'gauge', 'Pairs of other households carried now.', endpoint.carried.pairs),
    one('hearth_relayed_pairs_total', 'counter', 'Pairs carried so far.', endpoint.carried.begun),
    one('hearth_relayed_datagrams_total', 'counter', 'Datagrams carried for others.', endpoint.carried.datagrams),
    one('hearth_relayed_bytes_total', 'counter', 'Bytes of those.', endpoint.carried.bytes),
    one(
      'hearth_relay_refused_total',
      'counter',
      'Datagrams for other households that did not open or had no room.',
      endpoint.carried.refused,
    ),
    {
      name: 'hearth_failures_total',
      kind: 'counter',
      help: 'Direct paths that could not be had, by reason.',
      values: Object.entries(endpoint.counters.failures).map(([reason, value]) => ({ labels: { reason }, value })),
    },
    perChannel(
      'hearth_stream_received_bytes_total',
      'counter',
      'Stream bytes from the parent.',
      (w) => w.receivedBytes,
    ),
    perChannel('hearth_stream_blocks_total', 'counter', 'Blocks complete and verified.', (w) => w.feed.stats.blocks),
    perChannel(
      'hearth_stream_lost_blocks_total',
      'counter',
      'Blocks that did not become whole in time.',
      (w) => w.feed.stats.lost,
    ),
    perChannel(
      'hearth_stream_bad_total',
      'counter',
      'Messages with a false signature or hash.',
      (w) => w.feed.stats.bad,
    ),
    {
      name: 'hearth_stream_refused_total',
      kind: 'counter',
      help: 'Genuine pieces that were not taken: of an older start of the origin, too old, of another channel, or a fork.',
      values: watches.flatMap((watch) =>
        Object.entries(watch.feed.stats.refused).map(([reason, value]) => ({
          labels: { channel: base32(watch.channel).slice(0, 12), reason },
          value,
        })),
      ),
    },
    perChannel(
      'hearth_stream_droughts_total',
      'counter',
      'Times that nothing came for a tenth of a second and others than the parent were asked.',
      (w) => w.kin.drought.tally.count,
    ),
    perChannel(
      'hearth_stream_longest_drought_seconds',
      'gauge',
      'The longest of these, from block to block.',
      (w) => w.kin.drought.tally.longest / 1000,
    ),
    perChannel('hearth_stream_lag_seconds', 'gauge', 'Age of the newest block here.', (w) => w.lag / 1000),
    perChannel(
      'hearth_stream_children',
      'gauge',
      'Households fed.',
      (w) => household.neighbours(w, now).children.length,
    ),
  ];
}

function one(name: string, kind: Metric['kind'], help: string, value: number): Metric {
  return { name, kind, help, values: [{ value }] };
}
