import type { Reason } from '../base/outcome.ts';
import { type Counting, stepsBetween } from './brackets.ts';
import type { PortRange } from '../base/nat-profile.ts';

/** One bracket of the post-mortem: what observers saw of the two probes around a datagram to the peer. */
export interface Bracket {
  readonly first: Sight | undefined;
  readonly second: Sight | undefined;
}

export interface Sight {
  readonly ip: string;
  readonly port: number;
}

/** What is known after an attempt that failed. */
export interface Evidence {
  /** Of the side whose ports had to be read, in the order they were fired; empty when it fired none. */
  readonly brackets: readonly Bracket[];
  readonly counting: Counting;
  /** Where its ports were believed to come from, if that is narrower than all. */
  readonly believed: PortRange | undefined;
  /** External addresses it was believed to have, and knocked at. */
  readonly external: readonly string[];
  /** Was its port known exactly, and knocked at? */
  readonly readExactly: boolean;
  /** It is believed to have one port for everybody. */
  readonly steady: boolean;
  /** Both have the same external address. */
  readonly sameExternal: boolean;
  /** The other side's NAT gives its port away to whoever comes first, or may. */
  readonly poison: boolean;
  /** Its mappings may have been forgotten before they were knocked at, or an own limit held it back. */
  readonly refusedMappings: boolean;
  /** Share of the datagrams of the attempt that the rendezvous saw of those it should have seen. */
  readonly arrived: number;
  /** Sockets of the hard side whose probes were seen in part. */
  readonly halves: number;
}

/** Fewer probes than this share arrive on a bad line only. */
const LOSSY = 0.8;
/** So many sockets seen by halves are a bad line's work. */
const HALVES = 2;
/** Steps between two probes of one tick, where it is a counter that gives the ports. */
const NARROW = 8;

/**
 * Why it failed. A counter and a lottery cannot be mixed up: random ports look narrow three times in (8/64512)^3, in a
 * block of 512 still only in 4 of a million, and no latency makes the bracket of a counter wide.
 */
export function label(evidence: Evidence): Reason {
  const { brackets, external, readExactly, poison } = evidence;
  if (evidence.sameExternal) return 'hairpin';
  const sights = brackets.flatMap(({ first, second }) => [first, second]).filter((one) => one !== undefined);
  const sent = 2 * brackets.length;
  // A quota refuses whole sockets; a bad line takes one datagram here and one there.
  const silent = brackets.filter(({ first, second }) => first === undefined && second === undefined).length;
  if (evidence.refusedMappings || (sent > 0 && silent > brackets.length / 2 && evidence.halves < HALVES))
    return 'quota';
  if (external.length > 0 && sights.some(({ ip }) => !external.includes(ip))) return 'pool';
  if (new Set(sights.map(({ ip }) => ip)).size > 1) return 'pool';
  if (sights.length < LOSSY * sent || evidence.arrived < LOSSY) return 'loss';
  if (hops(evidence, sights)) return 'block-hop';
  if (!(evidence.steady ? isSteady(brackets) : isCounted(evidence))) return 'random';
  if (!readExactly) return 'drift';
  return poison ? 'poison' : 'filter';
}

/** At least two of three brackets are narrow; every one that lacks a side says nothing. */
export function isCounted({ brackets, counting }: Pick<Evidence, 'brackets' | 'counting'>): boolean {
  if (counting.counters > 1) return isLinked(brackets, counting);
  const whole = brackets.filter(({ first, second }) => first !== undefined && second !== undefined);
  const narrow = whole.filter(({ first, second }) => {
    const steps = stepsBetween(first?.port ?? 0, second?.port ?? 0, counting);
    return steps !== undefined && steps > 0 && steps <= NARROW;
  });
  return narrow.length >= Math.max(1, whole.length - 1);
}

/** All but one of the brackets say the same port twice. */
function isSteady(brackets: readonly Bracket[]): boolean {
  const whole = brackets.filter(({ first, second }) => first !== undefined && second !== undefined);
  return whole.filter(({ first, second }) => first?.port === second?.port).length >= Math.max(1, whole.length - 1);
}

/** Several counters take turns: of six ports at least two follow another one, which random ones do once in 30,000. */
function isLinked(brackets: readonly Bracket[], counting: Counting): boolean {
  const ports = brackets.flatMap(({ first, second }) => [first?.port, second?.port]).filter((one) => one !== undefined);
  const linked = ports.filter((port, i) =>
    ports.slice(0, i).some((before) => {
      const steps = stepsBetween(before, port, counting);
      return steps !== undefined && steps > 0 && steps <= NARROW;
    }),
  );
  return linked.length >= Math.max(1, ports.length - counting.counters);
}

function hops({ believed }: Evidence, sights: readonly Sight[]): boolean {
  if (believed === undefined || sights.length === 0) return false;
  const inside = sights.filter(({ port }) => port >= believed.from && port <= believed.to).length;
  return inside < sights.length / 2;
}
