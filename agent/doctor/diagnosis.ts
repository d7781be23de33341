import { scope } from '../base/address.ts';
import { adviceFor } from './advice.ts';
import { isBlocked, isOnlySix } from './blocked.ts';
import type { Facts } from './facts.ts';
import { layersOf } from './layers.ts';
import { fatesOf, kindsOf } from './lines.ts';
import { isLossy } from './loss.ts';
import { isReadable } from './nat-words.ts';
import type { Verdict, VerdictWord } from './verdict.ts';

/** What all that was seen comes to. */
export function diagnose(facts: Facts): Verdict {
  const word = wordFor(facts);
  return { word, sentence: sentenceFor(word, facts), advice: adviceFor(word, facts) };
}

function wordFor(facts: Facts): VerdictWord {
  const { sight, terrain, own } = facts;
  if (sight.met !== true && (terrain?.uplinks.length === 0 || own.length === 0)) return 'no-network';
  if (sight.met !== true) return isBlocked(facts) ? 'udp-blocked' : 'no-rendezvous';
  if (isInterfered(facts)) return 'interference';
  const { nat, mapping, isOpen } = sight;
  const isRead = nat !== undefined && isReadable(nat.profile);
  if (isOpen === true || (nat?.profile.filtering === 'endpoint-independent' && isRead)) return 'open';
  if (mapping?.state === 'verified') return 'mapped';
  const layers = layersOf(facts);
  if (layers?.outer === 'carrier') return 'carrier-nat';
  if (layers?.outer === 'house') return 'double-nat';
  if (layers?.count === 0) return isShut(facts) ? 'firewall' : 'unclear';
  if (nat === undefined || nat.profile.kind === 'unknown') return 'unclear';
  return isRead ? 'punchable' : 'hard-nat';
}

/** Somebody who was never written to tried to come in, and did not. */
function isShut({ sight }: Facts): boolean {
  const filtering = sight.nat?.profile.filtering;
  return sight.isOpen === false || (filtering !== undefined && filtering !== 'unknown');
}

/** A reset that neither end sent, or bytes that are stopped while others pass; on a line that loses much, only the first. */
function isInterfered(facts: Facts): boolean {
  const fates = fatesOf(facts);
  if (fates === undefined) return false;
  if (kindsOf(fates, 'cut').length > 0) return true;
  const stopped = isLossy(facts.sight)
    ? (['altered', 'perhaps-cut'] as const)
    : (['swallowed', 'altered', 'perhaps-cut'] as const);
  return kindsOf(fates, ...stopped).length > 0 && kindsOf(fates, 'well').length > 0;
}

function sentenceFor(word: VerdictWord, facts: Facts): string {
  switch (word) {
    case 'open':
      return 'Anybody can reach this house: it can feed others at once.';
    case 'mapped':
      return 'The router opened a port when it was asked, and a stranger got in: this house can feed others at once.';
    case 'firewall':
      return 'This machine has an address of the internet, but a firewall keeps strangers out; direct connections succeed all the same, for both sides begin at once.';
    case 'punchable':
      return `A usual NAT: ${isShut(facts) ? 'nobody gets in unasked, but ' : ''}others can tell which port to knock at, so direct connections succeed.`;
    case 'hard-nat':
      return 'The NAT here gives out ports that nobody can foretell: direct connections to open houses succeed, others often go by a relay.';
    case 'unclear':
      return layersOf(facts)?.count === 0
        ? 'This machine has an address of the internet, but whether strangers get in could not be tried.'
        : 'The rendezvous answers, but too little came back to tell what stands between it and this house.';
    case 'double-nat':
      return `Two routers in this house translate addresses, one behind the other, so what the inner one opens leads nowhere${butPunched(facts)}.`;
    case 'carrier-nat':
      return `${carrier(facts)} translates addresses between here and the internet, so no router here can open a port${butPunched(facts)}.`;
    case 'interference':
      return `Somebody on the way interferes with connections by what they carry${throughUdp(facts)}.`;
    case 'udp-blocked':
      return 'The rendezvous can be reached over TCP and not over UDP: either this network lets no UDP out, or the key after the # is wrong.';
    case 'no-rendezvous':
      return noRendezvous(facts);
    case 'no-network':
      return 'This machine has no way to the internet.';
  }
}

function noRendezvous(facts: Facts): string {
  const { met, isHeard } = facts.sight;
  if (met === undefined) return 'No rendezvous was named, so nobody could look at this house from outside.';
  if (isOnlySix(facts)) {
    return 'The rendezvous is named by an IPv6 address, but houses speak with theirs over IPv4, so nobody could look at this house from outside.';
  }
  return isHeard
    ? 'The rendezvous answers, but the line lost so much that nobody could look at this house from outside.'
    : 'The rendezvous does not answer, so nobody could look at this house from outside.';
}

/** 100.64/10 is for carriers alone; that two public addresses differ may be a VPN's doing. */
function carrier(facts: Facts): string {
  const outside = layersOf(facts)?.outside;
  const isSure = outside === undefined || scope(outside) !== 'public';
  return isSure ? 'The provider' : 'The provider, or a VPN,';
}

/** What is known of the NAT as a whole decides how others come in. */
function butPunched({ sight: { nat } }: Facts): string {
  if (nat === undefined || nat.profile.kind === 'unknown') return '';
  return isReadable(nat.profile)
    ? '; direct connections succeed all the same, for both sides begin at once'
    : ', and nobody can foretell which ports others see';
}

function throughUdp({ sight: { nat } }: Facts): string {
  if (nat === undefined || nat.profile.kind === 'unknown') return '';
  return isReadable(nat.profile)
    ? '; hearth speaks UDP that looks like nothing, and that gets through'
    : '; UDP gets through, but the NAT here gives out ports that nobody can foretell';
}
