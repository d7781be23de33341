import type { NatProfile } from '../../base/nat-profile.ts';
import type { Reason } from '../../base/outcome.ts';
import { inferBlock } from '../../punch/block.ts';
import { ALL_PORTS, countingOf, stepsBetween } from '../../punch/brackets.ts';
import { type Bracket, isCounted, label } from '../../punch/labels.ts';
import { readingOf } from '../../punch/prospect.ts';
import { sighted } from './anchor.ts';
import type { Finding } from './finding.ts';
import { isRefused, otherThan, ROLES, type Role, type Round, type Script, type Stage } from './stage.ts';

const SOCKETS = 3;

/** Why an attempt failed, and what to believe of the side that was hard to meet from now on. */
export interface Verdict {
  readonly reason: Reason;
  readonly parties: Stage['parties'];
}

/** Both sides fire three brackets at once, nine datagrams each: what comes in tells a counter from a lottery, and a bad line from both. */
export function* postMortem(stage: Stage, found: Finding): Script<Verdict> {
  const { hard } = found;
  const easy = stage.parties[otherThan(hard)];
  const profile = { ...stage.parties[hard].profile, ...found.pace };
  if (found.misfire === 'off' || found.misfire === 'polite') return { reason: 'refused', parties: stage.parties };
  const rounds = ROLES.map((role) => fire(stage, role));
  for (const round of rounds) yield* sighted(stage, round.role, [round], () => false);
  const mine = rounds.find(({ role }) => role === hard);
  // Its own limits are reached: nothing can be seen any more, and no NAT has refused anything.
  if (mine !== undefined && isRefused(mine) && mine.sights.size === 0) {
    return { reason: readingOf(profile) === 'stepping' ? 'drift' : 'random', parties: stage.parties };
  }
  const brackets = mine === undefined ? [] : bracketsOf(mine);
  const counting = countingOf(profile);
  const known = readingOf(profile) === 'block' || profile.kind === 'block-sequential';
  const evidence = {
    brackets,
    counting,
    believed: known ? profile.ports : undefined,
    external: profile.external.length === 0 ? [] : [...profile.external, stage.parties[hard].address.ip],
    readExactly: found.exact > 0,
    sameExternal: stage.parties.asker.address.ip === stage.parties.target.address.ip,
    poison: easy.profile.poison === 'yes' || (easy.profile.poison === 'unknown' && found.exact > 2),
    steady: readingOf(profile) === 'stable',
    refusedMappings: found.misfire === 'table',
    arrived: stage.arrived(),
    halves: stage.halves(hard),
  };
  const reason = label(evidence);
  const party = { ...stage.parties[hard], profile: corrected(profile, reason, brackets) };
  return { reason, parties: { ...stage.parties, [hard]: party } };
}

function fire(stage: Stage, role: Role): Round {
  const { address } = stage.parties[otherThan(role)];
  const [a = 0, b = a] = stage.observers;
  const shots = [
    { kind: 'probe', by: 0, observer: a },
    { kind: 'knock', by: 0, ip: 0, ports: [address.port] },
    { kind: 'probe', by: 0, observer: b },
  ] as const;
  const from = { kind: 'fresh', sockets: SOCKETS } as const;
  return stage.fire(role, { method: 'bracket', from, ips: [address.ip], shots });
}

function bracketsOf(round: Round): readonly Bracket[] {
  return Array.from({ length: SOCKETS }, (_, i) => ({
    first: round.sights.get(`${i + 1} 0`)?.external,
    second: round.sights.get(`${i + 1} 2`)?.external,
  }));
}

/** What the brackets show counts for more than what was believed. */
function corrected(profile: NatProfile, reason: Reason, brackets: readonly Bracket[]): NatProfile {
  const sights = brackets.flatMap(({ first, second }) => [first, second]).filter((one) => one !== undefined);
  switch (reason) {
    case 'random': {
      const reading = readingOf(profile);
      if (reading !== 'stepping' && reading !== 'address') return profile;
      const block = inferBlock(sights.map(({ port }) => port));
      if (block === undefined) return { ...profile, kind: 'random', step: 0, ports: undefined };
      return { ...profile, kind: 'block-random', step: 0, ports: block };
    }
    case 'block-hop':
      return { ...profile, ports: inferBlock(sights.map(({ port }) => port)) };
    case 'pool': {
      const external = [...new Set([...sights.map(({ ip }) => ip), ...profile.external])].slice(0, 4);
      return { ...profile, external, pooling: isScattered(brackets) ? 'arbitrary' : 'paired' };
    }
    case 'drift':
    case 'poison':
    case 'filter':
    case 'quota':
    case 'loss':
    case 'hairpin':
    case 'udp-blocked':
    case 'peer-unknown':
    case 'peer-offline':
    case 'rendezvous-unreachable':
    case 'refused':
    case 'timeout':
      return stepping(profile, brackets);
  }
}

function isScattered(brackets: readonly Bracket[]): boolean {
  return brackets.some(({ first, second }) => first !== undefined && second !== undefined && first.ip !== second.ip);
}

/** Believed to be random, but the brackets are narrow: it counts, and the step is what divides them all. */
function stepping(profile: NatProfile, brackets: readonly Bracket[]): NatProfile {
  const reading = readingOf(profile);
  if (reading !== 'random' && reading !== 'block') return profile;
  for (const step of [1, -1]) {
    const counting = { step, counters: 1, range: ALL_PORTS };
    const gaps = brackets.flatMap(({ first, second }) => {
      const steps = stepsBetween(first?.port ?? 0, second?.port ?? 0, counting);
      return first === undefined || second === undefined || steps === undefined || steps > 1024 ? [] : [steps];
    });
    // Each bracket holds two allocations of ours, the knock's and the second probe's.
    const least = Math.min(...gaps);
    const size = Math.floor(least / 2);
    if (gaps.length < 2 || size < 1) continue;
    const believed = { ...profile, kind: 'sequential', step: step * size, ports: undefined } as const;
    if (isCounted({ brackets, counting: countingOf(believed) })) return believed;
  }
  return profile;
}
