import type { Description, Service } from './description.ts';
import { type Outside, judgeOutside } from './outside.ts';
import { allowedControl, type Place } from './url.ts';

/** A service that may be asked, and where. */
export interface Candidate {
  readonly service: Service;
  readonly place: Place;
}

/** What a service said of its connection; undefined where it would not say. */
export interface Connection {
  readonly connected: boolean | undefined;
  readonly external: string | undefined;
}

export const UNKNOWN_CONNECTION: Connection = { connected: undefined, external: undefined };

/** Routers with several WANs have two or three; more are not worth the time of the first one. */
const MOST_CANDIDATES = 4;

/**
 * The services of a description that may be asked: those that map ports, WANIPConnection:2 before :1 before WANPPPConnection; for
 * IPv6 (`six`) those that open pinholes.
 */
export function candidatesOf(description: Description, at: Place, six: boolean): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const service of description.services) {
    if ((service.kind === 'firewall6') !== six) continue;
    const place = allowedControl(service.control, description.base, at);
    if (typeof place !== 'string') found.set(`${service.type} ${place.path}`, { service, place });
  }
  const rank = ({ service }: Candidate): number => (service.kind === 'ppp' ? 10 : 0) - service.version;
  return [...found.values()].toSorted((a, b) => rank(a) - rank(b)).slice(0, MOST_CANDIDATES);
}

/** The connected one first: best with an address that is good outside, then what would not say; what is down comes last. */
export function bestFirst(
  candidates: readonly Candidate[],
  connections: readonly Connection[],
): readonly (Candidate & Connection)[] {
  return candidates
    .map((candidate, i) => ({ ...candidate, ...(connections[i] ?? UNKNOWN_CONNECTION) }))
    .toSorted((a, b) => worth(b) - worth(a));
}

const ADDRESS_WORTH: Readonly<Record<Outside, number>> = {
  open: 3,
  unconfirmed: 3,
  differs: 3,
  'double-nat': 2,
  'carrier-nat': 2,
  'no-address': 0,
};

function worth({ connected, external }: Connection): number {
  if (connected === false) return -1;
  return ADDRESS_WORTH[judgeOutside(external, undefined)] + (connected === true ? 1 : 0);
}

/** Words that routers use for a line that is up; the standard has but the first. */
const UP = new Set(['connected', 'up', 'online']);

export function isUp(status: string | undefined): boolean | undefined {
  return status === undefined || status === '' ? undefined : UP.has(status.toLowerCase());
}
