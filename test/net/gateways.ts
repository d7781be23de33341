import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Address, ipText } from '../../agent/base/address.ts';
import { fromHex } from '../../agent/base/bytes.ts';
import type { Door } from '../../agent/portmap/client.ts';
import type { GatewayOptions } from '../portmap/gateway.ts';
import type { Told, Words } from '../portmap/tenant-main.ts';
import type { Child } from './child.ts';
import type { Household, Lab, Space } from './lab.ts';
import { command, existing, ip, nft } from './netns.ts';

export const ROUTER = '192.168.1.1';
const PROGRAMS = new URL('../portmap/', import.meta.url).pathname;

/** What miniupnpd is told to be. */
export interface Daemon {
  /** Version 1 is what OpenWrt's says it is. */
  readonly upnp?: 1 | 2 | false;
  /** It speaks both or neither; `only` has the router's firewall swallow the other one. */
  readonly pmp?: boolean | 'only-pcp' | 'only-natpmp';
  /** Seconds. */
  readonly longest?: number;
  /** It guards the household's IPv6, instead of the laboratory's own filter. */
  readonly ipv6?: boolean;
  /** The LAN that it serves, and its address there; the household's where nothing is said. */
  readonly lan?: string;
}

/** A household whose router runs Debian's miniupnpd, on an outside address that looks public. */
export class UpnpRouter {
  readonly #lab: Lab;
  readonly #home: Pick<Household, 'router'>;
  #daemon: Child | undefined;
  #wan: string;

  constructor(lab: Lab, home: Pick<Household, 'router' | 'address'>, wan: string) {
    this.#lab = lab;
    this.#home = home;
    this.#wan = home.address;
    this.moveTo(wan);
  }

  get wan(): string {
    return this.#wan;
  }

