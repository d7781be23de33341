import { setTimeout as pause } from 'node:timers/promises';
import { type Household, Lab, type Space } from './lab.ts';
import type { LineShape } from './line.ts';
import { classOf, type PairClass } from './matrix-bars.ts';
import type { Load } from './watch.ts';
import { atGateway, type MATRIX } from './nats.ts';
import { hearth, type Rendezvous, startAgent, startRendezvous, States } from './programs.ts';

export type MatrixKind = (typeof MATRIX)[number];

/** One `hearth ping` as its user saw it. */
export interface Read {
  /** The line it printed. */
  readonly line: string;
  /** Undefined when nothing carried. */
  readonly method: string | undefined;
  readonly direct: boolean;
  /** Seconds to a direct path; undefined without one. */
  readonly directAfter: number | undefined;
  /** Seconds to the first byte by whatever way. */
  readonly firstByte: number | undefined;
}

export interface Attempt extends Read {
  readonly from: MatrixKind;
  readonly to: MatrixKind;
  /** What it cost the routers and lines of the asker and the listener; nothing where nobody watched. */
  readonly loads: readonly Load[];
}

export interface MatrixOptions {
  readonly kinds: readonly MatrixKind[];
  readonly runs: number;
  /** Where the agents are: on a computer of the house, or on the router itself. */
  readonly place: 'host' | 'gateway';
  /** Each household's line. */
  readonly line: LineShape;
  /** Pings at once; two of them share neither asker nor listener. */
  readonly atOnce: number;
  readonly patience: number;
  /** Count mappings, flows and datagrams of both households. */
  readonly watched?: boolean;
  readonly told?: (attempt: Attempt) => void;
}

const OBSERVING_PORTS = 8;

/** Every ordered pair of kinds by `hearth agent` and `hearth ping`, over real packets. */
export async function matrix(options: MatrixOptions): Promise<readonly Attempt[]> {
  const { kinds, runs, place, line, atOnce, patience } = options;
  const states = new States();
  const lab = await Lab.create();
  try {
    const server = await lab.internet({ addresses: 2 });
    const rendezvous = await startRendezvous(lab, server, states, [], OBSERVING_PORTS);
    const askers = new Map<string, Household>();
    const listeners = new Map<string, Household>();
    const nodes = new Map<string, string>();
    const settle = async (kind: MatrixKind, game: Game): Promise<void> => {
      const nat = place === 'host' ? kind : atGateway(kind);
      askers.set(`${kind} ${game}`, await lab.household({ nat, line }));
      const listener = await lab.household({ nat, line });
      listeners.set(`${kind} ${game}`, listener);
      const { node } = await startAgent(lab, where(listener, place), rendezvous.place, states, ['--lan', 'off']);
      nodes.set(`${kind} ${game}`, node);
    };
    for (const kind of kinds) {
      await settle(kind, 'plain');
      if (kinds.some((other) => gameOf({ from: kind, to: other }) === 'lottery')) await settle(kind, 'lottery');
    }
    const attempts: Attempt[] = [];
    const waiting = inTurns(kinds, runs);
    /** Until when a household is left alone. */
    const free = new Map<string, number>();
    const worker = async (): Promise<void> => {
      for (;;) {
        const isFree = (name: string): boolean => (free.get(name) ?? 0) <= performance.now();
        const next = waiting.findIndex((pair) => namesOf(pair).every(isFree));
        const [pair] = next < 0 ? [] : waiting.splice(next, 1);
        if (pair === undefined) {
          if (waiting.length === 0) return;
          await pause(50);
          continue;
        }
        const { from, to } = pair;
        const names = namesOf(pair);
        for (const name of names) free.set(name, Infinity);
        const game = gameOf(pair);
        const [asker, listener] = [askers.get(`${from} ${game}`), listeners.get(`${to} ${game}`)];
        if (asker === undefined || listener === undefined) throw new Error(`nobody is behind ${from} or ${to}`);
        const node = nodes.get(`${to} ${game}`) ?? '';
        const houses = options.watched === true ? [asker, listener] : [];
        const watches = await Promise.all(houses.map((house) => house.watch()));
        const told = await pingOnce(lab, where(asker, place), node, rendezvous, patience);
        const loads = await Promise.all(watches.map((watch) => watch.read()));
        await Promise.all(watches.map((watch) => watch.stop()));
        const attempt = { from, to, loads, ...told };
        for (const name of names) free.set(name, performance.now() + REST_MS[classOf(from, to)]);
        attempts.push(attempt);
        options.told?.(attempt);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return attempts;
  } finally {
    await lab.close();
    states.remove();
  }
}

/**
 * No household makes more than 512 mappings a minute: two birthdays, or one lottery in two attempts, which also leaves a block
 * nearly full until its mappings die. So both sides rest after one, and who plays lotteries does nothing else; a person seldom
 * pings twelve houses in a minute.
 */
const REST_MS: Readonly<Record<PairClass, number>> = {
  knowable: 0,
  unknowable: 0,
  spray: 31_000,
  lottery: 61_000,
  fill: 61_000,
};

type Game = 'plain' | 'lottery';
type Pair = Pick<Attempt, 'from' | 'to'>;

function gameOf({ from, to }: Pair): Game {
  const kind = classOf(from, to);
  return kind === 'lottery' || kind === 'fill' ? 'lottery' : 'plain';
}

function namesOf(pair: Pair): readonly string[] {
  return [`from ${pair.from} ${gameOf(pair)}`, `to ${pair.to} ${gameOf(pair)}`];
}

function where({ host, gateway }: Household, place: MatrixOptions['place']): Space {
  return place === 'host' ? host : gateway;
}

/** All pairs once, then all once more, so that a NAT is seen at different states of its table. */
function inTurns(kinds: readonly MatrixKind[], runs: number): { from: MatrixKind; to: MatrixKind }[] {
  const once = kinds.flatMap((_, turn) =>
    kinds.map((from, i) => ({ from, to: kinds[(i + turn) % kinds.length] ?? from })),
  );
  return Array.from({ length: runs }, () => once).flat();
}

/** `hearth ping` of one household. */
export async function pingOnce(
  lab: Lab,
  from: Space,
  node: string,
  { place }: Rendezvous,
  patience: number,
): Promise<Read> {
  const child = hearth(lab, from, ['ping', node, '--rendezvous', place, '--patience', String(patience)]);
  await child.ended;
  return read(child.lines.at(-1) ?? `nothing was printed: ${child.errors}`);
}

const DIRECT = /^connected direct (\S+) after ([\d.]+) s, first byte after ([\d.]+) s by \S+$/;
const RELAYED = /^connected relay (\S+) after ([\d.]+) s: \S+$/;

function read(line: string): Read {
  const [, direct, after, first] = DIRECT.exec(line) ?? [];
  if (direct !== undefined) {
    return { line, method: direct, direct: true, directAfter: Number(after), firstByte: Number(first) };
  }
  const [, relay, carried] = RELAYED.exec(line) ?? [];
  return {
    line,
    method: relay,
    direct: false,
    directAfter: undefined,
    firstByte: relay === undefined ? undefined : Number(carried),
  };
}
