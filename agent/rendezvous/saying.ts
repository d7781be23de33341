import type { Instant } from '../base/time.ts';
import type { FromRendezvous } from '../wire/messages.ts';
import type { Client } from './directory.ts';
import type { Floor } from './floor.ts';
import type { Send } from './voice.ts';

/** Something to be said to one household. */
export interface Word {
  readonly to: Client;
  readonly message: FromRendezvous;
}

/** Several to a datagram, to those they are for. */
export function say(floor: Floor, words: readonly Word[], now: Instant): Send[] {
  const byClient = new Map<Client, FromRendezvous[]>();
  for (const { to, message } of words) {
    const before = byClient.get(to) ?? introduction(floor, to, message, now);
    byClient.set(to, [...before, message]);
  }
  return [...byClient].flatMap(([client, messages]) => floor.voice.tell(client, messages, now));
}

/** A volley means nothing to who has no introduction: it comes along until it was accepted. */
function introduction({ matchmaker }: Floor, client: Client, message: FromRendezvous, now: Instant): FromRendezvous[] {
  if (message.kind !== 'volley') return [];
  const pair = matchmaker.pairs.get(message.pairId);
  if (pair === undefined || (pair.target === client.nodeKey ? pair.accepted : pair.taken)) return [];
  const told = matchmaker.introduction(pair, client, now);
  return told === undefined ? [] : [told];
}
