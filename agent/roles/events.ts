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
  else if (name === 'bad-block' || name === 'publish-refused') log.warn(name, facts);
  else if (WORTH_SAYING.has(name) || name.startsWith('peer') || name === 'rendezvous') log.info(name, facts);
  else log.debug(name, facts);
}

/** A line with an address of its own needs no gateway, only a rule of the firewall here; and a port that stays. */
function fixOf(port: number): string {
  return `${firewallRule(port).sentence} Keep the port: --port ${port}.`;
}
