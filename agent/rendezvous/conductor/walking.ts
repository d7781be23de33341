import { ms } from '../../base/time.ts';
import type { Shot } from '../../base/volley.ts';
import { countingOf, portAfter } from '../../punch/brackets.ts';
import { type Holes, holesFor, mayMeet, placeOf, targets, type Walk, walkThrough } from '../../punch/walk.ts';
import { isWhole, sighted } from './anchor.ts';
import { Counter } from './counter.ts';
import { Finding } from './finding.ts';
import { behindHoles, holeShots } from './holes.ts';
import type { Permits } from './permits.ts';
import { isRefused, otherThan, type Role, type Round, type Script, type Stage } from './stage.ts';

/** Lists of holes; where the anchor's counters take turns, luck decides more than length. */
const [ATTEMPTS, ATTEMPTS_AMONG] = [6, 7];
const MARGIN = 40;
/** What leaves two households for the same moment may come that far apart. */
const AT_ONCE = 15;
/** Share of the places where the walker may be, below which the rest of a list is not worth a walk. */
const WORTH = 0.6;
/** Mappings of either side that a list is worth beginning with. */
const FEWEST = 9;
/** Of the first reading; and of all around one walk. */
const [PROBES, READINGS] = [2, 4];
/** Where they should have met, both knock so often again: any of those first datagrams may be lost. */
const [REPEATS, AGAIN] = [2, 60];
/** So many holes beside that one: a stranger in the middle of the walk moves the place. */
const BESIDE = 4;

/**
 * Both count: the anchor lays out holes ahead of the walker's counter, and the walker walks through them.
 *
 *     walker              rendezvous               anchor
 *        |-- probe ----------->| 4711                 |
 *        |                     |-- 30 holes --------->|    one datagram to each of 4714, 4716, 4718 ...
 *        |<------- again ------|                      |
 *        |-- probe ----------->| 4719                 |
 *        |                     |<------- probes ------|    they left from 9001, 9002, 9003 ...
 *        |<------- walk -------|                      |
 *        |-- 20 knocks and a probe -----------------> |    at 9003, 9004 ... the probe tells whether they can have met:
 *        |                     |                      |    then both knock there again; else at once the next list
 */
export function* walking(stage: Stage, walker: Role, permits: Permits): Script<Finding> {
  const found = new Finding(walker);
  const anchor = otherThan(walker);
  const width = countingOf(stage.parties[anchor].profile).counters;
  const room = (): number => Math.floor(Math.min(stage.room(anchor), (stage.room(walker) - READINGS) / width));
  let counter: Counter | undefined;
  let isFresh = false;
  let depth: number | undefined;
  for (let attempt = 0; attempt < (width > 1 ? ATTEMPTS_AMONG : ATTEMPTS); attempt++) {
    if (Math.min(stage.left(walker) / width, stage.left(anchor)) < FEWEST) break;
    if (room() < FEWEST) isFresh = false;
    yield* stage.wait(1500, () => room() >= FEWEST);
    if (counter === undefined || !isFresh) counter = yield* read(stage, walker, counter);
    if (counter === undefined) continue;
    const laid = yield* lay(stage, walker, counter, permits, room(), found, depth);
    if (laid === undefined) break;
    const end = yield* walks(stage, walker, counter, laid, permits, found);
    isFresh = end === 'missed';
    if (end === 'too-deep') depth = 1;
    found.pace = counter.pace;
    if (found.misfire !== undefined) break;
  }
  return found;
}

/** Where the walker's counter is: two probes of a fresh socket. */
function* read(stage: Stage, walker: Role, known: Counter | undefined): Script<Counter | undefined> {
  const round = probe(stage, walker, PROBES);
  known?.take(PROBES);
  yield* sighted(stage, walker, [round], () => round.sights.size > 0);
  const { ports } = stage.burst(round);
  const last = ports.findLastIndex((port) => port !== undefined);
  const port = ports[last];
  if (port === undefined) return undefined;
  const { profile } = stage.parties[walker];
  const next = portAfter(port, ports.length - 1 - last, countingOf(profile));
  if (known?.read(next, stage.now) !== undefined) return known;
  return new Counter(known === undefined ? profile : { ...profile, ...known.pace }, next, stage.now);
}

function probe(stage: Stage, walker: Role, count: number, startIn = ms(0)): Round {
  const shots = stage.observers.slice(0, count).map((observer): Shot => ({ kind: 'probe', by: 0, observer }));
  return stage.fire(walker, { method: 'walk', from: { kind: 'fresh', sockets: 1 }, ips: [], shots, startIn });
}

/** Holes of the anchor. */
interface Laid {
  readonly holes: Holes;
  readonly round: Round;
  /** Where the anchor's datagrams came from. */
  readonly ip: string;
  /** For each hole its socket and the walker's port that it is for, and `width` ports of the anchor. */
  readonly knocks: readonly { readonly socket: number; readonly to: number }[];
  readonly ports: readonly number[];
}

