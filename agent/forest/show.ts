import { type Random, seeded } from '../base/random.ts';
import { Blow, type Cause, CUSHION } from './blow.ts';
import type { Drought, House } from './house.ts';
import type { TreeOrder } from './order.ts';
import { Population } from './population.ts';
import { type Facts, type HouseState, rows, type TreeShot } from './shot.ts';
import { Sim } from './sim.ts';
import { lateness } from './stream.ts';
import { Strip } from './strip.ts';
import type { Witness } from './witness.ts';

/** So few that a carrier's outage is felt in a small forest too. */
const CARRIERS = 12;
const SHARE_OF_FEEDERS = 0.3;
const BLOWS_KEPT = 10;
/** A gap is shown for so long after it, in milliseconds: one of 50 ms would pass unseen. */
const GAP_SHOWN = 2500;
/** A forest that is small enough to be worked out at once is shown when it has come to rest. */
const SMALL = 120;
const AT_REST = 20_000;

export interface ShowOptions {
  readonly seed: number;
  /** Children of one household at most, 2 to 8. */
  readonly most: number;
  readonly households: number;
}

interface Record {
  worst: number;
  gapAt: number;
}

/** A forest that somebody looks at and strikes: what they see, and what each blow did. Its clock is moved by `run`. */
export class Show implements Witness {
  readonly #sim: Sim;
  readonly #random: Random;
  readonly #population: Population;
  readonly #strip = new Strip();
  readonly #records = new WeakMap<House, Record>();
  readonly #blamed = new Map<House, Blow>();
  /** Newest first. */
  readonly #blows: Blow[] = [];
  #seq = 0;

  constructor({ seed, most, households }: ShowOptions) {
    this.#sim = new Sim({ seed, most, prefixes: CARRIERS });
    this.#random = seeded(seed + 1);
    this.#sim.tally.witness = this;
    this.#population = new Population(this.#sim, households);
    if (households <= SMALL) this.#sim.run(AT_REST);
  }

  /** Of the simulation, in milliseconds. */
  get now(): number {
    return this.#sim.now;
  }

  get wanted(): number {
    return this.#population.wanted;
  }

  run(until: number): void {
    this.#sim.run(until);
  }

  /** Carries out an order; answers with a sentence when it cannot be. */
  order(order: Exclude<TreeOrder, { what: 'speed' | 'children' }>): string | undefined {
    switch (order.what) {
      case 'kill':
      case 'leave':
        return this.#one(order.what, order.house);
      case 'kill-feeders':
        return this.#feeders();
      case 'carrier-out':
        return this.#carrier();
      case 'rendezvous':
        return this.#rendezvous(order.on);
      case 'stay':
        this.#population.stay = order.seconds === null ? Infinity : order.seconds * 1000;
        return undefined;
      case 'size':
        this.#population.wanted = order.households;
        return undefined;
    }
  }

