import { ipBytes } from '../base/address.ts';
import { fromHex } from '../base/bytes.ts';
import { isObject } from '../base/json.ts';
import { type Door, PROTOCOLS, type Protocol } from './client.ts';
import { isGateway } from './door.ts';
import { NONCE_BYTES } from './pcp.ts';

/** A mapping that we have, or may have: what leases.json holds, so that nothing is left behind by a run that was killed. */
export interface SavedLease {
  readonly protocol: Protocol;
  readonly gateway: string;
  readonly own: string;
  readonly internal: number;
  /** 0 while it is asked for and not granted yet. */
  readonly external: number;
  /** In hexadecimal, for PCP. */
  readonly nonce?: string;
  /** The number of a pinhole of IPv6, for UPnP. */
  readonly pinhole?: number | undefined;
}

/** Leases of other networks that a machine may come back to; more are forgotten, and run out. */
export const MOST_ELSEWHERE = 8;
/** With those of two gateways, and of the ports we had before. */
const MOST = 32;

/** Reads what leases.json held; undefined when that is no list of leases. */
export function decodeSaved(value: unknown): readonly SavedLease[] | undefined {
  if (!Array.isArray(value) || value.length > MOST) return undefined;
  const leases = value.map(lease);
  return leases.every((one) => one !== undefined) ? leases : undefined;
}

function lease(value: unknown): SavedLease | undefined {
  if (!isObject(value)) return undefined;
  const { protocol, gateway, own, internal, external, nonce, pinhole } = value;
  const known = PROTOCOLS.find((name) => name === protocol);
  if (known === undefined || typeof gateway !== 'string' || !isGateway(gateway) || !isIp(own)) return undefined;
  if (!isPort(internal) || !isPort(external) || internal === 0) return undefined;
  const plain = { protocol: known, gateway, own, internal, external };
  if (known === 'upnp' && isPort(pinhole)) return { ...plain, pinhole };
  if (known !== 'pcp') return plain;
  return typeof nonce === 'string' && fromHex(nonce)?.length === NONCE_BYTES ? { ...plain, nonce } : undefined;
}

function isIp(value: unknown): value is string {
  return typeof value === 'string' && ipBytes(value) !== undefined;
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535;
}

/** What is to be done about leases of an earlier run. */
export interface Inheritance {
  /** The external port that we had for this port, by any protocol; 0 when there was none. */
  readonly external: number;
  /** PCP's nonce for this port. */
  readonly nonce: Uint8Array | undefined;
  /** The pinhole for this port. */
  readonly pinhole: number | undefined;
  /** Of other ports of ours at this gateway: nobody listens there any more. */
  readonly stale: readonly SavedLease[];
  /** Of other networks: they can only be taken back from there. */
  readonly elsewhere: readonly SavedLease[];
}

/** Sorts the leases of earlier runs by what they are to the port that is to be opened now. */
export function inherit(saved: readonly SavedLease[], door: Door): Inheritance {
  const here = saved.filter(({ gateway, own }) => gateway === door.gateway && own === door.own);
  const same = here.filter(({ internal }) => internal === door.port);
  const nonce = same.find(({ protocol }) => protocol === 'pcp')?.nonce;
  return {
    external: same.find(({ external }) => external !== 0)?.external ?? 0,
    nonce: nonce === undefined ? undefined : fromHex(nonce),
    pinhole: same.find(({ pinhole }) => pinhole !== undefined)?.pinhole,
    stale: here.filter(({ internal }) => internal !== door.port),
    elsewhere: saved.filter((one) => !here.includes(one)).slice(0, MOST_ELSEWHERE),
  };
}