/** The anchor opens its holes, and meanwhile the walker is read once more. */
function* lay(
  stage: Stage,
  walker: Role,
  counter: Counter,
  permits: Permits,
  room: number,
  found: Finding,
  depth: number | undefined,
): Script<Laid | undefined> {
  const anchor = otherThan(walker);
  const [there, here] = [stage.rtt(anchor), stage.rtt(walker)];
  counter.take(1);
  const whole = counter.reach(stage.now, ms(there + here));
  const wanted = holesFor(whole, counter.steps(here), countingOf(stage.parties[anchor].profile).counters, depth);
  const { shots, sockets, mappings } = holeShots(
    stage,
    anchor,
    targets(counter.origin, wanted, counter.counting),
    room,
  );
  if (!permits.mappings(anchor, mappings)) return undefined;
  const ips = [found.ip ?? stage.parties[walker].address.ip];
  const round = stage.fire(anchor, { method: 'walk', from: { kind: 'fresh', sockets }, ips, shots });
  // Both are seen at the same time.
  const again = probe(stage, walker, 1, ms(Math.max(0, Math.round(there - here))));
  yield* sighted(stage, anchor, [round], () => round.sights.size > 0);
  // A slow router lets them through one by one; but strangers do not wait for those that were lost.
  for (let seen = 0; round.sights.size > seen && !isWhole(stage, round);) {
    seen = round.sights.size;
    yield* stage.wait(AT_ONCE, () => isWhole(stage, round));
  }
  if (found.misfired([round])) return undefined;
  yield* stage.wait(AT_ONCE, () => again.sights.size > 0);
  const [sight] = again.sights.values();
  if (sight !== undefined) counter.read(sight.external.port, sight.at);
  const { knocks, ip = stage.parties[anchor].address.ip } = stage.burst(round);
  const holes = { ...wanted, count: knocks.length };
  return { holes, round, ip, knocks, ports: behindHoles(stage, round, wanted.width) };
}

/** `too-deep`: the walker's household is polite, and opens a few sockets only. */
type End = 'missed' | 'unknown' | 'too-deep';

/** Walks as long as there are holes ahead. */
function* walks(
  stage: Stage,
  walker: Role,
  counter: Counter,
  laid: Laid,
  permits: Permits,
  found: Finding,
): Script<End> {
  const { holes } = laid;
  for (let turn = 0; ; turn++) {
    const reach = counter.reach(stage.now, stage.rtt(walker));
    const way = walkThrough(holes, reach);
    if (turn > 0 && holes.depth * way.count < WORTH * (reach.most - reach.least + 1)) return 'missed';
    const shots = walkShots(laid, way, way);
    const knocks = shots.reduce((sum, { ports }) => sum + ports.length, 0);
    if (knocks === 0 || stage.room(walker) <= knocks) return 'missed';
    if (!permits.mappings(walker, knocks)) return 'unknown';
    const sockets = Math.max(...shots.map(({ by }) => by));
    const steps = stage.fire(walker, {
      method: 'walk',
      from: { kind: 'fresh', sockets },
      ips: [laid.ip],
      shots: [...shots, { kind: 'probe', by: sockets, observer: stage.observers[0] ?? 0 }],
    });
    counter.take(knocks + 1);
    yield* stage.wait(stage.meeting(walker) + MARGIN, () => steps.sights.size > 0 || isRefused(steps));
    if (steps.misfire === 'polite' && holes.depth > 1) return 'too-deep';
    if (found.misfired([steps])) return 'unknown';
    const [sight] = steps.sights.values();
    const passed = sight && counter.read(sight.external.port, sight.at);
    const before = passed === undefined ? undefined : passed - knocks - 1;
    if (before !== undefined && !mayMeet(holes, way, before)) continue;
    const place = before === undefined ? way : placeOf(holes, way, before, BESIDE);
    yield* again(stage, laid, steps, walkShots(laid, way, place), place);
    return 'unknown';
  }
}

/** Where they should have met both knock again, and the report of it is waited for. */
function* again(stage: Stage, laid: Laid, steps: Round, shots: readonly Shot[], place: Walk): Script<void> {
  const { round } = laid;
  const [walker, anchor] = [steps.role, round.role];
  const knocks = laid.knocks.slice(place.first, place.first + place.count);
  for (let n = 0; n < REPEATS; n++) {
    stage.fire(walker, {
      method: 'walk',
      from: { kind: 'round', round: steps.plan.round },
      ips: steps.plan.ips,
      shots,
      again: true,
    });
    stage.fire(anchor, {
      method: 'walk',
      from: { kind: 'round', round: round.plan.round },
      ips: round.plan.ips,
      shots: knocks.map(({ socket, to }): Shot => ({ kind: 'knock', by: socket, ip: 0, ports: [to] })),
      again: true,
    });
    yield* stage.wait(n + 1 < REPEATS ? AGAIN : stage.meeting(walker) + MARGIN - stage.rtt(walker));
  }
}

/**
 * What the walker fires at a part of its way: hole after hole, at each as often as it is deep. A socket has one mapping
 * for each port, so it takes turns with the next one: the first fires at h1, the second at h1 and h2, the third at h2 ...
 */
function walkShots({ holes: { width, depth }, ports }: Laid, way: Walk, part: Walk): Knocks[] {
  const last = depth > 1 ? way.count + 1 : 1;
  return Array.from({ length: last }, (_, n): Knocks => {
    const [from, to] = depth > 1 ? [way.first + n - 1, way.first + n + 1] : [way.first, way.first + way.count];
    const first = Math.max(from, way.first, part.first);
    const end = Math.min(to, way.first + way.count, part.first + part.count);
    return { kind: 'knock', by: n + 1, ip: 0, ports: ports.slice(width * first, width * Math.max(first, end)) };
  }).filter((shot) => shot.ports.length > 0);
}

type Knocks = Extract<Shot, { kind: 'knock' }>;
