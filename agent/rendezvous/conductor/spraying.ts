import { ms, seconds } from '../../base/time.ts';
import type { Shot } from '../../base/volley.ts';
import { chance, mappingsFor, MOST_MAPPINGS, MOST_SHOTS } from '../../punch/birthday.ts';
import { scanOrder, sizeOf } from '../../punch/block.ts';
import { ALL_PORTS } from '../../punch/brackets.ts';
import { anchored, TTLS } from './anchor.ts';
import { Finding } from './finding.ts';
import type { Permits } from './permits.ts';
import { proofs, proven } from './proof.ts';
import { isRefused, otherThan, type Role, type Round, type Script, type Stage } from './stage.ts';

/**
 * Mappings that the probe plane must have seen before anybody is told to spray: whoever wants thousands of datagrams
 * sent has to spend first.
 */
const PROOF = { block: 16, birthday: 32 } as const;
/** Of the mappings of a block's side, so many are for proof. */
const PROVING = 0.3;
/** Share of the mappings for proof that are seen where none is refused, even with a tenth of all datagrams lost. */
const GRANTED = 0.7;
/** More mappings are not worth their cost when a hit is as certain as this. */
const ENOUGH = 0.999;
/** So many leave in one tick, those for proof among them; the others follow quickly, for a burst that meets a limit is over. */
const [FEW, QUICK] = [64, 200];
/** New mappings a second on the average. */
const OPENING = 100;
/** Datagrams a second: 16 kB/s of 104 bytes each. */
const SPRAYING = 150;
/** A household has one birthday in 20 s, and 512 mappings a minute: it is asked again so much later. */
const RESTING = seconds(10);
/** Holes are kept open as long as there is hope. */
const [REFRESH, KEEP] = [seconds(8), seconds(30)];
/** Where mappings are known to live shortly; oftener would cost more datagrams than there may be. */
const LEAST_REFRESH = seconds(2);
/** Who comes in through the other's holes has to try again and again while they are made. */
const COMING_IN = { block: seconds(1), birthday: seconds(4) } as const;
/** Dies in the provider's network. */
const LOW_TTL = 4;
const MARGIN = 100;

/**
 * One side opens some ports towards the other's known one, the other knocks at many until it meets one of them. In a
 * block that is short; in the whole range it is the birthday attack with its budget. `inverse`: the knocks open holes and
 * die on the way, and the side with many sockets comes in through one of them, so that its carrier sees no scan.
 */
export function* spraying(
  stage: Stage,
  hard: Role,
  method: 'block' | 'birthday',
  permits: Permits,
  inverse: boolean,
): Script<Finding> {
  const easy = otherThan(hard);
  const found = new Finding(hard);
  const anchor = yield* anchored(stage, easy, hard);
  if (anchor === undefined) return found;
  const { profile } = stage.parties[hard];
  const mappings = mappingsFor(profile);
  const proving = Math.min(PROOF.birthday, Math.ceil(mappings * PROVING));
  if (!permits.mappings(hard, mappings)) {
    found.postponed = RESTING;
    return found;
  }
  const wait = method === 'birthday' ? permits.birthday(hard, stage.parties[hard].address.ip) : 0;
  if (wait > 0) {
    found.postponed = ms(wait);
    return found;
  }
  const knock: Shot = { kind: 'knock', by: 0, ip: 0, ports: anchor.ports.slice(0, 1) };
  // A port that gives way to what comes first must be written to from the inside first.
  const ttls = inverse ? TTLS.no : TTLS[stage.parties[easy].profile.poison];
  const { timeout = Infinity } = stage.parties[hard];
  const refresh = inverse ? COMING_IN[method] : ms(Math.min(REFRESH, Math.max(LEAST_REFRESH, timeout / 2)));
  const usual = { method, ips: [anchor.ip], refresh, keep: KEEP } as const;
  const open = (sockets: number, probes: number, ttl: number, pace = QUICK): Round =>
    stage.fire(hard, {
      ...usual,
      ttl,
      from: { kind: 'fresh', sockets },
      pace,
      shots: [knock, ...proofs(stage, probes)],
    });
  const [early = 0, ...late] = shares(mappings - proving, proving, ttls.length);
  const first = open(early, proving, ttls[0] ?? 0, 0);
  for (const [i, sockets] of late.entries()) open(sockets, 0, ttls[i + 1] ?? 0);
  const opening = (1000 * mappings) / OPENING;
  if (!(yield* proven(stage, first, proving, PROOF[method], opening, found))) return found;
  const ranges = method === 'block' ? scanOrder(profile.ports ?? ALL_PORTS) : [profile.ports ?? ALL_PORTS];
  const shots = sprays(ranges, stage.random(2 ** 32));
  const count = shots.reduce((sum, shot) => sum + shot.count, 0);
  const ip = found.ip ?? stage.parties[hard].address.ip;
  const busy = permits.spray(hard, ip, count, SPRAYING);
  if (busy > 0) {
    found.postponed = ms(busy);
    return found;
  }
  const spray = { method, from: anchor.muzzle, ips: [ip], pace: SPRAYING, ttl: inverse ? LOW_TTL : 0, shots } as const;
  const round = stage.fire(easy, spray);
  const certain =
    chance(
      ranges.reduce((sum, range) => sum + sizeOf(range), 0),
      mappings - proving,
      count,
    ) > ENOUGH;
  if (method === 'birthday' && !certain && (profile.quota === 0 || profile.quota >= 4 * MOST_MAPPINGS)) {
    // What was asked for was given, as far as a bad line lets it be seen: so many more are no surprise to this NAT.
    yield* stage.wait(opening);
    const more = MOST_MAPPINGS - mappings;
    if (first.sights.size >= proving * GRANTED && permits.mappings(hard, more)) open(more, 0, ttls.at(-1) ?? 0);
  }
  const whole = (1000 * count) / SPRAYING + stage.meeting(easy) + (inverse ? refresh : 0) + MARGIN;
  yield* stage.wait(whole, () => isRefused(round));
  // It has had a birthday with somebody else, and rests.
  if (method === 'birthday' && round.misfire === 'targets') found.postponed = RESTING;
  found.misfired([round]);
  return found;
}

/** So many sockets in one volley for each time to live, or for what leaves at once and what follows. */
function shares(sockets: number, proving: number, ttls: number): readonly number[] {
  if (ttls === 1) return sockets + proving > FEW ? [FEW - proving, sockets + proving - FEW] : [sockets];
  const share = Math.floor(sockets / ttls);
  return [sockets - (ttls - 1) * share, ...Array.from({ length: ttls - 1 }, () => share)];
}

/** As many of the ranges as one attempt may have, each in an order of its own. */
function sprays(ranges: readonly { from: number; to: number }[], seed: number): Extract<Shot, { kind: 'spray' }>[] {
  const shots: Extract<Shot, { kind: 'spray' }>[] = [];
  let left = MOST_SHOTS;
  for (const range of ranges) {
    const count = Math.min(left, sizeOf(range));
    if (count > 0) shots.push({ kind: 'spray', by: 0, ip: 0, ...range, seed, skip: 0, count });
    left -= count;
  }
  return shots;
}
