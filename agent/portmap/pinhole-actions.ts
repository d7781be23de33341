import type { Door } from './client.ts';
import type { Action } from './soap.ts';

/** The actions of WANIPv6FirewallControl:1 that we use. The order of the values is the standard's. */

/** As IP numbers it. */
const UDP = 17;

export function askFirewall(type: string): Action {
  return { type, name: 'GetFirewallStatus', values: [] };
}

/** From anybody, to that port of ours. `lifetime` in seconds, a day at the most. */
export function addPinhole(type: string, { own }: Door, internal: number, lifetime: number): Action {
  return {
    type,
    name: 'AddPinhole',
    values: [
      ['RemoteHost', ''],
      ['RemotePort', 0],
      ['InternalClient', own],
      ['InternalPort', internal],
      ['Protocol', UDP],
      ['LeaseTime', lifetime],
    ],
  };
}

export function updatePinhole(type: string, pinhole: number, lifetime: number): Action {
  return {
    type,
    name: 'UpdatePinhole',
    values: [
      ['UniqueID', pinhole],
      ['NewLeaseTime', lifetime],
    ],
  };
}

/** How much came through: the one question about a pinhole that says whether it exists. */
export function readPinhole(type: string, pinhole: number): Action {
  return { type, name: 'GetPinholePackets', values: [['UniqueID', pinhole]] };
}

export function deletePinhole(type: string, pinhole: number): Action {
  return { type, name: 'DeletePinhole', values: [['UniqueID', pinhole]] };
}
