import { type Method, METHODS } from '../../base/outcome.ts';
import { methodOf, type Prospect } from '../../punch/prospect.ts';

/** The same methods the other way round: the side with many sockets comes in through holes that the other one opens. */
const INVERSE = ['block-inverse', 'birthday-inverse'] as const;

/** What is tried, chosen and counted. */
export type Way = Method | (typeof INVERSE)[number];

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
    case 'lottery':
    case 'none':
      return [methodOf(outlook)];
  }
}

export function isInverse(way: Way): boolean {
  return INVERSE.some((word) => word === way);
}

export function isWay(text: string): boolean {
  return [...METHODS, ...INVERSE].some((word) => word === text);
}
