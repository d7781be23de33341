import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seconds } from '../../agent/base/time.ts';
import type { NatShape } from '../../agent/sim/nat.ts';
import { Child, type RunOptions } from './child.ts';
import { Flows } from './flows.ts';
import { Line, type LineShape } from './line.ts';
import { type Making, makingOf, natWords } from './nats.ts';
import { command, ip, nft, prefix, remove, settings, sweep } from './netns.ts';
import { readPcap } from './pcap.ts';
import type { Capture, Carrier, Counter, Expiry, Household, HouseholdOptions, Hub, Space } from './places.ts';
import { firewallRules, otherPorts, routerRules } from './rules.ts';
import * as six from './six.ts';
import { Watch } from './watch.ts';

export type { Capture, Carrier, Counter, Household, HouseholdOptions, Space } from './places.ts';

/** NATs of the kernel that give a socket one outside port for all destinations. */
const KEEPING = new Set(['masquerade', 'offset', 'block']);

const INTERNET_GATEWAY = '198.18.0.1';
const LAN_ROUTER = '192.168.1.1';
/** What a router has where a NAT of nat.c is in front of it. */
const BEHIND_A_BOX = '192.168.0.2';
/** Outside ports after the first rebinding; each takes the next range that holds no port in use. */
const [REBIND_FROM, REBIND_PORTS] = [61_000, 200];

/**
 * A small internet of network namespaces: real packets, the kernel's own NATs, lines with delay and loss. Nothing of it
 * touches the machine's own network, and nothing is left when the process ends, however it ends (a run that was
 * killed outright is swept by the next).
 */
export class Lab {
  readonly #prefix = prefix();
  readonly #spaces: string[] = [];
  readonly #children = new Set<Child>();
  readonly #lines: Line[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'hearth-lab-'));
  readonly #internet: Hub;
  #names = 0;
  #counters = 0;
  #sixes = 0;
  /** The hub's end of each namespace's wire. */
  readonly #wires = new Map<string, string>();
  #closed = false;

  static async create(): Promise<Lab> {
    sweep();
    return new Lab();
  }

  private constructor() {
    living.add(this);
    watchForTheEnd();
    this.#internet = { netns: this.#space('internet'), gateway: INTERNET_GATEWAY, network: '198.18.', customers: 0 };
    this.#makeHub(this.#internet);
    nft(
      this.#internet.netns,
      'table ip count { chain middle { type filter hook forward priority filter; policy accept; }; }',
    );
  }

