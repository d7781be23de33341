import type { NatProfile } from '../../../agent/base/nat-profile.ts';
import { probed, type Weather } from './line.ts';
import { easytier, frp } from './rivals.ts';
import type { Setting } from './settings.ts';

/** What came of many runs of one setting in one weather. */
export interface Score {
  readonly runs: number;
  readonly right: number;
  /** Wrong ones by what was said instead. */
  readonly wrong: ReadonlyMap<string, number>;
  /** Of those with several counters: told within one. */
  readonly counted: number;
  /** Of those with a range: it holds at least nine tenths of the true one and is at most a quarter larger. */
  readonly found: number;
  readonly drifts: readonly number[];
  /** ms until the profile was there. */
  readonly times: readonly number[];
  readonly probes: readonly number[];
  readonly frp: number;
  readonly easytier: number;
}

export function score(setting: Setting, weather: Weather, runs: number, seed: number): Score {
  let [right, counted, found, frpRight, easytierRight] = [0, 0, 0, 0, 0];
  const [drifts, times, probes]: [number[], number[], number[]] = [[], [], []];
  const wrong = new Map<string, number>();
  // Each setting has luck of its own, or all would share the same bad draws.
  let start = seed * 100_003;
  for (let i = 0; i < setting.name.length; i++) start = Math.imul(start, 31) + setting.name.charCodeAt(i);
  for (let run = 0; run < runs; run++) {
    const luck = start + run;
    const { profile, at, probes: sent } = probed(setting, weather, luck);
    if (isRight(setting, profile)) right++;
    else {
      const said = `${profile.kind} ${profile.step || ''}`.trim();
      wrong.set(said, (wrong.get(said) ?? 0) + 1);
    }
    if (Math.abs(profile.counters - (setting.counters ?? 1)) <= 1) counted++;
    if (foundRange(setting, profile)) found++;
    drifts.push(profile.drift);
    times.push(at);
    probes.push(sent);
    if (frp(setting, weather.delay, luck) === setting.frp) frpRight++;
    if (easytier(setting, weather.delay, luck) === setting.easytier) easytierRight++;
  }
  return { runs, right, wrong, counted, found, drifts, times, probes, frp: frpRight, easytier: easytierRight };
}

export function isRight({ kinds, offset = 0, step, addresses = 1 }: Setting, profile: NatProfile): boolean {
  const whole = step === undefined || profile.step === step;
  return kinds.includes(profile.kind) && profile.offset === offset && whole && pooled(profile, addresses);
}

function pooled({ pooling }: NatProfile, addresses: number): boolean {
  return (pooling === 'arbitrary') === addresses > 1;
}

function foundRange({ size = 0, allocation }: Setting, { ports }: NatProfile): boolean {
  if (size === 64_512) return ports === undefined;
  if (ports === undefined) return false;
  const width = ports.to - ports.from + 1;
  // A household's block lies anywhere: what was found is right when it is a whole block of that size.
  if (allocation.kind === 'block') return width === size && (ports.from - 1024) % size === 0;
  if (allocation.kind !== 'random') return false;
  const { from = 1024, to = 65_535 } = allocation;
  const shared = Math.min(to, ports.to) - Math.max(from, ports.from) + 1;
  return shared >= size * 0.9 && width <= size * 1.25;
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Share of values that lie within 30 % of the true one. */
export function near(values: readonly number[], truth: number): number {
  return values.filter((value) => Math.abs(value - truth) <= 0.3 * truth).length / values.length;
}
