import { scope } from '../base/address.ts';
import { isBlocked, isOnlySix } from './blocked.ts';
import type { Facts, Greeting, PeerSeen } from './facts.ts';
import { type Check, type Finding, no, unchecked, unseen, yes } from './finding.ts';
import { gatewayWords } from './gateway-words.ts';
import { fatesOf, kindsOf } from './lines.ts';
import { isLossy, lossOf, MOST_LOSS } from './loss.ts';
import { roomForOthers } from './room.ts';

/** What the way to others is like. */
export const WAY_CHECKS: readonly Check[] = [
  { name: 'udp', question: 'UDP gets out', run: udp },
  { name: 'ipv6', question: 'IPv6', run: ipv6 },
  { name: 'ipv6-door', question: 'Strangers get in by IPv6', run: ipv6Door },
  { name: 'resets', question: 'Connections left alone', run: resets },
  { name: 'inspection', question: 'All traffic treated alike', run: inspection },
  { name: 'packet-size', question: 'Full packets get through', run: packetSize },
  { name: 'line', question: 'Steady line', run: line },
  { name: 'peers', question: 'Steady lines to peers', run: peers },
  { name: 'room', question: 'Room for others', run: roomForOthers },
];

function udp(facts: Facts): Finding {
  const { sight, greetings } = facts;
  if (sight.met === undefined) return unchecked(unseen(sight));
  if (sight.met) return yes('the rendezvous answers');
  if (sight.isHeard) return yes('the rendezvous answers, but too little gets through to be let in');
  if (isBlocked(facts)) return no('the rendezvous is there over TCP, and silent over UDP');
  if (isOnlySix(facts)) return unchecked('only an IPv6 address was named, and houses speak with theirs over IPv4');
  const met = (wanted: Greeting): boolean => greetings?.some(({ greeting }) => greeting === wanted) ?? false;
  if (met('other')) return unchecked('another program answers over TCP at that address and port, and nobody over UDP');
  if (met('refused')) return unchecked('a machine is there, but no rendezvous answers at that port');
  return unchecked('the rendezvous answers neither over UDP nor over TCP');
}

function ipv6({ sight, own }: Facts): Finding {
  const addresses = own.filter((ip) => ip.includes(':') && scope(ip) === 'public');
  if (addresses.length === 0) return no('this machine has no address of the IPv6 internet');
  if (sight.six === undefined) {
    return unchecked(sight.met === true ? 'an address, but the rendezvous has none' : 'an address, but nobody to ask');
  }
  const { external } = sight.six;
  return external === undefined ? no('an address, but nothing comes back') : yes(`seen as ${external.ip}`);
}

function ipv6Door({ sight }: Facts): Finding {
  if (sight.six?.external === undefined) return unchecked('no IPv6');
  const { otherAddress, otherPort } = sight.six.trials;
  if (otherAddress === 'came') return yes('no firewall in front');
  if (sight.pinhole?.mapping?.state === 'verified')
    return yes('the router lets one port in when asked, and a stranger came in');
  if (otherAddress !== 'silent' && otherPort !== 'silent') return unchecked('the rendezvous has only one address');
  const asked = sight.pinhole?.gateways.map(gatewayWords) ?? [];
  return no(['the firewall lets in only who was written to', ...asked].join('; '));
}

function resets(facts: Facts): Finding {
  const fates = fatesOf(facts);
  if (fates === undefined) return unchecked(whyNoLines(facts));
  const cut = kindsOf(fates, 'cut');
  if (cut.length > 0) return no(`${listed(cut)} connections were reset, and the other end did not do it`);
  const perhaps = kindsOf(fates, 'perhaps-cut');
  if (perhaps.length > 0) return no(`${listed(perhaps)} connections were reset; the other end could not be asked`);
  const well = kindsOf(fates, 'well', 'swallowed', 'altered');
  return well.length > 0
    ? yes(`${well.length} kinds of connections, none reset`)
    : unchecked('no connection came about');
}

