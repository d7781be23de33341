import type { Facts, Log } from '../io/log.ts';
import { firewallRule } from '../uplink/rule.ts';

/** What an operator wants to know even of a quiet night. The rest is for whoever looks for something. */
const WORTH_SAYING = new Set([
  'parent-lost',
  'bad-block',
  'slow-peer',
  'no-direct',
  'publish-refused',
  'epoch',
  'relay-begun',
  'relay-ended',
  'door-open',
  'door-shut',
]);

/** One event of a machine as one line of the log. Identities are cut: a whole one names a household for ever. */
export function logEvent(log: Log, { name, fields }: { readonly name: string; readonly fields: Facts }): void {
  const facts = typeof fields['peer'] === 'string' ? { ...fields, peer: fields['peer'].slice(0, 12) } : fields;
  if (name === 'port-closed') log.warn('nobody can come in unasked', { ...facts, fix: fixOf(Number(fields['port'])) });
  else if (name === 'private-channel') sayPrivate(log, facts);
  else if (name in FAULTS) log.warn(name, { ...facts, fix: FAULTS[name as keyof typeof FAULTS] });
  else if (name === 'publish-refused' && fields['reason'] === 'old-epoch')
    log.error(name, { ...facts, fix: STATE_LOST });
  else if (name === 'bad-block' || name === 'publish-refused') log.warn(name, facts);
  else if (WORTH_SAYING.has(name) || name.startsWith('peer') || name === 'rendezvous') log.info(name, facts);
  else log.debug(name, facts);
}

const STATE_LOST =
  'This channel has been at a higher epoch: the file channel.epoch of this origin was lost or is an old copy. Put a higher number there (hearth channel info shows the present one) and start again.';

/** What is wrong with a channel itself, and what can be done about it where it is made. */
const FAULTS = {
  'channel-forked':
    'The key of this channel signed two different streams. The first is played. Two origins run with one state directory, or its key is known to others.',
  'old-epoch':
    'A stream from before the last start of the origin was offered and not taken. Where that lasts, the origin has lost its file channel.epoch: put a higher number there and start it again.',
} as const;

function sayPrivate(log: Log, facts: Facts): void {
  if (facts['token'] === 'missing') {
    const fix = 'To watch it, set --channel ID:TOKEN.';
    log.info('a private channel is passed on and not shown here', { ...facts, fix });
  } else if (facts['token'] === 'wrong') {
    const fix = 'Its broadcaster has made a new one, or it is of another channel: ask for the present one.';
    log.warn('the token of a private channel does not fit', { ...facts, fix });
  } else {
    log.info('a private channel is shown', facts);
  }
}

/** A line with an address of its own needs no gateway, only a rule of the firewall here; and a port that stays. */
function fixOf(port: number): string {
  return `${firewallRule(port).sentence} Keep the port: --port ${port}.`;
}
