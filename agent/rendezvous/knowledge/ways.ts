import { type Method, METHODS } from '../../base/outcome.ts';
import { methodOf, type Prospect } from '../../punch/prospect.ts';

/** The same methods the other way round: the side with many sockets comes in through holes that the other one opens. */
const INVERSE = ['block-inverse', 'birthday-inverse'] as const;

/** Games of chance: how often they are lost says nothing of a block whose ports are met. */
const GAMES = ['lottery', 'fill'] as const;

/** What is tried, chosen and counted. */
export type Way = Method | (typeof INVERSE)[number] | (typeof GAMES)[number];

/** The ways there are for a conducted pair, the one that is ours while nothing is known first. */
export function waysOf(outlook: Prospect): readonly [Way, ...Way[]] {
  switch (outlook.kind) {
    case 'block':
    case 'birthday':
      return [outlook.kind, `${outlook.kind}-inverse`];
    case 'dial':
    case 'simultaneous':
    case 'bracket':
    case 'walk':
    case 'none':
      return [methodOf(outlook)];
    case 'lottery':
    case 'fill':
      return [outlook.kind];
  }
}

export function isInverse(way: Way): boolean {
  return INVERSE.some((word) => word === way);
}

export function isWay(text: string): boolean {
  return [...METHODS, ...INVERSE, ...GAMES].some((word) => word === text);
}

/** May a path that is called so have been won that way? */
export function wins(way: Way, method: Method): boolean {
  return way.startsWith(method) || (method === 'block' && GAMES.some((word) => word === way));
}