  /** A host with public addresses and nothing in front: a server. */
  async internet(
    options: { readonly addresses?: number; readonly line?: LineShape; readonly ipv6?: boolean } = {},
  ): Promise<Space & { line: Line | undefined; six: string | undefined }> {
    const { addresses = 1, line, ipv6 = false } = options;
    const netns = this.#space('public');
    const ips = Array.from({ length: addresses }, () => nextAddress(this.#internet));
    const laid = await this.#connect(netns, ips, this.#internet, line);
    return { netns, addresses: ips, line: laid, six: ipv6 ? this.#six(netns, line) : undefined };
  }

  /** A machine with no network but its loopback. */
  nowhere(): Space {
    return { netns: this.#space('nowhere'), addresses: [] };
  }

  async household(options: HouseholdOptions = {}): Promise<Household> {
    const { nat = 'masquerade', hosts = 1, line: shape } = options;
    const making = makingOf(nat);
    const [, ...further] = making.by === 'box' ? making.nats : [];
    let { behind } = options;
    // A NAT behind a NAT: the outer ones are carriers, and the line is theirs.
    for (const outer of further.toReversed()) {
      behind = await this.carrier({ nat: outer, ...(shape && { line: shape }), ...(behind && { behind }) });
    }
    const hub = behind?.hub ?? this.#internet;
    const netns = this.#space('house');
    const ownLine = further.length > 0 ? undefined : shape;
    const { line, own, outside } = await this.#edge(netns, hub, making, { ...options, line: ownLine });
    const router: Space = { netns, addresses: outside };
    const gateway: Space = { netns, addresses: [own] };
    const rebind = async (): Promise<void> => {
      if (making.by === 'box') await line?.rebind();
      else this.#rebind(netns, making);
    };
    const routed = making.by === 'box' || making.by === 'kernel';
    const lan = routed ? this.#lan(netns, hosts) : [router];
    if (options.ipv6 === true) {
      this.#six(netns, shape);
      six.house(netns, lan, this.#sixes);
    }
    return {
      router,
      gateway,
      hosts: lan,
      host: lan[0] ?? router,
      address: behind?.router.addresses[0] ?? outside[0] ?? own,
      line,
      rebind,
      watch: async () => this.#watch(netns, line),
    };
  }

  /** A carrier's NAT, between the internet (or another carrier) and households. */
  async carrier(
    options: Pick<HouseholdOptions, 'nat' | 'line' | 'behind' | 'addresses' | 'expiry'> & {
      /** Not a carrier but another router: its customers have addresses of 10.0/16. */
      readonly home?: boolean;
    } = {},
  ): Promise<Carrier> {
    const making = makingOf(options.nat ?? 'block');
    const netns = this.#space('carrier');
    const edge = await this.#edge(netns, options.behind?.hub ?? this.#internet, making, options);
    const network = options.home === true ? '10.0.' : '100.64.';
    const hub: Hub = { netns, gateway: `${network}0.1`, network, customers: 0 };
    this.#makeHub(hub);
    return {
      router: { netns, addresses: options.behind?.router.addresses ?? edge.outside },
      hub,
      line: edge.line,
      watch: async () => this.#watch(netns, edge.line),
    };
  }

  /** Starts a program in a namespace; it ends with the laboratory at the latest. */
  run(space: Space, argv: readonly string[], options: RunOptions = {}): Child {
    return this.#own(new Child(['ip', 'netns', 'exec', space.netns, ...argv], options));
  }

  /** Records UDP on a device (`wan`, `lan`, `eth0`) until stopped. */
  async capture(space: Pick<Space, 'netns'>, device: string, more: readonly string[] = []): Promise<Capture> {
    const path = join(this.#folder, `${this.#names++}.pcap`);
    const words = [
      '-i',
      device,
      '-w',
      path,
      '--immediate-mode',
      '-U',
      '-n',
      '-B',
      '16384',
      '-Z',
      'root',
      ...more,
      'udp',
    ];
    const child = this.#own(new Child(['ip', 'netns', 'exec', space.netns, 'tcpdump', ...words]));
    await child.error(/listening on/);
    return {
      stop: async () => {
        // What the kernel has not handed over yet would be missing: until the file has not grown for a while.
        for (let [size, before] = [0, -1]; size !== before; [size, before] = [statSync(path).size, size]) {
          await new Promise((resolve) => setTimeout(resolve, 250));
        }
        await child.stop('SIGINT');
        return readPcap(readFileSync(path));
      },
    };
  }

  /** Records all UDP that crosses the internet, each datagram once, as it comes out of its sender's line. */
  async captureInternet(): Promise<Capture> {
    return this.capture(this.#internet, 'any', ['-Q', 'in']);
  }

  /** Counts UDP from one public address to another, in the middle of the internet. */
  counter(from: string, to: string): Counter {
    const { netns } = this.#internet;
    const name = `c${this.#counters++}`;
    nft(
      netns,
      `add counter ip count ${name}
add rule ip count middle ip saddr ${from} ip daddr ${to} meta l4proto udp counter name ${name}`,
    );
    return {
      read: () => {
        const text = command(['ip', 'netns', 'exec', netns, 'nft', 'list', 'counter', 'ip', 'count', name]);
        const [, packets = '0', bytes = '0'] = /packets (\d+) bytes (\d+)/.exec(text) ?? [];
        return { packets: Number(packets), bytes: Number(bytes) };
      },
    };
  }

  /** Ends every program and takes the namespaces away. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await Promise.all([...this.#children].map((child) => child.stop()));
    await Promise.all(this.#lines.map((line) => line.close()));
    this.tearDown();
  }

  /** The same at once and without waiting, for the end of the process. */
  tearDown(): void {
    if (this.#closed) return;
    this.#closed = true;
    living.delete(this);
    for (const child of this.#children) child.signal('SIGKILL');
    remove(this.#spaces);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #own(child: Child): Child {
    this.#children.add(child);
    void child.ended.then(() => this.#children.delete(child));
    return child;
  }

  /** A new namespace with its loopback up, without IPv6 and its chatter. */
  #space(what: string): string {
    const netns = `${this.#prefix}${what}${this.#names++}`;
    this.#spaces.push(netns);
    ip(undefined, [`netns add ${netns}`]);
    settings(netns, {
      'ipv6/conf/all/disable_ipv6': 1,
      'ipv6/conf/default/disable_ipv6': 1,
      'ipv4/conf/all/rp_filter': 0,
      'ipv4/conf/default/rp_filter': 0,
    });
    ip(netns, ['link set lo up']);
    return netns;
  }

  #makeHub({ netns, gateway }: Hub): void {
    settings(netns, { 'ipv4/ip_forward': 1 });
    ip(netns, [`addr add ${gateway}/32 dev lo`]);
  }

  /** What is between a namespace and its hub; its outside addresses, and the one that its own sockets have. */
  async #edge(
    netns: string,
    hub: Hub,
    making: Making,
    options: Pick<HouseholdOptions, 'input' | 'expiry' | 'addresses'> & { readonly line?: LineShape | undefined },
  ): Promise<{ readonly outside: readonly string[]; readonly own: string; readonly line: Line | undefined }> {
    const { line: shape, input = 'drop', expiry } = options;
    const own = nextAddress(hub);
    if (making.by === 'box') {
      const { addresses = making.addresses } = options;
      const outside = [own, ...Array.from({ length: addresses - 1 }, () => nextAddress(hub))];
      const lives = expiry && { unanswered: seconds(expiry.unanswered), answered: seconds(expiry.answered) };
      const nat = { ...making.nats[0], ...(input === 'accept' && { poison: true }), ...(lives && { expiry: lives }) };
      return { outside, own: BEHIND_A_BOX, line: await this.#connect(netns, outside, hub, shape ?? {}, nat) };
    }
    const line = await this.#connect(netns, [own], hub, shape);
    if (expiry !== undefined) this.#setExpiry(netns, expiry);
    switch (making.by) {
      case 'nothing':
        break;
      case 'filter':
        nft(netns, firewallRules(making.blocked));
        break;
      case 'kernel':
        settings(netns, { 'ipv4/ip_forward': 1 });
        nft(netns, routerRules(making.nat, own, input));
        break;
    }
    return { outside: [own], own, line };
  }

  /** Device `wan` in the namespace, its addresses, the default route, and the hub's way back. */
  async #connect(
    netns: string,
    ips: readonly string[],
    hub: Hub,
    shape: LineShape | undefined,
    nat?: NatShape,
  ): Promise<Line | undefined> {
    const number = this.#names++;
    const there = `to${number}`;
    this.#wires.set(netns, there);
    let line: Line | undefined;
    if (shape === undefined) {
      ip(undefined, [`link add wan netns ${netns} type veth peer name ${there} netns ${hub.netns}`]);
    } else {
      line = await Line.lay(hub.netns, netns, number, shape, nat && natWords(nat, ips));
      this.#lines.push(line);
    }
    const own = nat === undefined ? ips : [BEHIND_A_BOX];
    // On a wire the gateway is found by ARP; a TUN line has two ends and nobody to ask for.
    const via = shape === undefined ? `via ${hub.gateway} dev wan onlink` : 'dev wan';
    ip(hub.netns, [`link set ${there} up`, ...ips.map((address) => `route add ${address}/32 dev ${there}`)]);
    ip(netns, [
      ...own.map((address) => `addr add ${address}/32 dev wan`),
      'link set wan up',
      `route add default ${via} src ${own[0]}`,
    ]);
    return line;
  }

  /** The next prefix, on the wire that was laid last; answers with its first address. */
  #six(netns: string, shape: LineShape | undefined): string {
    if (shape !== undefined) throw new Error(`${netns}: a line with delay or loss carries no IPv6`);
    return six.connect(netns, this.#internet, this.#wires.get(netns) ?? '', ++this.#sixes);
  }

  /** A bridge `lan` on the router, and hosts on it with their device `eth0`. */
  #lan(router: string, hosts: number): readonly Space[] {
    settings(router, { 'ipv4/ip_forward': 1 });
    ip(router, ['link add lan type bridge', `addr add ${LAN_ROUTER}/24 dev lan`, 'link set lan up']);
    return Array.from({ length: hosts }, (_, i) => {
      const netns = this.#space('host');
      const address = `192.168.1.${2 + i}`;
      ip(undefined, [`link add eth0 netns ${netns} type veth peer name host${i} netns ${router}`]);
      ip(router, [`link set host${i} master lan`, `link set host${i} up`]);
      ip(netns, [`addr add ${address}/24 dev eth0`, 'link set eth0 up', `route add default via ${LAN_ROUTER}`]);
      return { netns, addresses: [address] };
    });
  }

  #setExpiry(netns: string, { unanswered, answered }: Expiry): void {
    settings(netns, {
      'netfilter/nf_conntrack_udp_timeout': unanswered,
      'netfilter/nf_conntrack_udp_timeout_stream': answered,
    });
  }

  /** Counts from now on at a line, and in the table of flows behind it. */
  async #watch(netns: string, line: Line | undefined): Promise<Watch> {
    if (line === undefined) throw new Error(`${netns} has no line to be watched`);
    const flows = new Flows(this.run({ netns, addresses: [] }, Flows.ARGV));
    await Flows.listens(netns);
    await line.reset();
    return new Watch(line, flows);
  }

  /** Another range of outside ports, and the table of flows emptied: the next datagram of each gets a new port. */
  #rebind(netns: string, making: Making): void {
    const nat = making.by === 'kernel' ? making.nat : making.by;
    if (!KEEPING.has(nat)) throw new Error(`a NAT of kind ${nat} keeps no port to be moved`);
    const flows = command(['ip', 'netns', 'exec', netns, 'conntrack', '-L', '-p', 'udp']);
    const used = [...flows.matchAll(/dport=(\d+)/g)].map((match) => Number(match[1]));
    let from = REBIND_FROM;
    while (used.some((port) => port >= from && port < from + REBIND_PORTS)) from += REBIND_PORTS;
    const to = from + REBIND_PORTS - 1;
    if (to > 65_535) throw new Error(`${netns}: no range of outside ports is free`);
    nft(netns, otherPorts(from, to));
    command(['ip', 'netns', 'exec', netns, 'conntrack', '-F']);
  }
}

function nextAddress(hub: Hub): string {
  const number = 256 + hub.customers++;
  return `${hub.network}${number >> 8}.${number & 255}`;
}

/** Laboratories that have to be taken down when the process ends. */
const living = new Set<Lab>();
let watching = false;

function watchForTheEnd(): void {
  if (watching) return;
  watching = true;
  const tearDown = (): void => {
    for (const lab of living) lab.tearDown();
  };
  process.on('exit', tearDown);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      tearDown();
      process.exit(code);
    });
  }
}
