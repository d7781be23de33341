import type { NatKind, NatProfile } from '../../base/nat-profile.ts';
import type { Random } from '../../base/random.ts';
import { type Instant, type Millis, minutes } from '../../base/time.ts';
import { chanceOf, lean, leanOn, type Prior } from './belief.ts';
import type { Cells } from './cells.ts';
import { beta } from './chance.ts';
import type { Dossier } from './dossier.ts';
import type { Fact } from './fact.ts';
import {
  type Feature,
  featuresOf,
  profileOf,
  quotaFeature,
  quotaOf,
  SURE,
  timeoutFeature,
  timeoutOf,
} from './features.ts';
import { Heard } from './heard.ts';
import { ladder, type Rung, type Step } from './ladder.ts';
import type { Operators } from './operators.ts';
import { readSaved, type Saved, save, unpack } from './saved.ts';
import { Shelf } from './shelf.ts';
import type { Row } from './trials.ts';
import type { Way } from './ways.ts';

export interface KnowledgeOptions {
  /** For the choice of methods, and to tell households apart without keeping their names. */
  readonly random: Random;
  /** Whose network an address is in, where somebody has told. */
  readonly operators?: Operators | undefined;
  /** The hour of the week from Monday 0:00, 0 to 167; carriers' counters run with it. */
  readonly hourOf?: ((now: Instant) => number) | undefined;
  /** After this an observation counts half, so that a carrier which changes its ways is learned anew. */
  readonly halfLife?: Millis | undefined;
  /** Most keys per step. */
  readonly keys?: Partial<Readonly<Record<Step, number>>> | undefined;
}

/** Two weeks: 30 observations in one month are enough to stay known. */
const HALF_LIFE = minutes(14 * 24 * 60);
interface Bounds {
  /** Keys, about 1 kB each; those longest unheard of make room. */
  readonly keys: number;
  /**
   * Observations that a key keeps in mind. A carrier that changes its ways is believed again after ln 20 = 3 times as
   * many new ones; half as many would forget good knowledge over three wrong readings.
   */
  readonly memory: number;
  /** New names that a key listens to in a day. Behind one address of a carrier live 20 to 60 households. */
  readonly strangers: number;
}

const BOUNDS: Readonly<Record<Step, Bounds>> = {
  address: { keys: 32_768, memory: 100, strangers: 64 },
  network: { keys: 16_384, memory: 100, strangers: 64 },
  operator: { keys: 4096, memory: 300, strangers: 1024 },
  gateway: { keys: 1024, memory: 300, strangers: 1024 },
  fleet: { keys: 1, memory: 10_000, strangers: 65_536 },
};
/** So many observations make a carrier known, if SURE of them agree. */
const KNOWN = 20;
/** What is used without the kind needs this many. */
const SOME = 8;
/** Below this a household's reading of its NAT is a guess, and teaches nothing. */
const READ = 0.8;
/** A path after ten seconds of relaying is worth half of one at once. */
const HALF_WORTH_SECONDS = 10;

/**
 * What the fleet's households have found out about the NATs in front of them, by where they are: whoever comes to an
 * address, a network or an operator that others came from before need not find it all out again.
 */
export class Knowledge {
  readonly #random: Random;
  readonly #operators: Operators | undefined;
  readonly #hourOf: (now: Instant) => number;
  readonly #heard: Heard;
  readonly #shelves: Readonly<Record<Step, Shelf>>;
  #changes = 0;