function inspection(facts: Facts): Finding {
  const fates = fatesOf(facts);
  if (fates === undefined) return unchecked(whyNoLines(facts));
  const well = kindsOf(fates, 'well');
  const badly = kindsOf(fates, 'cut', 'perhaps-cut', 'swallowed', 'altered');
  if (kindsOf(fates, 'swallowed').length === badly.length && badly.length > 0 && isLossy(facts.sight)) {
    return unchecked('the line loses too much to tell');
  }
  if (badly.length === 0) {
    return well.length > 1
      ? yes(`${listed(well)} bytes came back as they left`)
      : unchecked('no connection came about');
  }
  if (well.length === 0) return unchecked('no kind of connection carried anything');
  const verb = kindsOf(fates, 'altered').length > 0 ? 'are changed on the way' : 'are stopped';
  return no(`${listed(badly)} bytes ${verb}, ${listed(well)} ones pass: somebody reads them`);
}

function whyNoLines({ sight }: Facts): string {
  if (sight.met !== true) return unseen(sight);
  return sight.lineReady?.port === 0 ? 'this rendezvous takes no connections' : 'no connection came about';
}

/** What a stream needs: our datagrams are 1,200 bytes long, with headers 1,228 and 1,248. */
const NEEDED = 1280;

function packetSize({ sight, machine }: Facts): Finding {
  const link = machine?.mtu;
  const atLink = link === undefined ? '' : `, the link takes ${link}`;
  if (sight.largest === undefined) return unchecked(unseen(sight));
  const whole = Math.min(sight.largest, link ?? sight.largest);
  const words = `${whole} bytes get there${atLink}`;
  return whole >= NEEDED ? yes(words) : no(`${words}; ${NEEDED} are needed`);
}

const SLOW = 400;
const MOST_PEERS = 6;

function line({ sight }: Facts): Finding {
  if (sight.trips === undefined) return unchecked(unseen(sight));
  const { asked, trips } = sight.trips;
  if (trips.length === 0) return no(`${asked} probes, no answer`);
  const lost = lossOf(sight.trips);
  const sorted = trips.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const worst = sorted.at(-1) ?? 0;
  const words = `to the rendezvous ${tenths(median)} ms, at worst ${tenths(worst)} ms, ${lossWords(lost)}`;
  return lost <= MOST_LOSS && median <= SLOW ? yes(words) : no(words);
}

function peers({ peers: seen, homePort }: Facts): Finding {
  if (seen === undefined) return unchecked(homePort === 'agent' ? 'the agent here did not say' : 'no agent runs here');
  if (seen.length === 0) return unchecked('the agent here has no peers now');
  const bad = seen.filter(({ loss, rtt }) => (loss ?? 0) > MOST_LOSS || (rtt ?? 0) > SLOW);
  // The worst first, and no more than a person reads out.
  const listed = [...bad, ...seen.filter((one) => !bad.includes(one))];
  const more = listed.length > MOST_PEERS ? [`${listed.length - MOST_PEERS} more`] : [];
  const words = [...listed.slice(0, MOST_PEERS).map(peerWords), ...more].join('; ');
  return bad.length === 0 ? yes(words) : no(words);
}

function peerWords({ part, method, rtt, loss }: PeerSeen): string {
  const facts = [method, rtt !== undefined && `${tenths(rtt)} ms`, loss !== undefined && lossWords(loss)];
  const known = facts.filter((one) => typeof one === 'string');
  return known.length === 0 ? part : `${part} ${known.join(', ')}`;
}

function lossWords(share: number): string {
  return share === 0 ? 'nothing lost' : `${Math.max(1, Math.round(share * 100))}% lost`;
}

function tenths(span: number): string {
  return span < 10 ? span.toFixed(1) : String(Math.round(span));
}

/** `a`, `a and b`, `a, b and c`. */
function listed(words: readonly string[]): string {
  const [last = '', ...before] = words.toReversed();
  return before.length === 0 ? last : `${before.toReversed().join(', ')} and ${last}`;
}
