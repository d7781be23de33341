import type { Fields } from '../base/json.ts';
import type { Random } from '../base/random.ts';
import { readOrder } from '../forest/order.ts';
import { Show } from '../forest/show.ts';
import type { ForestActions } from '../io/demo-forest-routes.ts';

const HOUSEHOLDS = 31;
const CHILDREN = 2;
/** A page that was away, or nobody at all: what passed meanwhile is not worked out. In milliseconds, as the next. */
const CATCH_UP_MOST = 500;
/** Work done for one look; where that is not enough the forest is slower than it was told to be. */
const WORK_MOST = 60;
/** Simulated at a time, between two looks at the clock. */
const SLICE = 20;

export interface DemoForestOptions {
  readonly random: Random;
  /** Of this machine, in milliseconds. */
  readonly clock: () => number;
}

/** The forest of the demo. It moves on when it is looked at, so it costs nothing while no page is open. */
export function demoForest({ random, clock }: DemoForestOptions): ForestActions {
  let show: Show | undefined;
  let speed = 1;
  let looked = clock();
  const grown = (most = CHILDREN, households = HOUSEHOLDS): Show =>
    (show = new Show({ seed: random(2 ** 32), most, households }));
  const now = (): Show => {
    const forest = show ?? grown();
    const began = clock();
    const until = forest.now + Math.min(CATCH_UP_MOST, began - looked) * speed;
    looked = began;
    while (forest.now < until && clock() - began < WORK_MOST) forest.run(Math.min(until, forest.now + SLICE));
    return forest;
  };
  return {
    shot: () => ({ ...now().shot(), speed }),
    facts: (id) => now().facts(id),
    order: (fields: Fields) => {
      const order = readOrder(fields);
      if (typeof order === 'string') return order;
      const forest = now();
      switch (order.what) {
        case 'speed':
          speed = order.factor;
          return undefined;
        case 'children':
          grown(order.most, forest.wanted);
          return undefined;
        case 'kill':
        case 'leave':
        case 'kill-feeders':
        case 'carrier-out':
        case 'rendezvous':
        case 'stay':
        case 'size':
          return forest.order(order);
      }
    },
  };
}
