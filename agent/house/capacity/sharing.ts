const LESS_THAN_ONE = 0.999;
/** Three times a third is one. */
const NEARLY = 1 - 1e-9;

/** One channel of a household that wants to be given on. */
export interface Demand {
  /** Bytes per millisecond for one child, with all that goes around it. */
  readonly need: number;
  readonly children: number;
}

/** What one channel may feed: whole streams, and with the rest of the line as a fraction. */
export interface Share {
  readonly slots: number;
  readonly streams: number;
  /** Streams that the rest of the line would carry besides. */
  readonly spare: number;
}

/**
 * Divides a line among channels. Whom a channel feeds it goes on feeding, the one with most children first; what is left goes round,
 * a stream at a time, to those first that have no free slot and so may have somebody waiting, then to those that have least.
 * `room`: bytes per millisecond; `cap`: children of one channel at most.
 */
export function divide(demands: readonly Demand[], room: number, cap: number): readonly Share[] {
  const slots = demands.map(() => 0);
  let left = room;
  const give = (index: number): boolean => {
    const { need } = demands[index] as Demand;
    if ((slots[index] ?? 0) >= cap || need * NEARLY > left) return false;
    slots[index] = (slots[index] ?? 0) + 1;
    left -= need;
    return true;
  };
  const all = demands.map((_, index) => index);
  for (const index of all.toSorted((a, b) => (demands[b]?.children ?? 0) - (demands[a]?.children ?? 0))) {
    for (let i = 0; i < (demands[index]?.children ?? 0); i++) if (!give(index)) break;
  }
  const isFree = (index: number): boolean => (slots[index] ?? 0) > (demands[index]?.children ?? 0);
  const order = (): readonly number[] =>
    all.toSorted((a, b) => Number(isFree(a)) - Number(isFree(b)) || (slots[a] ?? 0) - (slots[b] ?? 0));
  while (order().some(give));
  const [first] = order().filter((index) => (slots[index] ?? 0) < cap);
  return demands.map(({ need }, index) => {
    const whole = slots[index] ?? 0;
    const spare = left / need;
    return { slots: whole, streams: index === first ? whole + Math.min(LESS_THAN_ONE, spare) : whole, spare };
  });
}
