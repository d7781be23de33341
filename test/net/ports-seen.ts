import type { Probed } from './probing.ts';

/** What two bursts, a second or so apart, must look like; the first from two sockets, the second from one. */
export type Look = (first: readonly Probed[], later: readonly Probed[]) => string | undefined;

const [FIRST, LAST] = [1024, 65_535];

/** The ports of a burst in the order of sending; fails on a datagram that did not come back. */
export function portsOf(all: readonly Probed[]): readonly number[] {
  return all.flatMap(({ seen }) =>
    seen.map((address) => {
      if (address === undefined) throw new Error('an observer did not answer');
      return address.port;
    }),
  );
}

/** One port for all destinations, this far from the socket's own. */
export function distance(by: number): Look {
  return each(({ local, seen }) => seen.every((address) => address?.port === local + by), `own port + ${by} for all`);
}

/** One port for all destinations, in the same block for every socket; `from` where it is known. */
export function oneOfBlock(size: number, from?: number): Look {
  return (first, later) => {
    const all = [...first, ...later];
    if (all.some(({ seen }) => new Set(seen.map((address) => address?.port)).size > 1)) return 'several ports for one';
    return inBlock(portsOf(all), size, from) ?? (new Set(portsOf(all)).size < all.length ? 'a port twice' : undefined);
  };
}

/** The socket's own port for its first destination, then any. */
export const ownFirst: Look = each(
  ({ local, seen: [head, ...tail] }) => head?.port === local && differ(tail.map((address) => address?.port)),
  'own port for the first only',
);

/** A port per server address, one after the other. */
export const perAddress: Look = each(({ seen }) => {
  const ports = [...new Set(seen.map((address) => `${address?.ip} ${address?.port}`))];
  const [a = 0, b = 0] = [...new Set(seen.map((address) => address?.port ?? 0))];
  return ports.length === 2 && step(a, b) === 1 && seen.every((address, i) => address?.port === seen[i % 2]?.port);
}, 'two ports in order, one for each address');

/** Each destination `stride` further, also from one socket to the next; `foreign`: others may have taken some between. */
export function steps(stride: number, foreign: boolean): Look {
  return (first, later) => {
    const ports = portsOf([...first, ...later]);
    const taken = ports.slice(1).map((port, i) => step(ports[i] ?? 0, port) / stride);
    if (taken.some((number) => !Number.isInteger(number) || number < 1)) return `steps of ${taken.join(' ')}`;
    if (!foreign) return taken.every((number) => number === 1) ? undefined : `steps of ${taken.join(' ')}`;
    const others = taken.reduce((sum, number) => sum + number - 1, 0);
    return others > 0 && others < 100 ? undefined : `${others} mappings of others`;
  };
}

/** From a few counters, each in steps of one. */
export function chains(counters: number): Look {
  return (first, later) => {
    const ports = portsOf([...first, ...later]);
    const ends: number[] = [];
    for (const port of ports) {
      const chain = ends.findIndex((end) => step(end, port) === 1);
      ends[chain < 0 ? ends.length : chain] = port;
    }
    return ends.length === counters ? undefined : `${ends.length} chains in ${ports.join(' ')}`;
  };
}

/** A random port per destination in this range. */
export function anyOf(from: number, to: number): Look {
  return (first, later) => {
    const ports = portsOf([...first, ...later]);
    if (ports.some((port) => port < from || port > to)) return `outside ${from}-${to}: ${ports.join(' ')}`;
    if (Math.max(...ports) - Math.min(...ports) < (to - from) / 2) return `narrow: ${ports.join(' ')}`;
    return differ(ports) ? undefined : `not random: ${ports.join(' ')}`;
  };
}

/** A random port per destination in one block. */
export function anyOfBlock(size: number, from?: number): Look {
  return (first, later) => {
    const ports = portsOf([...first, ...later]);
    return inBlock(ports, size, from) ?? (differ(ports) ? undefined : `not random: ${ports.join(' ')}`);
  };
}

/** In order through one block, and at its end from its beginning. */
export function stepsInBlock(size: number): Look {
  return (first, later) => {
    const ports = portsOf([...first, ...later]);
    const odd = ports.some((port, i) => i > 0 && (port - (ports[i - 1] ?? 0) + size) % size !== 1);
    return inBlock(ports, size) ?? (odd ? `not in order: ${ports.join(' ')}` : undefined);
  };
}

/** Aligned as carriers do it, counted from 1024; or where `from` says. */
function inBlock(ports: readonly number[], size: number, from?: number): string | undefined {
  const start = from ?? FIRST + Math.floor(((ports[0] ?? 0) - FIRST) / size) * size;
  return ports.every((port) => port >= start && port < start + size) ? undefined : `no block: ${ports.join(' ')}`;
}

/** Different but for a few (the kernel gives a port again to another destination), and in no order. */
function differ(ports: readonly (number | undefined)[]): boolean {
  const rising = ports.filter((port, i) => i > 0 && (port ?? 0) > (ports[i - 1] ?? 0)).length;
  return new Set(ports).size > ports.length * 0.8 && rising > 1 && rising < ports.length - 2;
}

/** From one port to another, the short way round. */
function step(a: number, b: number): number {
  const size = LAST - FIRST + 1;
  return ((((b - a + size / 2) % size) + size) % size) - size / 2;
}

function each(fits: (one: Probed) => boolean, words: string): Look {
  return (first, later) => {
    const odd = [...first, ...later].find((one) => !fits(one));
    return odd === undefined ? undefined : `not ${words}: ${odd.local} as ${portsOf([odd]).join(' ')}`;
  };
}