  shot(): TreeShot {
    const { now, most, registry } = this.#sim;
    const { stay, wanted } = this.#population;
    const late = (house: House): number => this.#late(house);
    return {
      atMs: Math.round(now),
      cushionMs: CUSHION,
      most,
      wanted,
      stayS: stay === Infinity ? null : stay / 1000,
      rendezvous: registry.isThere,
      ...rows(this.#population.households(), (house) => this.#state(house)),
      blows: this.#blows.map((blow) => blow.account(now, late)),
      strip: this.#strip.worst(now),
    };
  }

  /** One household in facts; undefined when it is not there. */
  facts(id: number): Facts | undefined {
    const house = this.#sim.houses.get(id);
    if (house === undefined) return undefined;
    const { source, member } = house;
    const playing = house.playingSince;
    return {
      id,
      carrier: house.prefix,
      state: this.#state(house),
      slots: house.slots,
      depth: house.depth ?? null,
      parent: source?.id ?? null,
      children: [...house.under].map((child) => child.id),
      // A session with one that has gone is noticed after seconds; here it would be a line to nowhere.
      spares: member.warm.filter((peer) => this.#sim.houses.has(peer)),
      below: [...house.all()].length - 1,
      rttMs: source === undefined ? null : Math.round(this.#sim.net.rtt(id, source.id)),
      playsForMs: playing === undefined ? null : Math.round(this.now - playing),
      worstMs: Math.round(Math.max(this.#records.get(house)?.worst ?? 0, house.drought?.worst ?? 0, this.#late(house))),
    };
  }

  dried(house: House, now: number): void {
    const blow = this.#blows.find((one) => one.explains(house, now));
    if (blow === undefined) return;
    this.#blamed.set(house, blow);
    blow.dried(house);
  }

  mended(house: House, drought: Drought, now: number): void {
    this.#blamed.get(house)?.mended(house, now - drought.since);
  }

  flowed(house: House, drought: Drought, now: number): void {
    this.#blamed.get(house)?.flowed(house, drought.worst);
    this.#blamed.delete(house);
    this.#strip.late(drought.worst, now);
    const before = this.#records.get(house);
    this.#records.set(house, {
      worst: Math.max(before?.worst ?? 0, drought.worst),
      gapAt: drought.worst > CUSHION ? now : (before?.gapAt ?? -Infinity),
    });
  }

  followed(house: House, now: number): void {
    for (const blow of this.#blows) blow.followed(house, now);
  }

  #one(how: 'kill' | 'leave', id: number): string | undefined {
    const house = this.#sim.houses.get(id);
    if (id === 0) return 'The origin stays: it is the channel.';
    if (house === undefined) return `Household ${id} has gone already.`;
    this.#strike({ kind: how === 'kill' ? 'killed' : 'left', house: id }, [house]);
    return undefined;
  }

  #feeders(): string | undefined {
    const feeders = this.#population.households().filter(({ under }) => under.size > 0);
    const many = Math.round(feeders.length * SHARE_OF_FEEDERS);
    if (many === 0) return 'There are too few that feed others.';
    const doomed: House[] = [];
    while (doomed.length < many) doomed.push(...feeders.splice(this.#random(feeders.length), 1));
    this.#strike({ kind: 'feeders', many }, doomed);
    return undefined;
  }

  #carrier(): string | undefined {
    const all = this.#population.households();
    const carrier = all[this.#random(Math.max(1, all.length))]?.prefix;
    if (carrier === undefined) return 'Nobody is here.';
    const doomed = all.filter(({ prefix }) => prefix === carrier);
    this.#strike({ kind: 'carrier', carrier, many: doomed.length }, doomed);
    return undefined;
  }

  #strike(cause: Cause, going: readonly House[]): void {
    this.#blows.unshift(new Blow(++this.#seq, cause, new Set(going), this.now));
    if (this.#blows.length > BLOWS_KEPT) this.#blows.pop();
    this.#population.mourn(going);
    for (const house of going)
      if (cause.kind === 'left') this.#sim.leave(house);
      else this.#sim.crash(house);
  }

  #rendezvous(on: boolean): string | undefined {
    const { registry } = this.#sim;
    if (registry.isThere === on) return on ? 'The rendezvous is there.' : 'The rendezvous is off already.';
    if (on) registry.start();
    else registry.stop();
    return undefined;
  }

  #late(house: House): number {
    return house.drought === undefined ? 0 : Math.max(0, lateness(house.drought, this.now));
  }

  #state(house: House): HouseState {
    if (house.playingSince === undefined && house.id !== 0) return 'arriving';
    const { drought } = house;
    const gapAt = this.#records.get(house)?.gapAt ?? -Infinity;
    if (this.#late(house) > CUSHION || this.now - gapAt < GAP_SHOWN) return 'gap';
    if (drought === undefined) return 'playing';
    return drought.worst > 0 ? 'mended' : 'dry';
  }
}
