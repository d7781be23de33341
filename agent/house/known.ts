import { isObject } from '../base/json.ts';
import { FILTERINGS, NAT_KINDS, type NatProfile, POOLINGS, type PortRange, TRAITS } from '../base/nat-profile.ts';

/** What a household remembers of its own NAT, as it stands in `knowledge.json`. */
export interface Known {
  readonly version: 1;
  /** The NAT was last read then, by this machine's calendar, in seconds since 1970. */
  readonly read_s: number;
  readonly nat: NatProfile;
}

/** Older memories are of another carrier, or of another house. */
const MOST_AGE_S = 30 * 86_400;
/** Below this a reading is a guess. */
const READ = 0.8;
const MOST_EXTERNAL = 16;

/** Is this reading worth remembering? */
export function isWorthKnowing({ kind, confidence }: NatProfile): boolean {
  return kind !== 'unknown' && confidence >= READ;
}

/** Would the next start be helped by the newer one of two readings? Flash wears; load and belief change all the time. */
export function isNews(before: NatProfile | undefined, profile: NatProfile): boolean {
  return before === undefined || lasting(before) !== lasting(profile);
}

function lasting(profile: NatProfile): string {
  const { kind, offset, filtering, external, step, counters, ports, pooling, poison, quota } = profile;
  return JSON.stringify([
    kind,
    offset,
    filtering,
    external,
    step,
    counters,
    ports?.from,
    ports?.to,
    pooling,
    poison,
    quota,
  ]);
}

/**
 * Reads what a file says. `undefined`: it is damaged. `nat` is undefined where it is too old; a clock that stands in
 * 1970, as routers' do, makes nothing old.
 */
export function readKnown(value: unknown, nowS: number): { readonly nat: NatProfile | undefined } | undefined {
  if (!isObject(value) || value['version'] !== 1 || !isNumber(value['read_s'], 0, 1e11)) return undefined;
  const nat = readNat(value['nat']);
  if (nat === undefined) return undefined;
  return { nat: nowS - value['read_s'] > MOST_AGE_S ? undefined : nat };
}

function readNat(value: unknown): NatProfile | undefined {
  if (!isObject(value)) return undefined;
  const { offset, confidence, external, step, counters, drift, burstiness, quota } = value;
  const kind = NAT_KINDS.find((word) => word === value['kind']);
  const filtering = FILTERINGS.find((word) => word === value['filtering']);
  const pooling = POOLINGS.find((word) => word === value['pooling']);
  const poison = TRAITS.find((word) => word === value['poison']);
  const ports = value['ports'] === undefined ? undefined : readPorts(value['ports']);
  if (kind === undefined || filtering === undefined || pooling === undefined || poison === undefined) return undefined;
  if (value['ports'] !== undefined && ports === undefined) return undefined;
  if (!isNumber(offset, -65_535, 65_535) || !isNumber(step, -65_535, 65_535)) return undefined;
  if (!isNumber(counters, 1, 65_535) || !isNumber(quota, 0, 65_535) || !isNumber(confidence, 0, 1)) return undefined;
  if (!isNumber(drift, 0, 1e6) || !isNumber(burstiness, 0, 1e6)) return undefined;
  if (!Array.isArray(external) || external.length > MOST_EXTERNAL || !external.every(isText)) return undefined;
  return {
    kind,
    filtering,
    pooling,
    poison,
    ports,
    offset,
    step,
    counters,
    quota,
    confidence,
    drift,
    burstiness,
    external,
    // Whether a door is open is asked anew by every run.
    door: 'none',
  };
}

function readPorts(value: unknown): PortRange | undefined {
  if (!isObject(value)) return undefined;
  const { from, to } = value;
  return isNumber(from, 1, 65_535) && isNumber(to, from, 65_535) ? { from, to } : undefined;
}

function isNumber(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 45;
}
