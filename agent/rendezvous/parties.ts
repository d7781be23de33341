import type { Address } from '../base/address.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import { type Instant, ms } from '../base/time.ts';
import { conducted, prospect } from '../punch/prospect.ts';
import type { Score } from './conductor/conductor.ts';
import type { Party, Role } from './conductor/stage.ts';
import type { Client } from './directory.ts';
import type { Pair } from './pairs.ts';

/** Round trip of a household that has not measured one yet. */
const RTT = ms(150);

/** Does the rendezvous lead these two? */
export function isConducted(asker: Client, target: Client): boolean {
  const [mine, theirs] = [asker.facts?.profile, target.facts?.profile];
  if (mine === undefined || theirs === undefined) return false;
  return isOneFamily(asker, target) && conducted(prospect(mine, theirs));
}

/** It does as it is told: so it has the introduction. */
export function takes(pair: Pair, role: Role): void {
  if (role === 'target') pair.accepted = true;
  else pair.taken = true;
}

export function roleIn(pair: Pair, client: Client): Role | undefined {
  if (pair.asker === client.nodeKey) return 'asker';
  return pair.target === client.nodeKey ? 'target' : undefined;
}

/** Only what it proved: a sealed probe may claim any source. */
export function placeOf(
  { address, facts, rtt = RTT, seen }: Client,
  now: Instant,
): Pick<Party, 'address' | 'ips' | 'rtt' | 'taken'> {
  const ips = [address.ip, ...(facts?.proven ?? []).map(({ ip }) => ip)];
  return { address, ips, rtt, taken: seen?.taken(now) };
}

/**
 * May these two be led after they failed alone? Both ports are known, or were not needed as long as a door was said to be open; and both
 * households have heard of each other.
 */
export function isMutual(pair: Pair, asker: Client | undefined, target: Client | undefined): boolean {
  const [mine, theirs] = [asker?.facts?.profile, target?.facts?.profile];
  if (!pair.accepted || !asker || !target || !mine || !theirs || asker.address.ip === target.address.ip) return false;
  const outlook = prospect(shut(mine), shut(theirs));
  return isOneFamily(asker, target) && (outlook.kind === 'simultaneous' || conducted(outlook));
}

/** As if no door were open: who has to be led has not come in by one. */
export function shut(profile: NatProfile): NatProfile {
  return { ...profile, door: 'none' };
}

/** Both are seen over IPv4, or both over IPv6. */
export function isOneFamily(asker: Client, target: Client): boolean {
  return asker.address.ip.includes(':') === target.address.ip.includes(':');
}

/** Observers of the family that the two are seen with, another address each time as long as there is one. */
export function inTurns(locals: readonly (Address | undefined)[], { asker }: Score['parties']): readonly number[] {
  const six = asker.address.ip.includes(':');
  const byIp = new Map<string, number[]>();
  for (const [i, local] of locals.entries()) {
    if (local === undefined || local.ip.includes(':') !== six) continue;
    byIp.set(local.ip, [...(byIp.get(local.ip) ?? []), i]);
  }
  const order: number[] = [];
  for (let turn = 0; order.length < locals.length && turn < locals.length; turn++) {
    for (const places of byIp.values()) {
      const place = places[turn];
      if (place !== undefined) order.push(place);
    }
  }
  return order;
}
