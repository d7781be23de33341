import { type Instant, ms, since } from '../../base/time.ts';
import type { Shot } from '../../base/volley.ts';
import { countingOf, portAfter, readBurst, stepsBetween } from '../../punch/brackets.ts';
import { LOWEST_PORT } from '../../punch/limits.ts';
import { bracketSize, targets, walkOf } from '../../punch/walk.ts';
import { sighted } from './anchor.ts';
import { Finding } from './finding.ts';
import type { Permits } from './permits.ts';
import { isRefused, otherThan, type Role, type Round, type Script, type Stage } from './stage.ts';

/** Each larger than the one before; where the anchor's counters take turns, luck decides more than length. */
const [ATTEMPTS, ATTEMPTS_AMONG] = [4, 7];
/** Between two datagrams of one tick on a slow router; 0.02 ms on a quick one (measured, Node 24). */
const GAP = ms(0.3);
/** Many sockets may not each write to many ports. */
const FEW = 8;
const MARGIN = 80;
/** Share of the anchor's probes after which the rest is waited for only shortly. */
const MOST_OF = 0.7;
/** Strangers' mappings while a list went back and forth; more is another block of ports, and no drift. */
const FARTHEST = 512;
/** Mappings of either side that a round is worth beginning with. */
const FEWEST = 9;

/** Both count: the anchor lays out holes ahead of the walker's counter, and the walker walks through them. */
export function* walking(stage: Stage, walker: Role, permits: Permits): Script<Finding> {
  const anchor = otherThan(walker);
  const found = new Finding(walker);
  let { drift } = stage.parties[walker].profile;
  const width = countingOf(stage.parties[anchor].profile).counters;
  for (let attempt = 0; attempt < (width > 1 ? ATTEMPTS_AMONG : ATTEMPTS); attempt++) {
    if (Math.min(stage.left(walker) / width, stage.left(anchor)) < FEWEST) break;
    yield* stage.wait(1500, () => Math.min(stage.room(walker) / width, stage.room(anchor)) >= FEWEST);
    const reading = yield* read(stage, walker);
    if (reading === undefined) continue;
    const { burstiness } = stage.parties[walker].profile;
    const span = ms(stage.parties.asker.rtt + stage.parties.target.rtt + 20);
    const walk = walkOf(drift, burstiness, span, width > 1 ? 0 : attempt);
    const aims = targets(reading.port, walk, width, countingOf(stage.parties[walker].profile));
    const room = Math.floor(Math.min(stage.room(anchor), (stage.room(walker) - 1) / width));
    const laid = anchors(stage, anchor, aims.filter(isAllowed), room);
    if (!permits.mappings(anchor, laid.sockets * (laid.perSocket + laid.probes))) break;
    const holes = stage.fire(anchor, {
      method: 'walk',
      from: { kind: 'fresh', sockets: laid.sockets },
      ips: [reading.ip],
      shots: laid.shots,
    });
    // Strangers do not wait for the last probes.
    const all = laid.shots.filter(({ kind }) => kind === 'probe').length;
    yield* sighted(stage, anchor, [holes], () => holes.sights.size >= MOST_OF * all);
    if (found.misfired([holes])) break;
    const burst = stage.burst(holes);
    found.ip = reading.ip;
    const ports = path(stage, anchor, holes, width);
    if (ports.length === 0 || !permits.mappings(walker, ports.length)) continue;
    const ip = burst.ip ?? stage.parties[anchor].address.ip;
    const shots = [...ports.map((port): Shot => ({ kind: 'knock', by: 0, ip: 0, ports: [port] })), ...closing(stage)];
    const steps = stage.fire(walker, { method: 'walk', from: reading.muzzle, ips: [ip], shots });
    yield* stage.wait(stage.meeting(walker) + MARGIN, () => isRefused(steps));
    if (found.misfired([steps])) break;
    drift = driftOf(stage, walker, steps, reading, ports.length) ?? drift;
  }
  return found;
}

interface Reading {
  readonly port: number;
  readonly ip: string;
  readonly at: Instant;
  readonly muzzle: { readonly kind: 'round'; readonly round: number };
}

