import { ipBytes } from '../../agent/base/address.ts';
import { hex } from '../../agent/base/bytes.ts';
import type { Ground } from '../../agent/uplink/terrain.ts';

/** A line of a routing table, in the words of `ip route`. */
export interface RouteLine {
  readonly dev: string;
  /** The default route without. */
  readonly to?: string;
  readonly via?: string;
  readonly metric?: number;
  /** Of IPv6: only for packets from there. */
  readonly from?: string;
  readonly flags?: number;
}

const flagsOf = ({ via, flags }: RouteLine): number => flags ?? (via === undefined ? 1 : 3);

function network(text: string): { readonly bytes: Uint8Array; readonly length: number } {
  const [ip = '', length = '0'] = text.split('/');
  return { bytes: ipBytes(ip) ?? new Uint8Array(), length: Number(length) };
}

const little = (bytes: Uint8Array): string => hex(bytes.toReversed()).toUpperCase();

/** /proc/net/route, as the kernel writes it on a little-endian machine (net/ipv4/fib_trie.c). */
export function route(lines: readonly RouteLine[]): string {
  const head = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';
  const rows = lines.map((line) => {
    const to = network(line.to ?? '0.0.0.0/0');
    const mask = Uint8Array.from([0, 8, 16, 24], (at) => 0xff00 >> Math.min(8, Math.max(0, to.length - at)));
    const hop = network(line.via ?? '0.0.0.0').bytes;
    const flags = flagsOf(line).toString(16).toUpperCase().padStart(4, '0');
    return [line.dev, little(to.bytes), little(hop), flags, 0, 0, line.metric ?? 0, little(mask), 0, 0, 0].join('\t');
  });
  return [head, ...rows].map((row) => `${row.padEnd(127)}\n`).join('');
}

/** /proc/net/ipv6_route (net/ipv6/route.c); `uses` is the counter that moves where nothing has changed. */
export function ipv6Route(lines: readonly RouteLine[], uses = 0): string {
  const number = (value: number): string => value.toString(16).padStart(8, '0');
  return lines
    .map((line) => {
      const [to, from, hop] = [line.to ?? '::/0', line.from ?? '::/0', line.via ?? '::'].map(network);
      const words = [to, from].map(
        (one) => `${hex(one?.bytes ?? new Uint8Array())} ${one?.length.toString(16).padStart(2, '0')}`,
      );
      const counters = [line.metric ?? 1024, uses, 0, flagsOf(line)].map(number);
      return `${[...words, hex(hop?.bytes ?? new Uint8Array()), ...counters].join(' ')} ${line.dev.padStart(8)}\n`;
    })
    .join('');
}

/** /proc/net/if_inet6 (net/ipv6/addrconf.c). */
export function ifInet6(
  lines: readonly { readonly ip: string; readonly dev: string; readonly flags?: number }[],
): string {
  return lines
    .map(({ ip, dev, flags = 0x80 }, i) => {
      const { bytes, length } = network(ip);
      const numbers = [i + 1, length, 0, flags].map((value) => value.toString(16).padStart(2, '0'));
      return `${hex(bytes)} ${numbers.join(' ')} ${dev.padStart(8)}\n`;
    })
    .join('');
}

/** IPv4 addresses as `ip address` names them: `192.168.1.1/24`, interface. */
export function addresses(...of: readonly (readonly [string, string])[]): Ground['addresses'] {
  return of.map(([text, name]) => {
    const [ip = '', prefix] = text.split('/');
    return { name, ip, prefix: Number(prefix) };
  });
}

/** A machine without networks, but for what is said. */
export function ground(parts: Partial<Ground> = {}): Ground {
  return { route: route([]), ipv6Route: '', ifInet6: '', forwarding: '0\n', addresses: [], ethernet: [], ...parts };
}
