import type { Door } from './client.ts';
import type { Action } from './soap.ts';
import type { Attempt } from './step.ts';

/** The actions of WANIPConnection and WANPPPConnection that we use. The order of the values is the standard's. */

/** What stands in the gateway's list, for its owner and for us; devices allow some thirty characters. */
const DESCRIPTION = 'hearth';

export function askStatus(type: string): Action {
  return { type, name: 'GetStatusInfo', values: [] };
}

export function askAddress(type: string): Action {
  return { type, name: 'GetExternalIPAddress', values: [] };
}

export function addMapping(type: string, { own }: Door, attempt: Attempt): Action {
  const { action, internal, external, lifetime } = attempt;
  return {
    type,
    name: action === 'any' ? 'AddAnyPortMapping' : 'AddPortMapping',
    values: [
      ['NewRemoteHost', ''],
      ['NewExternalPort', external],
      ['NewProtocol', 'UDP'],
      ['NewInternalPort', internal],
      ['NewInternalClient', own],
      ['NewEnabled', 1],
      ['NewPortMappingDescription', DESCRIPTION],
      ['NewLeaseDuration', lifetime],
    ],
  };
}

export function readMapping(type: string, external: number): Action {
  return { type, name: 'GetSpecificPortMappingEntry', values: entry(external) };
}

export function deleteMapping(type: string, external: number): Action {
  return { type, name: 'DeletePortMapping', values: entry(external) };
}

function entry(external: number): Action['values'] {
  return [
    ['NewRemoteHost', ''],
    ['NewExternalPort', external],
    ['NewProtocol', 'UDP'],
  ];
}

/** Whether an entry, as read back, leads to this address and, where one is named, this port. */
export function leadsTo(values: ReadonlyMap<string, string>, own: string, internal?: number): boolean {
  const port = values.get('newinternalport');
  return values.get('newinternalclient') === own && (internal === undefined || Number(port) === internal);
}

/** The entry was made by a hearth. */
export function isOurs(values: ReadonlyMap<string, string>): boolean {
  return values.get('newportmappingdescription') === DESCRIPTION;
}

/** A whole number without a sign; undefined for anything else. */
export function numberIn(values: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = values.get(name);
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
