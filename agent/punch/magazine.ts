import type { Shot, VolleyPlan } from '../base/volley.ts';
import { permuted } from './permutation.ts';

/** One datagram of a volley; `by` counts its sockets from 1, `shot` its place in the volley from 0. */
export type Round =
  | { readonly kind: 'probe'; readonly by: number; readonly shot: number; readonly observer: number }
  | { readonly kind: 'knock'; readonly by: number; readonly shot: number; readonly ip: string; readonly port: number };

/**
 * The datagrams of a volley in the order they leave: socket after socket, each with all of its shots. Made one by one,
 * so that a volley costs no more memory than its message. `again` leaves out what is not repeated: probes and sprays.
 */
export function* rounds(volley: VolleyPlan, sockets: number, again: boolean): Generator<Round, undefined> {
  for (let by = 1; by <= sockets; by++) {
    let shot = 0;
    for (const one of volley.shots) {
      if ((one.by === 0 || one.by === by) && (!again || one.kind === 'knock'))
        yield* roundsOf(one, by, shot, volley.ips);
      shot += length(one);
    }
  }
}

/** Datagrams of a volley, and how many addresses of the peer the busiest of its sockets writes to. */
export function measure(volley: VolleyPlan, sockets: number): { readonly rounds: number; readonly widest: number } {
  let [common, all] = [0, 0];
  const own = new Map<number, number>();
  for (const one of volley.shots) {
    if (one.by > sockets) continue;
    const size = length(one);
    all += one.by === 0 ? size * sockets : size;
    if (one.kind === 'probe') continue;
    if (one.by === 0) common += size;
    else own.set(one.by, (own.get(one.by) ?? 0) + size);
  }
  return { rounds: all, widest: common + Math.max(0, ...own.values()) };
}

function length(shot: Shot): number {
  switch (shot.kind) {
    case 'probe':
      return 1;
    case 'knock':
      return shot.ports.length;
    case 'spray':
      return sprayed(shot);
  }
}

/** A range has no more ports than it has. */
function sprayed({ from, to, skip, count }: Extract<Shot, { kind: 'spray' }>): number {
  return Math.max(0, Math.min(count, to - from + 1 - skip));
}

function* roundsOf(one: Shot, by: number, first: number, ips: readonly string[]): Generator<Round, undefined> {
  if (one.kind === 'probe') {
    yield { kind: 'probe', by, shot: first, observer: one.observer };
    return;
  }
  const ip = ips[one.ip];
  if (ip === undefined) return;
  switch (one.kind) {
    case 'knock':
      for (const [i, port] of one.ports.entries()) yield { kind: 'knock', by, shot: first + i, ip, port };
      return;
    case 'spray': {
      const nth = permuted(one.seed, one.to - one.from + 1);
      const count = sprayed(one);
      for (let i = 0; i < count; i++) {
        yield { kind: 'knock', by, shot: first + i, ip, port: one.from + nth(one.skip + i) };
      }
    }
  }
}