  constructor({ random, operators, hourOf = () => 0, halfLife = HALF_LIFE, keys = {} }: KnowledgeOptions) {
    this.#random = random;
    this.#operators = operators;
    this.#hourOf = hourOf;
    this.#heard = new Heard(random);
    const shelf = (step: Step): Shelf => new Shelf(keys[step] ?? BOUNDS[step].keys, halfLife);
    this.#shelves = {
      address: shelf('address'),
      network: shelf('network'),
      operator: shelf('operator'),
      gateway: shelf('gateway'),
      fleet: shelf('fleet'),
    };
  }

  /** Counts up with whatever is worth writing down. */
  get changes(): number {
    return this.#changes;
  }

  /** Keys known per step. */
  sizes(): Readonly<Record<Step, number>> {
    const { address, network, operator, gateway, fleet } = this.#shelves;
    return {
      address: address.size,
      network: network.size,
      operator: operator.size,
      gateway: gateway.size,
      fleet: fleet.size,
    };
  }

  learn(fact: Fact, now: Instant): void {
    switch (fact.kind) {
      case 'profile':
        this.#learnProfile(fact, now);
        return;
      case 'outcome': {
        const { pairClass, method, success, after } = fact;
        const about = `${pairClass} ${method}`;
        for (const { step, dossier, source } of this.#open(fact, about, undefined, now)) {
          if (!dossier.hearUse(source, BOUNDS[step].strangers, now)) continue;
          dossier.toTrials().learn(pairClass, method, success, after / 1000);
          this.#changes++;
        }
        return;
      }
      case 'timeout':
        this.#learnFeature(fact, timeoutFeature(fact.lived), now);
        return;
      case 'quota':
        this.#learnFeature(fact, quotaFeature(fact.mappings), now);
        return;
    }
  }

  /**
   * The NAT of everybody at this address, where KNOWN observations of the address, its /24 or its operator say the
   * same and nothing finer speaks against it: sure enough to save a second look. See `profileOf` for blocks.
   */
  carrier(ip: string, now: Instant): NatProfile | undefined {
    const found = this.#find(ip, undefined, now).filter(({ step }) => step !== 'gateway' && step !== 'fleet');
    const place = found.findIndex(({ dossier }) => dossier.cells.total('kind') >= KNOWN);
    const cells = found[place]?.dossier.cells;
    const [first] = cells?.counts('kind') ?? [];
    if (cells === undefined || first === undefined) return undefined;
    const share = first.weight / cells.total('kind');
    const kind = first.value as NatKind;
    const belief = leanOn(share, kind, cellsOf(found.slice(0, place).reverse()));
    if (share < SURE || belief < SURE) return undefined;
    const profile = profileOf(cells, kind, Math.min(MOST_BELIEF, belief));
    return profile && { ...profile, drift: profile.step === 0 ? 0 : (this.drift(ip, now) ?? 0) };
  }

  /** How likely each kind is at this address, before anybody has looked. */
  prior(ip: string, now: Instant, gateway?: string): Prior {
    return lean(cellsOf(this.#find(ip, gateway, now).reverse()));
  }

  /** New mappings of others per second at this address and hour; undefined where nobody has measured any. */
  drift(ip: string, now: Instant): number | undefined {
    const hour = this.#hourOf(now);
    let mean: number | undefined;
    for (const { step, dossier } of this.#find(ip, undefined, now).reverse()) {
      if (step !== 'fleet') mean = dossier.drift?.mean(hour, mean) ?? mean;
    }
    return mean === undefined ? undefined : Math.expm1(mean);
  }

  /** How long nine of ten mappings live there without traffic. */
  timeout(ip: string, now: Instant): Millis | undefined {
    const cells = this.#finest(ip, 'timeout', now);
    return cells && timeoutOf(cells);
  }

  /** How many new mappings three of four households there got. */
  quota(ip: string, now: Instant): number | undefined {
    const cells = this.#finest(ip, 'quota', now);
    return cells && quotaOf(cells);
  }

  /**
   * One of the methods for a class of pairs, the usual one first: Thompson sampling, so each is tried as often as it may
   * be the best one. Its worth is its chance of a path, less the longer that takes. `ips` are the two sides' addresses.
   * Throws when there is nothing to choose from.
   */
  choose<Name extends Way>(
    pairClass: string,
    methods: readonly Name[],
    now: Instant,
    ips: readonly string[] = [],
  ): Name {
    const dossiers = this.#dossiers(ips, now);
    let best: { readonly method: Name; readonly worth: number } | undefined;
    for (const method of methods) {
      const { won, lost, seconds } = chanceOf(rowsOf(dossiers, pairClass, method), method === methods[0]);
      const worth = beta(won, lost, this.#random) / (1 + seconds / HALF_WORTH_SECONDS);
      if (best === undefined || worth > best.worth) best = { method, worth };
    }
    if (best === undefined) throw new RangeError('no method to choose from');
    return best.method;
  }

  /** Has anybody gone that way yet, there or anywhere? */
  hasTried(pairClass: string, method: Way, now: Instant, ips: readonly string[] = []): boolean {
    return rowsOf(this.#dossiers(ips, now), pairClass, method).length > 0;
  }

  /** Of the whole fleet and of these addresses' places, the coarse ones first. */
  #dossiers(ips: readonly string[], now: Instant): readonly Dossier[] {
    const places = ips.flatMap((ip) => this.#find(ip, undefined, now).filter(({ step }) => step !== 'fleet'));
    // The coarse ones first; of two sides' networks neither is the finer one.
    places.sort((a, b) => ORDER[b.step] - ORDER[a.step]);
    const fleet = this.#shelves.fleet.find('', now);
    return [...(fleet === undefined ? [] : [fleet]), ...places.map(({ dossier }) => dossier)];
  }

  /** All of it but what is known of single addresses, with counts and without households. To be written as JSON. */
  export(now: Instant): Saved {
    const { network, operator, gateway, fleet } = this.#shelves;
    return save({
      network: network.all(now),
      operator: operator.all(now),
      gateway: gateway.all(now),
      fleet: fleet.all(now),
    });
  }

  /** Adds what `export` wrote, here or elsewhere, to what is known: the number of its keys, or why it is no good. */
  import(value: unknown, now: Instant): number | string {
    const saved = readSaved(value);
    if (typeof saved === 'string') return saved;
    for (const page of saved.keys) unpack(page, this.#shelves[page.step].open(page.key, now));
    return saved.keys.length;
  }

  #learnProfile(fact: Extract<Fact, { kind: 'profile' }>, now: Instant): void {
    const { profile, primed, gateway } = fact;
    if (profile.kind === 'unknown' || profile.confidence < READ) return;
    const features = featuresOf(profile);
    const seen = primed ? features.slice(0, 1) : features;
    for (const { step, dossier, source } of this.#open(fact, 'profile', gateway, now)) {
      const one = step === 'address' ? profile.kind : undefined;
      if (!dossier.hearNat(source, one, BOUNDS[step].strangers, now)) continue;
      for (const feature of seen) addFeature(dossier, feature);
      if (profile.step !== 0 && !primed) dossier.toDrift().learn(this.#hourOf(now), profile.drift, 1);
      dossier.remember(BOUNDS[step].memory);
      this.#changes++;
    }
  }

  #learnFeature(fact: Extract<Fact, { kind: 'timeout' | 'quota' }>, feature: Feature, now: Instant): void {
    for (const { step, dossier, source } of this.#open(fact, fact.kind, undefined, now)) {
      if (!dossier.hearUse(source, BOUNDS[step].strangers, now)) continue;
      addFeature(dossier, feature);
      this.#changes++;
    }
  }

  /** The dossiers that a fact is for, if it is this household's first of that sort today. */
  #open({ by, ip }: Fact, about: string, gateway: string | undefined, now: Instant): Desk[] {
    return ladder(ip, by, this.#operators, gateway)
      .filter(({ step, key }) => this.#heard.first([by, step, key, about], now))
      .map(({ step, key, source }) => ({
        step,
        dossier: this.#shelves[step].open(key, now),
        source: this.#heard.name(source),
      }));
  }

  /** What there is of an address's ladder, finest first. */
  #find(ip: string, gateway: string | undefined, now: Instant): Place[] {
    return ladder(ip, '', this.#operators, gateway)
      .map((rung) => ({ ...rung, dossier: this.#shelves[rung.step].find(rung.key, now) }))
      .filter((place): place is Place => place.dossier !== undefined);
  }

  #finest(ip: string, facet: 'timeout' | 'quota', now: Instant): Cells | undefined {
    const places = this.#find(ip, undefined, now).filter(({ step }) => step !== 'fleet');
    return places.find(({ dossier }) => dossier.cells.total(facet) >= SOME)?.dossier.cells;
  }
}

type Place = Rung & { readonly dossier: Dossier };

interface Desk {
  readonly step: Step;
  readonly dossier: Dossier;
  /** Whose word it is there. */
  readonly source: number;
}

/** Never certain: a carrier has more than one box. */
const MOST_BELIEF = 0.99;
const ORDER: Readonly<Record<Step, number>> = { address: 0, network: 1, operator: 2, gateway: 3, fleet: 4 };

function cellsOf(places: readonly Place[]): Cells[] {
  return places.map(({ dossier }) => dossier.cells);
}

function addFeature({ cells }: Dossier, [facet, value]: Feature): void {
  cells.add(facet, value, 1);
}

function rowsOf(dossiers: readonly Dossier[], pairClass: string, method: Way): readonly Row[] {
  return dossiers.map(({ trials }) => trials?.row(pairClass, method)).filter((row) => row !== undefined);
}