/** Where the walker's counter is, read from a socket that will walk. */
function* read(stage: Stage, walker: Role): Script<Reading | undefined> {
  const shots = stage.observers.slice(0, 2).map((observer): Shot => ({ kind: 'probe', by: 0, observer }));
  const round = stage.fire(walker, { method: 'walk', from: { kind: 'fresh', sockets: 1 }, ips: [], shots });
  yield* sighted(stage, walker, [round], () => round.sights.size > 0);
  const { ports, ip = stage.parties[walker].address.ip } = stage.burst(round);
  const last = ports.findLastIndex((port) => port !== undefined);
  const port = ports[last];
  if (port === undefined) return undefined;
  const counter = portAfter(port, ports.length - 1 - last, countingOf(stage.parties[walker].profile));
  return { port: counter, ip, at: stage.now, muzzle: { kind: 'round', round: round.plan.round } };
}

/** The anchor's shots: knocks in order, a probe behind every few, over as many sockets as it takes. */
function anchors(stage: Stage, anchor: Role, aims: readonly number[], room: number) {
  const probes = Math.min(16, stage.observers.length);
  const { profile } = stage.parties[anchor];
  // Each of several counters must be seen again and again.
  const size = profile.kind === 'per-core' ? 1 : bracketSize(profile.drift, GAP);
  let perSocket = (probes - 1) * size;
  if (aims.length > FEW * perSocket) perSocket = Math.min(perSocket, FEW);
  const most = Math.floor((room * perSocket) / (perSocket + Math.ceil(perSocket / size) + 1));
  const taken = aims.slice(0, most);
  const sockets = Math.max(1, Math.ceil(taken.length / perSocket));
  const shots: Shot[] = [];
  for (let by = 1; by <= sockets; by++) {
    const own = taken.slice((by - 1) * perSocket, by * perSocket);
    for (let i = 0; i <= own.length; i += size) {
      shots.push({ kind: 'probe', by, observer: stage.observers[i / size] ?? 0 });
      const ports = own.slice(i, i + size);
      if (ports.length > 0) shots.push({ kind: 'knock', by, ip: 0, ports });
    }
    if (own.length % size !== 0)
      shots.push({ kind: 'probe', by, observer: stage.observers[Math.ceil(own.length / size)] ?? 0 });
  }
  return { shots, sockets, perSocket, probes: Math.ceil(perSocket / size) + 1 };
}

/**
 * From which ports the anchor's knocks left, so many for each of them: where strangers came between, the likeliest. A port
 * that was written to gives no new step, so each is used once.
 */
function path(stage: Stage, anchor: Role, holes: Round, width: number): readonly number[] {
  const counting = countingOf(stage.parties[anchor].profile);
  const { ports, knocks } = stage.burst(holes);
  const burst = readBurst(ports, counting);
  const found = new Set<number>();
  let before = ports.find((port) => port !== undefined);
  for (const { place } of knocks) {
    const read = burst[place] ?? [];
    const middle = Math.floor((read.length - 1) / 2);
    const likely = width === 1 && read.length > 0 ? read.slice(middle, middle + 1) : read.slice(0, width);
    for (let n = 0; n < width; n++) {
      let port = likely[n] ?? (before === undefined ? undefined : portAfter(before, 1, counting));
      while (port !== undefined && (found.has(port) || !isAllowed(port))) port = portAfter(port, 1, counting);
      if (port === undefined) return [];
      found.add(port);
      before = port;
    }
  }
  return [...found];
}

function isAllowed(port: number): boolean {
  return port >= LOWEST_PORT;
}

/** One more reading behind the walk. */
function closing(stage: Stage): Shot[] {
  const observer = stage.observers[2] ?? stage.observers[0];
  return observer === undefined ? [] : [{ kind: 'probe', by: 0, observer }];
}

/** How busy the strangers behind the walker's address really are; undefined when the last reading did not come. */
function driftOf(stage: Stage, walker: Role, steps: Round, reading: Reading, own: number): number | undefined {
  const [last] = steps.sights.values();
  if (last === undefined) return undefined;
  const passed = stepsBetween(reading.port, last.external.port, countingOf(stage.parties[walker].profile));
  const span = since(reading.at, last.at) / 1000;
  if (passed === undefined || passed < own || passed > own + FARTHEST) return undefined;
  return (passed - own - 1) / Math.max(0.05, span);
}
