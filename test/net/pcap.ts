import type { Address } from '../../agent/base/address.ts';

/** A UDP datagram as tcpdump saw it. */
export interface Captured {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly from: Address;
  readonly to: Address;
  readonly ttl: number;
  readonly bytes: Uint8Array;
}

/** Link types of pcap: how many bytes lie before the IP header. */
const LINK_HEADER: Record<number, number> = { 1: 14, 12: 0, 101: 0, 113: 16, 276: 20 };

/** The whole IPv4 UDP datagrams of a pcap file in this machine's byte order; throws for another kind of file. */
export function readPcap(file: Uint8Array): readonly Captured[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const magic = view.getUint32(0, true);
  if (magic !== 0xa1b2c3d4) throw new Error(`not a pcap file: ${magic.toString(16)}`);
  const before = LINK_HEADER[view.getUint32(20, true)];
  if (before === undefined) throw new Error(`unknown link type ${view.getUint32(20, true)}`);
  const found: Captured[] = [];
  for (let position = 24; position + 16 <= file.length;) {
    const at = view.getUint32(position, true) * 1000 + view.getUint32(position + 4, true) / 1000;
    const length = view.getUint32(position + 8, true);
    const datagram = udp(file.subarray(position + 16 + before, position + 16 + length), at);
    if (datagram !== undefined) found.push(datagram);
    position += 16 + length;
  }
  return found;
}

/** RFC 791 section 3.1 and RFC 768; undefined for anything else, fragments included. */
function udp(packet: Uint8Array, at: number): Captured | undefined {
  const header = 4 * ((packet[0] ?? 0) & 15);
  if ((packet[0] ?? 0) >> 4 !== 4 || packet[9] !== 17 || packet.length < header + 8) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if ((view.getUint16(6) & 0x3fff) !== 0) return undefined;
  const end = header + view.getUint16(header + 4);
  if (end > packet.length) return undefined;
  return {
    at,
    ttl: packet[8] ?? 0,
    from: { ip: packet.subarray(12, 16).join('.'), port: view.getUint16(header) },
    to: { ip: packet.subarray(16, 20).join('.'), port: view.getUint16(header + 2) },
    bytes: packet.slice(header + 8, end),
  };
}