  /** The line comes back with another address. */
  moveTo(wan: string): void {
    const { netns } = this.#home.router;
    const internet = existing().find((name) => name.startsWith(netns.replace(/(?:house|carrier)\d+$/, 'internet')));
    const route = command(['ip', 'netns', 'exec', internet ?? '', 'ip', 'route', 'get', this.#wan]);
    const device = /dev (\S+)/.exec(route)?.[1] ?? '';
    ip(internet, [`route add ${wan}/32 dev ${device}`]);
    ip(netns, [
      `addr add ${wan}/32 dev wan`,
      `route replace default via 198.18.0.1 dev wan onlink src ${wan}`,
      `addr del ${this.#wan}/32 dev wan`,
    ]);
    ip(internet, [`route del ${this.#wan}/32 dev ${device}`]);
    this.#wan = wan;
  }

  /** Starts it with an empty table. */
  async start({ upnp = 2, pmp = true, longest = 86_400, ipv6 = false, lan = 'lan' }: Daemon = {}): Promise<void> {
    const { netns } = this.#home.router;
    nft(netns, TABLES);
    if (ipv6) nft(netns, GUARD6);
    if (pmp === 'only-pcp') nft(netns, swallow(0));
    if (pmp === 'only-natpmp') nft(netns, swallow(2));
    if (ipv6 && pmp === false) nft(netns, NO_PCP6);
    const words = [
      'ext_ifname=wan',
      `listening_ip=${lan}`,
      'http_port=5000',
      `enable_natpmp=${pmp === false ? 'no' : 'yes'}`,
      `enable_upnp=${upnp === false ? 'no' : 'yes'}`,
      `force_igd_desc_v1=${upnp === 1 ? 'yes' : 'no'}`,
      'secure_mode=yes',
      'system_uptime=no',
      'uuid=00000000-0000-0000-0000-000000000001',
      `min_lifetime=${Math.min(120, longest / 2)}`,
      `max_lifetime=${longest}`,
      'allow 1024-65535 192.168.1.0/24 1024-65535',
      'allow 1024-65535 10.0.0.0/16 1024-65535',
      'deny 0-65535 0.0.0.0/0 0-65535',
    ];
    const folder = mkdtempSync(join(tmpdir(), 'hearth-miniupnpd-'));
    const config = join(folder, 'miniupnpd.conf');
    writeFileSync(config, `${words.join('\n')}\n`);
    const argv = ['miniupnpd', '-d', '-f', config, '-P', join(folder, 'pid')];
    try {
      this.#daemon = this.#lab.run(this.#home.router, argv);
      await this.#daemon.error(pmp === false ? /HTTP listening on port/ : /Listening for NAT-PMP\/PCP traffic/);
    } finally {
      // It has read what it needs.
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** As if its power went: nothing is said, and its rules are gone. */
  async kill(): Promise<void> {
    await this.#daemon?.stop('SIGKILL');
    nft(this.#home.router.netns, 'delete table inet filter');
  }

  /** What the kernel leads inwards: `external>ip:internal`. */
  get table(): readonly string[] {
    const rules = this.#rules;
    return [...rules.matchAll(/dport (\d+) .*dnat ip to (\S+)/g)].map(([, port, to]) => `${port}>${to}`).toSorted();
  }

  /** What the kernel lets in over IPv6: `ip:port`. miniupnpd names the address by its place in the packet. */
  get pinholes(): readonly string[] {
    return [...this.#rules.matchAll(/dport (\d+) @nh,192,128 0x([0-9a-f]{32}) /g)]
      .map(([, port, to = '']) => `${ipText(fromHex(to) ?? new Uint8Array(16))}:${port}`)
      .toSorted();
  }

  get #rules(): string {
    return command(['ip', 'netns', 'exec', this.#home.router.netns, 'nft', 'list', 'table', 'inet', 'filter']);
  }
}

/** Beside the laboratory's own rules: the chains that miniupnpd writes into, and a way inwards for what they lead. */
const TABLES = `
table inet filter {
  chain forward { type filter hook forward priority 10; policy accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority dstnat; policy accept; jump prerouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting { type nat hook postrouting priority 110; policy accept; jump postrouting_miniupnpd; }
  chain postrouting_miniupnpd { }
}
add rule ip hearth forward ct status dnat accept
`;

/** What is not asked for from inside stays out of IPv6, but for what miniupnpd lets in. */
const GUARD6 = `
add table ip6 hearth
delete table ip6 hearth
add rule inet filter forward meta nfproto ipv6 iifname "wan" ct state established,related accept
add rule inet filter forward meta nfproto ipv6 iifname "wan" drop
`;

/** Drops requests of one version: 0 is NAT-PMP, 2 is PCP. */
const swallow = (version: number): string => `
table ip swallow {
  chain input { type filter hook input priority -10; udp dport 5351 @th,64,8 ${version} drop; }
}`;

/** Whatever miniupnpd is told, it speaks PCP over IPv6. */
const NO_PCP6 = `
add table ip6 swallow
delete table ip6 swallow
table ip6 swallow {
  chain input { type filter hook input priority -10; udp dport 5351 drop; }
}`;

/** A host outside that says where others come from, and tries from another address to come in where it is told. */
export async function startObserver(lab: Lab, server: Space): Promise<Address> {
  const [here = '', other = ''] = server.addresses;
  const family = here.includes(':') ? 'udp6' : 'udp4';
  const program = `
    const { createSocket } = require('node:dgram');
    const other = createSocket('${family}').bind(0, '${other}');
    const here = createSocket('${family}');
    here.on('message', (bytes, from) => {
      const [ip, port] = bytes.toString().split(' ');
      if (ip === 'who') here.send(from.address, from.port, from.address);
      else other.send('knock', Number(port), ip);
    });
    here.bind(7000, '${here}', () => console.log('ready'));`;
  await lab.run(server, [process.execPath, '-e', program]).line(/ready/);
  return { ip: here, port: 7000 };
}

/** A lease on a host of a household. */
export class TenantProgram {
  readonly child: Child;

  constructor(lab: Lab, host: Space, words: Omit<Words, 'door'> & { readonly port?: number; readonly door?: Door }) {
    const { port = 41_001, ...rest } = words;
    const door = { gateway: ROUTER, own: host.addresses[0] ?? '', port };
    this.child = lab.run(host, [process.execPath, `${PROGRAMS}tenant-main.ts`, JSON.stringify({ door, ...rest })]);
  }

  get told(): Told | undefined {
    const line = this.child.lines.at(-1);
    return line === undefined ? undefined : (JSON.parse(line) as Told);
  }

  /** Waits until what it told last fits. */
  async until(what: (told: Told) => boolean, patience = 10_000): Promise<Told> {
    const end = performance.now() + patience;
    for (;;) {
      const { told } = this;
      if (told !== undefined && what(told)) return told;
      if (performance.now() > end || !this.child.running) {
        throw new Error(`not so: ${what.toString()}: ${JSON.stringify(told)} ${this.child.errors}`);
      }
      await pause(10);
    }
  }

  async verified(patience?: number): Promise<Told> {
    return this.until(({ mapping }) => mapping?.state === 'verified', patience);
  }

  /** Its clock goes ahead by so many seconds. */
  later(seconds: number): void {
    this.child.write(`later ${seconds}\n`);
  }

  /** An orderly end. */
  async stop(): Promise<void> {
    this.child.write('stop\n');
    await this.child.ended;
  }
}

export async function startEmulator(
  lab: Lab,
  router: Space,
  options: Omit<GatewayOptions, 'ip'> & { readonly forwards?: boolean },
): Promise<Child> {
  const words = JSON.stringify({ ip: ROUTER, ...options });
  const child = lab.run(router, [process.execPath, `${PROGRAMS}emulator-main.ts`, words]);
  await child.line(/^ready /);
  return child;
}

/** The emulator's table, as it is now. */
export async function tableOf(emulator: Child): Promise<readonly string[]> {
  const before = emulator.lines.length;
  emulator.write('table\n');
  while (emulator.lines.length === before) await pause(10);
  const [, text = ''] = /^table (.*)$/.exec(emulator.lines.at(-1) ?? '') ?? [];
  return text === '' ? [] : text.split(' ');
}

/** The first address of IPv6 that is good outside of its link, or on it alone. */
export function six({ netns }: Space, device: string, scope: 'global' | 'link' = 'global'): string {
  const text = command(['ip', 'netns', 'exec', netns, 'ip', '-6', 'addr', 'show', 'dev', device, 'scope', scope]);
  return /inet6 ([0-9a-f:]+)/.exec(text)?.[1] ?? '';
}

/** Waits until every address of IPv6 here is good: the kernel looks for a second whether somebody else has it. */
export async function settled({ netns }: Space): Promise<void> {
  while (command(['ip', '-n', netns, '-6', 'addr', 'show', 'tentative']) !== '') await pause(50);
}

/** Runs a program to its end; what it printed. */
export async function output(lab: Lab, host: Space, argv: readonly string[]): Promise<string> {
  const child = lab.run(host, argv);
  await child.ended;
  return [...child.lines, child.errors].join('\n');
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** A program that listens without having asked the router, and has the observer knock. */
export function knocking(own: string, port: number, observer: Address): string {
  return `
    const { createSocket } = require('node:dgram');
    const end = (what) => { console.log(what); process.exit(0); };
    createSocket('udp6').on('message', () => end('somebody came')).bind(${port}, '${own}');
    createSocket('udp6').send('${own} ${port}', ${observer.port}, '${observer.ip}');
    setTimeout(end, 1000, 'nobody came');`;
}
