import type { Random } from '../../../agent/base/random.ts';
import { between } from '../../../agent/base/random.ts';
import { come, type Crowd, depths, settle, without } from '../../../agent/forest/churn.ts';
import type { House, Manner } from '../../../agent/forest/house.ts';
import type { Sim } from '../../../agent/forest/sim.ts';
import { quantile, type Tally } from '../../../agent/forest/tally.ts';

const SECOND = 1000;
const MINUTE = 60_000;
export const HOUR = 3_600_000;
/** All have come, and the tree has come to rest. */
const WARM = 4 * MINUTE;

export interface Depths {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

export interface Churned {
  readonly tally: Tally;
  /** The worst of every minute: of those who are placed. */
  readonly worst: Depths;
  readonly median: Depths;
  /** Moves that the rendezvous ordered in that time, and departures that it knew of. */
  readonly moved: { readonly lifted: number; readonly followed: number; readonly departed: number };
}

function measured(sim: Sim): Depths {
  const all = depths(sim).filter((depth) => depth < 99);
  return { p50: quantile(all, 0.5), p99: quantile(all, 0.99), most: quantile(all, 1) };
}

/** Households come and go for so long, in milliseconds. `each` is told of every minute, for who does not want to wait for the end. */
export function churn(
  crowd: Crowd,
  span: number,
  each?: (minute: number, seen: Depths, tally: Tally) => void,
): Churned {
  const sim = settle(crowd, arriveWithin(crowd.households));
  sim.run(WARM);
  sim.tally.isCounting = true;
  const before = { ...sim.registry.plan.moved };
  const seen: Depths[] = [];
  for (let passed = 0; passed < span; passed += MINUTE) {
    sim.run(WARM + passed + MINUTE);
    sim.tally.viewerMs += MINUTE * (sim.houses.size - 1);
    seen.push(measured(sim));
    each?.(seen.length, measured(sim), sim.tally);
  }
  const of = (share: number): Depths => ({
    p50: quantile(
      seen.map(({ p50 }) => p50),
      share,
    ),
    p99: quantile(
      seen.map(({ p99 }) => p99),
      share,
    ),
    most: quantile(
      seen.map(({ most }) => most),
      share,
    ),
  });
  const { lifted, followed, departed } = sim.registry.plan.moved;
  const moved = {
    lifted: lifted - before.lifted,
    followed: followed - before.followed,
    departed: departed - before.departed,
  };
  return { tally: sim.tally, worst: of(1), median: of(0.5), moved };
}

/** Half of all within a minute would be a crowd of its own: the larger the channel, the longer it takes to fill. */
function arriveWithin(households: number): number {
  return households > 5000 ? 2 * MINUTE : MINUTE;
}

export interface Outage {
  readonly killed: number;
  readonly hit: number;
  /** Share of those hit who play again after a second, two, three, five. */
  readonly after: readonly { readonly seconds: number; readonly share: number }[];
}

/** Some go at once and without a word: `which` says who, of those with children. */
export function outage(crowd: Crowd, which: (house: House, random: Random) => boolean): Outage {
  const sim = settle(crowd, arriveWithin(crowd.households));
  sim.run(WARM);
  const doomed = [...sim.houses.values()].filter((house) => house.id !== 0 && which(house, sim.random));
  for (const house of doomed) sim.crash(house);
  sim.run(sim.now + 500);
  const hit = [...sim.houses.values()].filter(({ drought }) => drought !== undefined);
  const began = sim.now - 500;
  const after = [1, 2, 3, 5].map((seconds) => {
    sim.run(began + seconds * SECOND);
    return { seconds, share: hit.filter((house) => plays(sim, house)).length / Math.max(1, hit.length) };
  });
  return { killed: doomed.length, hit: hit.length, after };
}

/** It has the stream, or what came by repair is younger than a cushion. */
function plays(sim: Sim, house: House): boolean {
  const { drought } = house;
  return drought === undefined || sim.now - drought.lag - drought.upTo * 40 < 700;
}

export interface Without {
  readonly tally: Tally;
  readonly lost: number;
  readonly seconds: number;
  readonly waiting: number;
}

/** No rendezvous for ten minutes, under churn; then how long until everybody who is there has a place again. */
export function withoutRendezvous(crowd: Crowd): Without {
  const sim = settle(crowd, arriveWithin(crowd.households));
  sim.run(WARM);
  sim.tally.isCounting = true;
  sim.registry.stop();
  const before = new Set(sim.houses.values());
  sim.run(WARM + 10 * MINUTE);
  sim.tally.viewerMs = before.size * 10 * MINUTE;
  const lost = [...before].filter(
    ({ isAlive, drought, id }) => id !== 0 && isAlive && drought !== undefined && sim.now - drought.since > 3000,
  ).length;
  const waiting = without(sim).length;
  sim.registry.start();
  const back = sim.now;
  for (let passed = 0; passed < 10 * MINUTE; passed += SECOND) {
    sim.run(back + passed);
    const unplaced = without(sim).filter(({ bornAt }) => bornAt < back).length;
    if (unplaced === 0) return { tally: sim.tally, lost, seconds: passed / SECOND, waiting };
  }
  return { tally: sim.tally, lost, seconds: Infinity, waiting };
}

export interface Crowded {
  readonly p50: number;
  readonly p95: number;
  readonly most: number;
  readonly depths: Depths;
  readonly tally: Tally;
  readonly questions: number;
}

/** All come within ten seconds. */
export function flash(crowd: Crowd): Crowded {
  const sim = settle({ ...crowd, stay: Infinity }, 10 * SECOND);
  sim.run(3 * MINUTE);
  const { joins } = sim.tally;
  const asked = sim.registry.asked_;
  return {
    p50: quantile(joins, 0.5),
    p95: quantile(joins, 0.95),
    most: joins.length < crowd.households ? Infinity : quantile(joins, 1),
    depths: measured(sim),
    tally: sim.tally,
    questions: (asked.parent + asked.spares) / crowd.households,
  };
}

export interface Lied {
  readonly liars: number;
  /** How long a child stayed with a liar, in milliseconds. */
  readonly stayed: readonly number[];
  /** Liars that still had a child a minute after they came. */
  readonly fed: number;
  readonly tally: Tally;
}

/** One in twenty lies in that manner. */
export function liars(crowd: Crowd, manner: Manner): Lied {
  const sim = settle(crowd, arriveWithin(crowd.households));
  sim.run(WARM);
  sim.tally.isCounting = true;
  const began = sim.now;
  const many = Math.ceil(crowd.households / 20);
  const all: House[] = [];
  for (let i = 0; i < many; i++) {
    sim.at(
      began + between(sim.random, 0, MINUTE),
      () => void all.push(come(sim, { ...crowd, manner: () => manner, stay: Infinity }, 4)),
    );
  }
  sim.run(began + 3 * MINUTE);
  sim.tally.viewerMs = crowd.households * 3 * MINUTE;
  const fed = all.filter(({ bornAt, under }) => sim.now - bornAt > MINUTE && under.size > 0).length;
  return { liars: many, stayed: sim.stays, fed, tally: sim.tally };
}

export interface Slandered {
  readonly liars: number;
  /** Honest parents that were taken for such that feed nobody. */
  readonly wronged: number;
  /** Households that the table has elsewhere than they are, a while after. */
  readonly misplaced: number;
  readonly audits: number;
  readonly tally: Tally;
}

/**
 * One in twenty, all of one street, complains of its good parent every half minute, and says that it is fed by one that does not
 * feed it, and feeds three that it does not feed.
 */
export function slander(crowd: Crowd): Slandered {
  const sim = settle(crowd, arriveWithin(crowd.households));
  sim.run(WARM);
  const many = Math.ceil(crowd.households / 20);
  for (let i = 0; i < many; i++) {
    sim.at(sim.now + between(sim.random, 0, MINUTE), () => {
      const house = come(sim, { ...crowd, manner: () => 'slanderer', stay: Infinity });
      const lie = (): void => {
        const all = [...sim.houses.keys()];
        const other = (): number => all[sim.random(all.length)] ?? 0;
        if (house.source !== undefined)
          sim.registry.complained(house, { kind: 'complain', short: house.source.id, why: 'silent', proof: undefined });
        sim.registry.said(house, other(), [other(), other(), other()]);
        sim.at(sim.now + 30 * SECOND, lie);
      };
      sim.at(sim.now + 30 * SECOND, lie);
    });
  }
  sim.run(WARM + MINUTE);
  sim.tally.isCounting = true;
  const before = { wronged: sim.registry.wronged, audits: sim.registry.audits };
  sim.run(sim.now + 10 * MINUTE);
  sim.tally.viewerMs = sim.houses.size * 10 * MINUTE;
  // Who is on its way is elsewhere in the table for some seconds.
  const settled = [...sim.houses.values()].filter(
    ({ source, since, manner }) => manner === 'honest' && source !== undefined && sim.now - since > 30 * SECOND,
  );
  const misplaced = settled.filter(({ node, source }) => sim.registry.plan.tree.get(node)?.parent !== source?.node);
  return {
    liars: many,
    wronged: sim.registry.wronged - before.wronged,
    misplaced: misplaced.length,
    audits: sim.registry.audits - before.audits,
    tally: sim.tally,
  };
}
