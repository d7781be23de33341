import { between, type Random } from '../base/random.ts';
import type { House, Manner } from './house.ts';
import { Sim, type SimOptions } from './sim.ts';

/** Streams that households can send, assumed (docs/tree.md): 0, 1, 2 and 4 for 35, 20, 30 and 15 in a hundred. */
export function capacity(random: Random): number {
  const drawn = random(100);
  return drawn < 35 ? 0 : drawn < 55 ? 1 : drawn < 85 ? 2 : 4;
}

export interface Crowd extends SimOptions {
  readonly households: number;
  /** Mean of the time that a household stays, exponential, in milliseconds; Infinity for ever. */
  readonly stay: number;
  /** Share of departures that are announced. */
  readonly announced?: number;
  readonly manner?: (random: Random) => Manner;
}

/** All households come within this, in milliseconds. */
const ARRIVE_WITHIN = 60_000;

/** A channel with its households: they come within a minute, and each that goes is replaced. */
export function settle(crowd: Crowd, within = ARRIVE_WITHIN): Sim {
  const sim = new Sim(crowd);
  for (let i = 0; i < crowd.households; i++) sim.at(between(sim.random, 0, within), () => come(sim, crowd));
  return sim;
}

export function come(sim: Sim, crowd: Crowd, slots = capacity(sim.random)): House {
  const house = sim.enter(slots, crowd.manner?.(sim.random) ?? 'honest');
  const asked = sim.now;
  const check = (): void => {
    if (!house.isAlive) return;
    if (house.playingSince === undefined) return sim.at(sim.now + 50, check);
    sim.tally.joins.push(house.playingSince - asked);
  };
  sim.at(sim.now + 50, check);
  if (crowd.stay < Infinity) sim.at(sim.now + exponential(sim.random, crowd.stay), () => go(sim, crowd, house));
  return house;
}

function go(sim: Sim, crowd: Crowd, house: House): void {
  if (!house.isAlive) return;
  if (sim.random(1000) < (crowd.announced ?? 0.5) * 1000) sim.leave(house);
  else sim.crash(house);
  come(sim, crowd);
}

function exponential(random: Random, mean: number): number {
  return -mean * Math.log((random(2 ** 32) + 1) / 2 ** 32);
}

/** Steps to the origin of everybody who plays, in order. */
export function depths(sim: Sim): number[] {
  return [...sim.houses.values()]
    .flatMap((house) => (house.id === 0 || house.playingSince === undefined ? [] : (house.depth ?? 99)))
    .sort((a, b) => a - b);
}

/** Who has come, and is without the stream now. */
export function without(sim: Sim): House[] {
  return [...sim.houses.values()].filter(
    ({ id, drought, playingSince }) => id !== 0 && (drought !== undefined || playingSince === undefined),
  );
}
