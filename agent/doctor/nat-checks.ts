import { scope } from '../base/address.ts';
import type { Facts } from './facts.ts';
import { type Check, type Finding, no, unchecked, unseen, yes } from './finding.ts';
import { gatewayWords } from './gateway-words.ts';
import { layersOf } from './layers.ts';
import { allocatorWords, isReadable } from './nat-words.ts';

/** What stands between this house and the internet. */
export const NAT_CHECKS: readonly Check[] = [
  { name: 'wan-address', question: 'Public IPv4 address', run: wanAddress },
  { name: 'nat-layers', question: 'One NAT at most', run: natLayers },
  { name: 'allocator', question: 'Ports can be foretold', run: allocator },
  { name: 'filtering', question: 'Strangers get in', run: filtering },
  { name: 'mapping', question: 'Router opens ports', run: mapping },
  { name: 'hairpin', question: 'Way back inside', run: hairpin },
];

function wanAddress(facts: Facts): Finding {
  const { sight, terrain, own } = facts;
  const layers = layersOf(facts);
  const seen = sight.observed?.ip;
  if (layers?.outside === undefined) {
    const line = terrain?.uplinks.find(({ family }) => family === 4);
    // A private one says nothing of what the gateway has.
    if (line !== undefined && seen === undefined && scope(line.own) !== 'private') {
      return addressKind(line.own, `this machine has ${line.own}`);
    }
    return unchecked(seen === undefined ? unseen(sight) : `seen as ${seen}; the gateway does not say what it has`);
  }
  if (layers.count === 0) return yes(`${layers.outside}, on this machine itself`);
  const who = own.includes(layers.outside) ? 'this machine has' : 'the gateway has';
  const finding = addressKind(layers.outside, `${who} ${layers.outside}`);
  if (seen === undefined || seen === layers.outside) return finding;
  const between = scope(layers.outside) === 'public' ? ': somebody translates in between' : '';
  return no(`${finding.seen}; we are seen as ${seen}${between}`);
}

function addressKind(ip: string, words: string): Finding {
  switch (scope(ip)) {
    case 'public':
      return yes(words);
    case 'shared':
      return no(`${words}, one of the carrier's own (RFC 6598)`);
    case 'private':
      return no(`${words}, a private address`);
    case 'loopback':
    case 'link-local':
    case 'multicast':
    case 'reserved':
      return no(`${words}, no address of the internet`);
  }
}

function natLayers(facts: Facts): Finding {
  const layers = layersOf(facts);
  if (layers === undefined) return unchecked(unseen(facts.sight));
  const { count, sure, outer } = layers;
  if (count === 0) return yes('none');
  if (outer === 'carrier')
    return count === 1 ? yes("one, the carrier's") : no("two or more, the outer one the carrier's");
  if (count > 1) return no(`${sure ? 'two' : 'two or more'}, in this house`);
  return sure
    ? yes('one, the gateway')
    : unchecked('one shows, but the gateway does not tell whether there is another');
}

function allocator({ sight }: Facts): Finding {
  if (sight.nat === undefined || sight.nat.profile.kind === 'unknown') return unchecked(unseen(sight));
  const { profile } = sight.nat;
  const sureness = profile.confidence < 0.8 ? ' (a guess)' : '';
  const words = `${allocatorWords(profile)}${sureness}`;
  return isReadable(profile) ? yes(words) : no(words);
}

function filtering({ sight }: Facts): Finding {
  if (sight.isOpen === true && sight.nat?.profile.filtering !== 'endpoint-independent') {
    return yes(`by port ${sight.port ?? 0} only`);
  }
  switch (sight.nat?.profile.filtering) {
    case 'endpoint-independent':
      return yes('anybody may write to a port that is in use');
    case 'address-dependent':
      return no('only from addresses that were written to');
    case 'address-and-port-dependent':
      return no('only who was written to may answer');
    case 'unknown':
    case undefined:
      return unchecked(unseen(sight));
  }
}

function mapping({ sight, terrain }: Facts): Finding {
  const { gateways, mapping: held } = sight;
  if (gateways.length === 0) {
    const line = terrain?.uplinks.find(({ family }) => family === 4);
    if (line !== undefined && scope(line.own) === 'public') return unchecked('this machine is the gateway');
    return unchecked('no gateway to be asked');
  }
  const words = gateways.map(gatewayWords).join('; ');
  if (held === undefined) return no(words);
  switch (held.state) {
    case 'verified':
      return yes(`${words}; a stranger came in`);
    case 'closed':
      return no(`${words}; but no stranger got in`);
    case 'claimed':
      return sight.met === true ? no(`${words}; not proven`) : yes(`${words}; nobody was there to prove it`);
  }
}

function hairpin({ sight }: Facts): Finding {
  if (sight.nat?.profile.kind === 'open') return unchecked('there is no NAT');
  if (sight.hairpin === undefined) return unchecked(unseen(sight));
  return sight.hairpin
    ? yes('two in this house meet by the outside address')
    : no('the outside address does not lead back inside');
}
