import { type NatProfile, UNKNOWN } from '../base/nat-profile.ts';
import { filteringOf, poisonOf, poolingOf } from './filtering.ts';
import { mappingOf } from './mapping.ts';
import type { FilterTrials, Sample } from './sample.ts';
import type { Priors } from './weigh.ts';

/**
 * What kind of NAT gives these samples (RFC 4787 sections 4 and 5), with an honest share of belief.
 * `own` are the addresses of our own interfaces: seeing one of them outside means no translation. `priors` are counts
 * of what this carrier's NATs have been so far.
 * One observer cannot tell endpoint-independent from dependent mapping, so its verdict stays below 0.8,
 * which everyone who acts on a profile treats as a guess.
 */
export function classify(
  samples: readonly Sample[],
  trials: FilterTrials,
  own: readonly string[],
  priors?: Priors,
): NatProfile {
  const { share, ...mapping } = mappingOf(samples, own, priors);
  return {
    ...UNKNOWN,
    ...mapping,
    filtering: filteringOf(trials),
    confidence: Math.min(share, mapping.kind === 'open' ? 0.99 : trust(samples)),
    external: [...new Set(samples.map((sample) => sample.external.ip))],
    pooling: poolingOf(samples),
    poison: poisonOf(mapping.kind, trials),
  };
}

/** Would a further burst tell more? Where two readings are near each other, and where counters have to be counted. */
export function wantsMore(samples: readonly Sample[], own: readonly string[], priors?: Priors): boolean {
  const { kind, share } = mappingOf(samples, own, priors);
  return kind === 'per-core' || (share < 0.8 && observers(samples) > 1);
}

/**
 * Does what was seen bear out what is known of this carrier? Where it knows the ports, they have to be among them;
 * an endpoint that stays but for one socket may be at the carrier's usual distance.
 */
export function agrees(samples: readonly Sample[], own: readonly string[], carrier: NatProfile): boolean {
  if (samples.length < ENOUGH) return false;
  const seen = mappingOf(samples, own, { [carrier.kind]: KNOWN });
  const distance = samples.every(({ external, localPort }) => external.port - localPort === carrier.offset);
  if (carrier.kind === 'offset') return seen.kind === 'endpoint-independent' && distance;
  const { from = 1, to = 65_535 } = carrier.ports ?? {};
  const inside = samples.every(({ external: { port } }) => port >= from && port <= to);
  return seen.kind === carrier.kind && (seen.step ?? 0) === carrier.step && (carrier.kind === 'block-random' || inside);
}

/** Answers of one burst that are enough to recognise a known carrier. */
const ENOUGH = 6;
/** Sightings that a carrier's own profile stands for. */
const KNOWN = 20;

/**
 * How far the observers allow belief: two IPs tell all three mapping kinds apart, two ports of one IP
 * leave endpoint-independent and address-dependent together, one observer leaves everything open.
 */
function trust(samples: readonly Sample[]): number {
  if (samples.length === 0) return 0;
  if (new Set(samples.map((sample) => sample.observer.ip)).size > 1) return samples.length > 3 ? 0.99 : 0.9;
  return observers(samples) > 1 ? 0.8 : 0.6;
}

function observers(samples: readonly Sample[]): number {
  return new Set(samples.map(({ observer: { ip, port } }) => `${ip} ${port}`)).size;
}
