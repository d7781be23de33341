// How the forest is told to people.

const STATES = {
  arriving: 'has just come, without a picture yet',
  playing: 'plays',
  mended: 'gets its blocks from spares',
  dry: 'nothing comes, the cushion plays',
  gap: 'its viewers see, or have just seen, a gap',
};
const count = (n, one, many) => (n === 1 ? `1 ${one}` : `${n.toLocaleString('en')} ${many}`);
export const ms = (n) => `${n.toLocaleString('en')} ms`;
const home = (id) => (id === 0 ? 'the origin' : `home ${id}`);

export function clock(at) {
  const seconds = Math.floor(at / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}.${Math.floor(at / 100) % 10}`;
}

/** What there is to say of one home: pairs of a word and its value. */
export function facts(one) {
  const { state, depth, slots, children, parent, rttMs, spares, below, worstMs, playsForMs, carrier } = one;
  return [
    ['now', STATES[state]],
    ['steps from the origin', depth === null ? 'the way is broken' : String(depth)],
    ['fed by', parent === null ? 'nobody' : home(parent)],
    ['round trip to it', rttMs === null ? '–' : ms(rttMs)],
    ['its line feeds', slots === 0 ? 'nobody' : `${slots} at most`],
    ['it feeds', children.length === 0 ? 'nobody' : children.map(home).join(', ')],
    ['hang below it', below.toLocaleString('en')],
    ['spares, warm', spares.length === 0 ? 'none' : spares.map(home).join(', ')],
    ['carrier', carrier.replace('p', 'number ')],
    ['has played for', playsForMs === null ? '–' : clock(playsForMs)],
    ['latest block ever', worstMs === 0 ? 'never late' : `${ms(worstMs)} late`],
  ];
}

function title(cause) {
  switch (cause.kind) {
    case 'killed':
      return `Home ${cause.house} was killed`;
    case 'left':
      return `Home ${cause.house} left in order`;
    case 'feeders':
      return `${count(cause.many, 'home that fed others was', 'homes that fed others were')} killed`;
    case 'carrier':
      return `Carrier ${cause.carrier.replace('p', '')} went dark with ${count(cause.many, 'home', 'homes')}`;
  }
  return '';
}

/** What a blow did, as parts of a sentence: text, or `{strong, seen}` for a figure. All figures are the simulator's. */
export function blow(one, cushionMs) {
  const { cause, below, orphans, broken, repairP50Ms, repairWorstMs, placedMs, unplaced, worstMs, gaps, without } = one;
  const parts = [{ name: title(cause) }];
  if (below === 0) return [...parts, '. Nobody hung below.'];
  parts.push(`. ${count(below, 'home', 'homes')} hung below, ${orphans.toLocaleString('en')} of them right below. `);
  if (broken === 0 && unplaced === 0) parts.push('The stream stopped for none of them. ');
  if (repairP50Ms !== null) {
    parts.push('First repaired block after ', { strong: ms(repairP50Ms) });
    parts.push(repairWorstMs === repairP50Ms ? '. ' : ` in the middle, ${ms(repairWorstMs)} at worst. `);
  }
  if (placedMs !== null) parts.push('All had a new parent after ', { strong: ms(placedMs) }, '. ');
  else if (unplaced > 0) parts.push(`${count(unplaced, 'is', 'are')} still without a parent. `);
  const cushion = `${cushionMs / 1000} s`;
  if (broken > 0) {
    parts.push('The latest block was ', { strong: ms(worstMs), seen: worstMs > cushionMs }, ' late: ');
    parts.push(
      gaps === 0
        ? `no gap at a cushion of ${cushion}.`
        : `${count(gaps, 'home', 'homes')} saw a gap at a cushion of ${cushion}, the longest of ${ms(Math.max(0, worstMs - cushionMs))}.`,
    );
  }
  if (without > 0) parts.push(` To ${count(without, 'home', 'homes')} nothing comes from above yet.`);
  return parts;
}
