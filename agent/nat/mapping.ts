import type { NatProfile } from '../base/nat-profile.ts';
import type { Sample } from './sample.ts';
import { type Mark, type Series, seriesOf } from './series.ts';
import { paceOf } from './drift.ts';
import { type Priors, weigh } from './weigh.ts';

/** How the outside port comes about, and the share of belief in that. */
export type Mapping = Pick<NatProfile, 'kind'> &
  Partial<Pick<NatProfile, 'offset' | 'step' | 'counters' | 'ports' | 'drift' | 'burstiness'>> & {
    /** 0 to 1, as far as the ports tell; what the observers could see at all is not in it. */
    readonly share: number;
  };

/** Which of the kinds these samples show (RFC 4787 section 4.1), from the plainest to the hardest. */
export function mappingOf(samples: readonly Sample[], own: readonly string[], priors?: Priors): Mapping {
  if (samples.length === 0) return { kind: 'unknown', share: 0 };
  const series = seriesOf(samples);
  if (series.every((marks) => same(portsOf(marks)))) return independent(samples, series, own);
  return keepsFirst(series) ?? perAddress(series, priors) ?? dependent(series, priors);
}

/** One port per socket, whoever looks: which port is it? */
function independent(samples: readonly Sample[], series: readonly Series[], own: readonly string[]): Mapping {
  const offsets = series.map(([first]) => (first === undefined ? 0 : first.port - first.localPort));
  const [offset = 0] = offsets;
  if (same(offsets) && offset === 0) {
    const untouched = samples.every((sample) => own.includes(sample.external.ip));
    return { kind: untouched ? 'open' : 'preserve', share: 1 };
  }
  // Two random ports at the same distance from two local ones: 1 in 64512.
  if (same(offsets) && series.length > 1) return { kind: 'offset', offset, share: 1 };
  // A port unlike the local one seen by one observer is what every other NAT looks like, too.
  const observers = new Set(samples.map(({ observer }) => `${observer.ip} ${observer.port}`)).size;
  return { kind: 'endpoint-independent', share: observers > 1 ? 1 : 0.3 };
}

/** The first destination of a socket gets its own port, and no other does. */
function keepsFirst(series: readonly Series[]): Mapping | undefined {
  const seen = series.filter(([first]) => first?.place === 0);
  const kept = seen.filter(([first, ...others]) => keeps(first) && !others.some(keeps));
  if (kept.length === 0 || kept.length <= seen.length / 2) return undefined;
  return { kind: 'preserve-first', step: regular(kept), share: 1 };
}

function keeps(mark: Mark | undefined): boolean {
  return mark !== undefined && mark.port === mark.localPort;
}

/** One port per observer IP on each socket. */
function perAddress(bursts: readonly Series[], priors?: Priors): Mapping | undefined {
  const byIp = bursts.map((marks) => [...Map.groupBy(marks, ({ toward }) => toward).values()]);
  const one = byIp.flat().every((group) => same(portsOf(group)));
  const told = byIp.some((groups) => groups.length > 1 && groups.some((group) => group.length > 1));
  if (!one || !told) return undefined;
  // A NAT of this kind makes a mapping where an IP is new to the socket: in the order in which the IPs are asked first.
  const places = bursts.flat().sort((a, b) => a.place - b.place);
  const turns = [...new Set(places.map(({ toward }) => toward))];
  const series = byIp.map((groups) =>
    groups
      .flatMap(([mark]) => (mark === undefined ? [] : [{ ...mark, order: turns.indexOf(mark.toward) }]))
      .sort((a, b) => a.order - b.order),
  );
  const step = regular(series);
  const { kind, ports } = weigh(series, priors).reading;
  const narrow = step === 0 && (kind === 'block-random' || kind === 'range-random');
  return { kind: 'address-dependent', step, ports: narrow ? ports : undefined, share: 1 };
}

/** The step that all neighbours agree on but for other people's mappings; 0 where they do not. */
function regular(series: readonly Series[]): number {
  const steps = series.flatMap((marks) =>
    marks.slice(1).map((mark, i) => (mark.port - (marks[i]?.port ?? 0)) / (mark.order - (marks[i]?.order ?? 0))),
  );
  const [smallest = 0] = steps.toSorted((a, b) => Math.abs(a) - Math.abs(b));
  const far = steps.filter((step) => !(Math.sign(step) === Math.sign(smallest) && Math.abs(step) <= NEAR));
  return far.length > steps.length / 4 || !Number.isInteger(smallest) ? 0 : smallest;
}

/** A port per destination. */
function dependent(series: readonly Series[], priors?: Priors): Mapping {
  const { reading, share } = weigh(series, priors);
  const { kind, step, counters, ports } = reading;
  return { kind, step, counters, ports, share, ...(step === 0 ? {} : paceOf(series, step, counters)) };
}

/** Strides of real boxes end at 64; two random ports are as near as this once in 500 pairs. */
const NEAR = 64;

function portsOf(marks: Series): number[] {
  return marks.map(({ port }) => port);
}

function same(values: readonly unknown[]): boolean {
  return values.every((value) => value === values[0]);
}
