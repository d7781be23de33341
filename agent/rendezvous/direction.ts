import type { FromClient, FromRendezvous, Message } from '../wire/messages.ts';

const FROM_CLIENT: ReadonlySet<Message['kind']> = new Set<FromClient['kind']>([
  'register',
  'beat',
  'probe',
  'filter-test',
  'try-door',
  'introduce',
  'join',
  'publish',
  'ask-channel',
  'accept',
  'relay',
  'report',
  'capacity',
  'position',
  'complain',
  'audited',
  'forked',
  'leave-channel',
  'leave',
  'response',
  'nudge',
  'fired',
  'carrying',
  'bridged',
  'line-test',
  'line-ask',
  'stretch',
]);

const FROM_RENDEZVOUS: ReadonlySet<Message['kind']> = new Set<FromRendezvous['kind']>([
  'registered',
  'pong',
  'observed',
  'filtered',
  'knocked',
  'introduction',
  'channel-info',
  'done',
  'refused',
  'relayed',
  'challenge',
  'nudged',
  'volley',
  'judged',
  'carry',
  'bridge',
  'line-ready',
  'line-report',
]);

/** Both directions share one codec: what a household says to a rendezvous. */
export function isFromClient(message: Message): message is FromClient {
  return FROM_CLIENT.has(message.kind);
}

/** What a rendezvous says to a household. */
export function isFromRendezvous(message: Message): message is FromRendezvous {
  return FROM_RENDEZVOUS.has(message.kind);
}
