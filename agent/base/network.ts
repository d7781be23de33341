import { ipBytes } from './address.ts';

/** An address and how many of its bits name the network it lies in. */
export interface Network {
  readonly ip: string;
  readonly prefix: number;
}

/** Whether an address lies in that network; text that is no address lies nowhere. */
export function isWithin(ip: string, network: Network): boolean {
  const [bytes, base] = [ipBytes(ip), ipBytes(network.ip)];
  if (bytes === undefined || base?.length !== bytes.length) return false;
  return bytes.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, network.prefix - 8 * i));
    return ((byte ^ (base[i] ?? 0)) & (0xff00 >> bits) & 0xff) === 0;
  });
}
