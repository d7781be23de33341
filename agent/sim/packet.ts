import type { Address } from '../base/address.ts';

/** A UDP datagram on its way. Boxes rewrite the addresses and count `ttl` down; the bytes never change. */
export interface Packet {
  from: Address;
  to: Address;
  ttl: number;
  readonly bytes: Uint8Array;
}

/** An IPv4 header and a UDP header, bytes: what a link carries besides the payload. */
export const HEADERS = 28;

/** The largest payload that crosses an Ethernet path whole, bytes. */
export const LARGEST = 1500 - HEADERS;
