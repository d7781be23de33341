import { adviceFor } from './advice.ts';
import type { Facts } from './facts.ts';
import { layersOf } from './layers.ts';
import { fatesOf, kindsOf } from './lines.ts';
import { isReadable } from './nat-words.ts';
import type { Verdict, VerdictWord } from './verdict.ts';

/** What all that was seen comes to. */
export function diagnose(facts: Facts): Verdict {
  const word = wordFor(facts);
  return { word, sentence: sentenceFor(word, facts), advice: adviceFor(word, facts) };
}

function wordFor(facts: Facts): VerdictWord {
  const { sight, terrain, own, greetings } = facts;
  if (sight.met !== true && (terrain?.uplinks.length === 0 || own.length === 0)) return 'no-network';
  if (sight.met !== true) {
    const answers = greetings?.some(({ greeting }) => greeting === 'connected') ?? false;
    return sight.met === false && answers ? 'udp-blocked' : 'no-rendezvous';
  }
  if (isInterfered(facts)) return 'interference';
  const { nat, mapping, isOpen } = sight;
  const anybody = nat?.profile.filtering === 'endpoint-independent';
  if (isOpen === true || (anybody && nat !== undefined && isReadable(nat.profile))) return 'open';
  if (mapping?.state === 'verified') return 'mapped';
  const layers = layersOf(facts);
  if (layers?.outer === 'carrier') return 'carrier-nat';
  if (layers?.outer === 'house') return 'double-nat';
  if (layers?.count === 0) return 'firewall';
  return nat === undefined || isReadable(nat.profile) || nat.profile.kind === 'unknown' ? 'punchable' : 'hard-nat';
}

/** A reset that neither end sent, or bytes that are stopped while others pass. */
function isInterfered(facts: Facts): boolean {
  const fates = fatesOf(facts);
  if (fates === undefined) return false;
  if (kindsOf(fates, 'cut').length > 0) return true;
  return kindsOf(fates, 'swallowed', 'altered', 'perhaps-cut').length > 0 && kindsOf(fates, 'well').length > 0;
}

function sentenceFor(word: VerdictWord, facts: Facts): string {
  const { sight } = facts;
  switch (word) {
    case 'open':
      return 'Anybody can reach this house: it can feed others at once.';
    case 'mapped':
      return 'The router opened a port when it was asked, and a stranger got in: this house can feed others at once.';
    case 'firewall':
      return 'This house has an address of its own, but a firewall keeps strangers out; connections are made from both sides at once.';
    case 'punchable':
      return 'A usual NAT: nobody gets in unasked, but others can tell which port to knock at, so direct connections succeed.';
    case 'hard-nat':
      return 'The NAT here gives out ports that nobody can foretell: houses that can be reached are reached, the rest goes by a relay.';
    case 'double-nat':
      return `Two routers in this house translate addresses, one behind the other, so what the inner one opens leads nowhere${butPunched(facts)}.`;
    case 'carrier-nat':
      return `The provider shares one address among several customers, so no router here can open a port${butPunched(facts)}.`;
    case 'interference':
      return `Somebody on the way interferes with connections by what they carry${throughUdp(facts)}.`;
    case 'udp-blocked':
      return 'This network lets no UDP out: hearth cannot work here as it is.';
    case 'no-rendezvous':
      return sight.met === undefined
        ? 'No rendezvous was named, so nobody could look at this house from outside.'
        : 'The rendezvous does not answer, so nobody could look at this house from outside.';
    case 'no-network':
      return 'This machine has no way to the internet.';
  }
}

function butPunched({ sight }: Facts): string {
  const hard = sight.nat !== undefined && !isReadable(sight.nat.profile);
  return hard
    ? '; and its ports cannot be foretold'
    : '; direct connections succeed all the same, from both sides at once';
}

function throughUdp({ sight }: Facts): string {
  if (sight.nat === undefined) return '';
  return isReadable(sight.nat.profile)
    ? '; hearth speaks UDP that looks like nothing, and that gets through'
    : '; UDP gets through, but the NAT here gives out ports that nobody can foretell';
}
