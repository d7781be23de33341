import type { Address } from '../../agent/base/address.ts';
import type { Arena, Muzzle, Party } from './arena.ts';

/*
 * EasyTier's hole punching, from its description. A NAT is read in advance: one socket to several observers, and one
 * probe from another socket. An attempt asks for the counter's present state (`base`) and fires around it.
 */

interface Reading {
  /** `easy`: ports that differ by at most 15 and a second socket's less than 100 away; `step` is their direction. */
  readonly kind: 'cone' | 'easy' | 'hard';
  readonly step: 1 | -1;
}

interface Side {
  readonly party: Party;
  readonly reading: Reading;
  /** A cone's socket, and what observers see of it. */
  readonly main: Muzzle;
  readonly seen: Address;
}

const SPAN = 15;
const NEAR = 100;
const PROBE_TIMEOUT = 3000;
const ARRAY = 84;
const AHEAD = 50;
const REPEATS = 3;
const LISTS = 2;
const BETWEEN = 1;
const PORTS_MOST = 800;
const PORTS_LEAST = 180;
const SHRINK = 2;
const BACK_OFF = [1000, 1000, 2000, 4000, 4000, 8000];
const BOTH_ARRAY = 25;
const BOTH_AHEAD = 20;
const BOTH_EVERY = 100;
const BOTH_FOR = 5500;

export function easyTier(arena: Arena): void {
  const [a, b] = arena.parties;
  read(arena, a, (left) => {
    read(arena, b, (right) => {
      const start = arena.now > arena.asked ? arena.now : arena.asked;
      arena.world.at(start, () => attempt(arena, left, right, 0));
    });
  });
}

function read(arena: Arena, party: Party, done: (side: Side) => void): void {
  const main = party.open();
  main.probe(arena.observers, PROBE_TIMEOUT, (seen) => {
    const last = seen.at(-1);
    if (last === undefined) {
      read(arena, party, done);
      return;
    }
    party.open().probe(arena.observers.slice(0, 1), PROBE_TIMEOUT, ([extra]) => {
      done({ party, main, seen: last, reading: readingOf(seen, extra) });
    });
  });
}

function readingOf(seen: readonly Address[], extra: Address | undefined): Reading {
  const ports = seen.map(({ port }) => port);
  const [least, most] = [Math.min(...ports), Math.max(...ports)];
  const step = (ports.at(-1) ?? 0) < (ports[0] ?? 0) ? -1 : 1;
  if (new Set(seen.map(({ ip }) => ip)).size > 1) return { kind: 'hard', step };
  if (least === most) return { kind: 'cone', step };
  const follows = extra !== undefined && Math.abs(extra.port - (step > 0 ? most : least)) < NEAR;
  return { kind: most - least <= SPAN && follows ? 'easy' : 'hard', step };
}

function attempt(arena: Arena, a: Side, b: Side, round: number): void {
  const next = (span: number): void =>
    arena.later(span + (BACK_OFF[round] ?? 16_000), () => attempt(arena, a, b, round + 1));
  const [cone, hard] = a.reading.kind === 'cone' ? [a, b] : [b, a];
  // One message by way of the server brings the two together.
  arena.later(2 * arena.delay, () => {
    if (cone.reading.kind !== 'cone') {
      if (a.reading.kind === 'easy' && b.reading.kind === 'easy') bothEasy(arena, [a, b], next);
    } else if (hard.reading.kind === 'cone') {
      a.main.knock(b.seen);
      b.main.knock(a.seen);
      next(500);
    } else if (hard.reading.kind === 'easy' && round === 0) ahead(arena, cone, hard, next);
    else anywhere(arena, cone, hard, round, next);
  });
}

/** The counting side opens an array of sockets right after its counter was read, the other fires at what follows. */
function ahead(arena: Arena, cone: Side, hard: Side, next: (span: number) => void): void {
  hard.party.open().probe(arena.observers.slice(0, 1), PROBE_TIMEOUT, ([base]) => {
    if (base === undefined) {
      next(0);
      return;
    }
    for (let i = 0; i < ARRAY; i++) hard.party.open().knock(cone.seen);
    arena.phase = 'predicted';
    arena.later(2 * arena.delay, () => {
      const ports = Array.from({ length: AHEAD }, (_, i) => base.port + hard.reading.step * (i + 1));
      next(fire(arena, cone.main, base.ip, ports));
    });
  });
}

/** An array on the hard side, and ports anywhere on the other; fewer in each round. */
function anywhere(arena: Arena, cone: Side, hard: Side, round: number, next: (span: number) => void): void {
  arena.phase = 'any port';
  for (let i = 0; i < ARRAY; i++) hard.party.open().knock(cone.seen);
  const count = Math.max(PORTS_LEAST, PORTS_MOST - arena.random(200) - SHRINK * round);
  const ports = Array.from({ length: count }, () => 1024 + arena.random(64_512));
  arena.later(2 * arena.delay, () => next(fire(arena, cone.main, hard.seen.ip, ports)));
}

/** The list of ports, each several times, and the whole list twice; how long it takes. */
function fire(arena: Arena, socket: Muzzle, ip: string, ports: readonly number[]): number {
  const whole = Array.from({ length: LISTS }, () => ports).flat();
  for (const [i, port] of whole.entries()) {
    arena.later(i * BETWEEN, () => {
      for (let repeat = 0; repeat < REPEATS; repeat++) socket.knock({ ip, port });
    });
  }
  return whole.length * BETWEEN;
}

/** Each side reads its counter, and an array of sockets fires at a fixed distance ahead of the other one's. */
function bothEasy(arena: Arena, sides: readonly [Side, Side], next: (span: number) => void): void {
  const bases: (Address | undefined)[] = [undefined, undefined];
  let asked = 0;
  const arrays = sides.map(({ party }) => Array.from({ length: BOTH_ARRAY }, () => party.open()));
  for (const [i, { party }] of sides.entries()) {
    party.open().probe(arena.observers.slice(0, 1), PROBE_TIMEOUT, ([base]) => {
      bases[i] = base;
      const [left, right] = bases;
      if (++asked < bases.length) return;
      if (left === undefined || right === undefined) {
        next(0);
        return;
      }
      arena.phase = 'predicted';
      arena.later(2 * arena.delay, () => {
        for (let span = 0; span < BOTH_FOR; span += BOTH_EVERY) {
          arena.later(span, () => {
            for (const [side, array] of arrays.entries()) {
              const base = side === 0 ? right : left;
              const { step } = (side === 0 ? sides[1] : sides[0]).reading;
              for (const socket of array) socket.knock({ ip: base.ip, port: base.port + step * BOTH_AHEAD });
            }
          });
        }
        next(BOTH_FOR);
      });
    });
  }
}
