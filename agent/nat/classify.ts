import type { Address } from '../base/address.ts';
import type { Filtering, NatKind, NatProfile } from '../base/nat-profile.ts';
import type { FilterTrials, Sample } from './sample.ts';

/**
 * What kind of NAT gives these samples (RFC 4787 section 4), with an honest share of belief.
 * `own` are the addresses of our own interfaces: seeing one of them outside means no translation.
 * One observer cannot tell endpoint-independent from dependent mapping, so its verdict stays below 0.8,
 * which everyone who acts on a profile treats as a guess.
 */
export function classify(samples: readonly Sample[], trials: FilterTrials, own: readonly string[]): NatProfile {
  const external = [...new Set(samples.map((sample) => sample.external.ip))];
  const { kind, offset, confidence } = mapping(samples, own);
  return { kind, offset, filtering: filteringOf(trials), confidence, external };
}

/** No probe has come back yet, or none ever does. */
export const UNKNOWN: NatProfile = { kind: 'unknown', offset: 0, filtering: 'unknown', confidence: 0, external: [] };

interface Mapping {
  readonly kind: NatKind;
  readonly offset: number;
  readonly confidence: number;
}

function mapping(samples: readonly Sample[], own: readonly string[]): Mapping {
  if (samples.length === 0) return { kind: 'unknown', offset: 0, confidence: 0 };
  const bursts = [...groups(samples, (sample) => String(sample.socket)).values()];
  if (bursts.every((burst) => same(burst.map(endpoint)))) return independent(samples, bursts, own);
  if (bursts.every(onePerObserverIp)) return { kind: 'address-dependent', offset: 0, confidence: trust(samples) };
  return dependent(samples, bursts);
}

/** One endpoint per socket, whoever looks: which port is it? */
function independent(samples: readonly Sample[], bursts: readonly Sample[][], own: readonly string[]): Mapping {
  const offsets = bursts.map((burst) => distance(burst[0]));
  const confidence = trust(samples);
  const [first = 0] = offsets;
  if (same(offsets) && first === 0) {
    const untouched = samples.every((sample) => own.includes(sample.external.ip));
    return untouched ? { kind: 'open', offset: 0, confidence: 0.99 } : { kind: 'preserve', offset: 0, confidence };
  }
  // Two random ports at the same distance from two local ones: 1 in 64512.
  if (same(offsets) && bursts.length > 1) return { kind: 'offset', offset: first, confidence };
  // A port unlike the local one seen by one observer is what every other NAT looks like, too.
  return { kind: 'endpoint-independent', offset: 0, confidence: observers(samples) > 1 ? confidence : 0.3 };
}

/** A port per destination: neighbours in time that are neighbours in number come from a counter. */
function dependent(samples: readonly Sample[], bursts: readonly Sample[][]): Mapping {
  const steps = bursts.flatMap(stepsOf);
  const near = steps.filter((step) => step !== 0 && Math.abs(step) <= NEAR);
  const oneWay = near.every((step) => step > 0) || near.every((step) => step < 0);
  const counted = oneWay && near.length >= steps.length * 0.75;
  const confidence = Math.min(1 - 0.4 / Math.max(1, steps.length), trust(samples));
  return { kind: counted ? 'sequential' : 'random', offset: 0, confidence };
}

/**
 * Ports per own allocation that still count as a step. Strides go to 64 (reference of the prediction issue);
 * random ports come as near once in 500 pairs, and three pairs never agree on it.
 */
const NEAR = 64;

/** Port distance per allocation between consecutive first tries of one burst, around the edge of the port space. */
function stepsOf(burst: readonly Sample[]): number[] {
  const firsts = burst.filter((sample) => !sample.again).sort((a, b) => a.index - b.index);
  const steps: number[] = [];
  for (const [i, sample] of firsts.entries()) {
    const before = firsts[i - 1];
    if (before === undefined) continue;
    steps.push(circular(sample.external.port - before.external.port) / (sample.index - before.index));
  }
  return steps;
}

function circular(difference: number): number {
  if (difference > 32768) return difference - 65536;
  return difference < -32768 ? difference + 65536 : difference;
}

/**
 * How far the observers allow belief: two IPs tell all three mapping kinds apart, two ports of one IP
 * leave endpoint-independent and address-dependent together, one observer leaves everything open.
 */
function trust(samples: readonly Sample[]): number {
  if (new Set(samples.map((sample) => sample.observer.ip)).size > 1) return samples.length > 3 ? 0.99 : 0.9;
  return observers(samples) > 1 ? 0.8 : 0.6;
}

function observers(samples: readonly Sample[]): number {
  return new Set(samples.map((sample) => where(sample.observer))).size;
}

function onePerObserverIp(burst: readonly Sample[]): boolean {
  const byIp = groups(burst, (sample) => sample.observer.ip);
  const seen = [...byIp.values()];
  return byIp.size > 1 && seen.some((of) => of.length > 1) && seen.every((of) => same(of.map(endpoint)));
}

function filteringOf({ otherPort, otherAddress }: FilterTrials): Filtering {
  if (otherAddress === 'came') return 'endpoint-independent';
  // From another port but not from another address; where no other address could be asked, the cautious reading.
  if (otherPort === 'came') return 'address-dependent';
  return otherPort === 'silent' ? 'address-and-port-dependent' : 'unknown';
}

function distance(sample: Sample | undefined): number {
  return sample === undefined ? 0 : sample.external.port - sample.localPort;
}

function endpoint(sample: Sample): string {
  return where(sample.external);
}

function where(address: Address): string {
  return `${address.ip} ${address.port}`;
}

function same(values: readonly unknown[]): boolean {
  return values.every((value) => value === values[0]);
}

function groups<T>(items: readonly T[], name: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const group = found.get(name(item));
    if (group === undefined) found.set(name(item), [item]);
    else group.push(item);
  }
  return found;
}
