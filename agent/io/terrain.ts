import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Ground } from '../uplink/terrain.ts';
import { ownNetworks } from './interfaces.ts';
import { textOf } from './proc.ts';

/** netifd answers within milliseconds; a router under load gets this long, ms. */
const PATIENCE = 2000;
/** A port set of 63 ranges has an answer of some 40 kB. */
const MOST_ANSWER = 1_000_000;
/** ARPHRD_ETHER of <linux/if_arp.h>. */
const ETHERNET = '1';

/** Looks at the kernel's part of the terrain: a few small files, read at once and without a disk. `root` is where /proc and /sys are. */
export function readGround(root = '/', addresses = ownNetworks): Ground {
  const read = (path: string): string => textOf(join(root, path));
  const four = addresses().filter(({ ip }) => !ip.includes(':'));
  return {
    route: read('proc/net/route'),
    ipv6Route: read('proc/net/ipv6_route'),
    ifInet6: read('proc/net/if_inet6'),
    forwarding: read('proc/sys/net/ipv4/ip_forward'),
    addresses: four,
    ethernet: four.map(({ name }) => name).filter((name) => read(`sys/class/net/${name}/type`).trim() === ETHERNET),
  };
}

/**
 * What OpenWrt's netifd says of its interfaces, as JSON; undefined on other systems, and when it does not answer within two seconds.
 * Starts a program.
 */
export async function askNetifd(root = '/'): Promise<string | undefined> {
  const ubus = ['bin/ubus', 'usr/bin/ubus'].map((path) => join(root, path)).find(canRun);
  if (ubus === undefined) return undefined;
  return new Promise((resolve) => {
    const limits = { timeout: PATIENCE, killSignal: 'SIGKILL', maxBuffer: MOST_ANSWER } as const;
    execFile(ubus, ['call', 'network.interface', 'dump'], limits, (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
  });
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
