import { type Address, key } from '../../agent/base/address.ts';
import { seeded } from '../../agent/base/random.ts';
import { at } from '../../agent/base/time.ts';
import type { Door } from '../../agent/portmap/client.ts';
import { Chain } from '../../agent/portmap/chain.ts';
import { Lease } from '../../agent/portmap/lease.ts';
import type { Mapping } from '../../agent/portmap/mapping.ts';
import type { LeaseEffect, LeaseInput } from '../../agent/portmap/orders.ts';
import type { SavedLease } from '../../agent/portmap/saved.ts';
import { Gateway, type GatewayOptions, GROUPS, type Sent } from './gateway.ts';

/** One way through a LAN, ms. */
const WAY = 0.5;

export interface LanOptions extends Omit<GatewayOptions, 'ip'> {
  readonly seed?: number;
  readonly port?: number;
  readonly saved?: readonly SavedLease[];
  /** What a rendezvous sees; undefined until it is given as an input. */
  readonly observed?: string;
  /** Whether somebody outside gets in; a lying gateway's port is shut. Undefined: nobody tries. */
  readonly open?: boolean;
  /** The chance that a datagram gets lost. */
  readonly loss?: number;
  /** Another gateway in front of this one, with this address on this one's outside. Then a chain is driven, not a lease. */
  readonly behind?: GatewayOptions;
  /** The LAN is one of IPv6, and the gateway is known by its link-local address. */
  readonly six?: boolean;
}

const [FOUR, SIX] = [
  { gateway: '192.168.1.1', own: '192.168.1.2' },
  { gateway: 'fe80::1%eth0', own: '2001:db8::2' },
];

/** A lease and a gateway on one virtual LAN, or a chain and two. Nothing here takes real time. */
export class Lan {
  readonly gateway: Gateway;
  /** The one in front. */
  readonly outer: Gateway | undefined;
  readonly machine: Lease | Chain;
  readonly door: Door;
  /** Every change of the mapping, with its time. */
  readonly mappings: { readonly at: number; readonly mapping: Mapping | undefined }[] = [];
  readonly verifications: Address[] = [];
  /** HTTP requests to anywhere. */
  readonly requests: string[] = [];
  kept: readonly SavedLease[] = [];
  stoppedAt: number | undefined;
  open: boolean | undefined;
  now = 0;
  readonly #random;
  readonly #loss: number;
  readonly #queue: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  readonly #sockets = new Map<number, Address>();
  /** Addresses of ours, of the networks that we have been in. */
  readonly #owns = new Set<string>();
  #order = 0;
  #ports = 40_000;

  constructor(options: LanOptions = {}) {
    this.#random = seeded(options.seed ?? 1);
    this.#loss = options.loss ?? 0;
    const { gateway, own } = options.six === true ? SIX : FOUR;
    this.gateway = new Gateway({ ...options, ip: gateway, ...(options.six === true && { named: '2001:db8::1' }) });
    this.outer = options.behind && new Gateway(options.behind);
    this.door = { gateway, own, port: options.port ?? 41_001 };
    this.open = options.open;
    let number = 0;
    const next = (): number => number++;
    const numbers = { random: seeded((options.seed ?? 1) + 1000), newSocket: next, newRequest: next };
    this.machine = this.outer === undefined ? new Lease(numbers) : new Chain(numbers);
    if (options.observed !== undefined) this.give({ kind: 'observed', ip: options.observed });
    this.give({ kind: 'start', door: this.door, saved: options.saved ?? [] });
  }

  get lease(): Lease {
    if (this.machine instanceof Lease) return this.machine;
    throw new Error('there is a chain');
  }

  get chain(): Chain {
    if (this.machine instanceof Chain) return this.machine;
    throw new Error('there is a single lease');
  }

  get mapping(): Mapping | undefined {
    return this.mappings.at(-1)?.mapping;
  }

  /** The gateway's table as text: `external>ip:internal`. */
  get table(): readonly string[] {
    return tableOf(this.gateway, this.now);
  }

  get outerTable(): readonly string[] {
    return this.outer === undefined ? [] : tableOf(this.outer, this.now);
  }

  /** `ip:port`. */
  get pinholes(): readonly string[] {
    return this.gateway.table.pinholes(this.now).map(({ ip, port }) => `${ip}:${port}`);
  }

  give(input: LeaseInput): void {
    if (input.kind === 'start') this.#owns.add(input.door.own);
    for (const effect of this.machine.step(input, at(this.now))) this.#act(effect);
  }

  /** What a gateway says to everybody. */
  tell(said: readonly Sent[]): void {
    for (const { from, to, bytes } of said) {
      for (const [socket, local] of this.#sockets) {
        if (key(local) === key(to)) this.#arrive(socket, { ip: this.gateway.options.ip, port: from }, bytes);
      }
    }
  }

  /** Lets so many ms go by. */
  run(span: number): void {
    const end = this.now + span;
    for (;;) {
      this.#queue.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = this.#queue[0]?.at ?? Infinity;
      const wake = Math.max(this.machine.wake() ?? Infinity, this.now);
      if (Math.min(next, wake) > end) break;
      if (next <= wake) {
        this.now = Math.max(this.now, next);
        this.#queue.shift()?.run();
      } else {
        this.now = wake;
        this.give({ kind: 'tick' });
      }
    }
    this.now = end;
  }

  /** Another host of the LAN, or of anywhere, writes to every socket of ours. */
  forge(from: Address, bytes: Uint8Array): void {
    for (const socket of this.#sockets.keys()) this.give({ kind: 'datagram', socket, from, bytes });
  }

  #act(effect: LeaseEffect): void {
    switch (effect.kind) {
      case 'open': {
        const { socket, ip, port, memberOn } = effect;
        const local = { ip, port: port === 0 ? this.#ports++ : port };
        const isWanted = ip.includes(':') ? memberOn === '::%eth0' : this.#owns.has(memberOn ?? '');
        if (memberOn !== undefined && !isWanted) throw new Error('joined elsewhere');
        this.#later(0, () => {
          this.#sockets.set(socket, local);
          this.give({ kind: 'opened', socket, local });
        });
        return;
      }
      case 'close':
        this.#sockets.delete(effect.socket);
        return;
      case 'send':
        this.#send(effect);
        return;
      case 'http':
        this.#http(effect);
        return;
      case 'mapping':
        this.mappings.push({ at: this.now, mapping: effect.mapping });
        return;
      case 'verify':
        this.#verify(effect.external);
        return;
      case 'keep':
        // Through text and back, as a file does.
        this.kept = JSON.parse(JSON.stringify(effect.leases)) as readonly SavedLease[];
        return;
      case 'stopped':
        this.stoppedAt = this.now;
    }
  }

  #send({ socket, to, bytes }: Extract<LeaseEffect, { kind: 'send' }>): void {
    const local = this.#sockets.get(socket);
    const asked = this.#at(to.ip);
    if (local === undefined || asked === undefined || this.#lost()) return;
    const { gateway, way } = asked;
    const { ip, delay = 0 } = gateway.options;
    this.#later(way, () => {
      for (const sent of gateway.datagram(to.port, { ...local, ip: asked.from }, bytes, this.now)) {
        if (!this.#lost()) this.#later(way + delay, () => this.#arrive(socket, { ip, port: sent.from }, sent.bytes));
      }
    });
  }

  /** Who is there, how far away, and whom it takes us for. */
  #at(ip: string): { readonly gateway: Gateway; readonly way: number; readonly from: string } | undefined {
    const { gateway, outer, door } = this;
    const everybody = door.own.includes(':') ? `${GROUPS.ssdp6.ip}%eth0` : GROUPS.ssdp.ip;
    if (ip === gateway.options.ip || ip === everybody) return { gateway, way: WAY, from: door.own };
    return ip === outer?.options.ip ? { gateway: outer, way: 2 * WAY, from: gateway.wan } : undefined;
  }

  #arrive(socket: number, from: Address, bytes: Uint8Array): void {
    if (this.#sockets.has(socket)) this.give({ kind: 'datagram', socket, from, bytes });
  }

  #http(order: Extract<LeaseEffect, { kind: 'http' }>): void {
    const { request, to, method, path, headers, body, within } = order;
    this.requests.push(`${key(to)}${path}`);
    const asked = this.#at(to.ip);
    const delay = asked?.gateway.options.delay ?? 0;
    const soapAction = headers.find(([name]) => name === 'SOAPAction')?.[1] ?? '';
    if (order.from !== this.door.own) throw new Error(`asked from ${order.from}`);
    const reply =
      asked !== undefined && to.port === asked.gateway.httpPort
        ? asked.gateway.http({ method, path, soapAction, body, from: asked.from }, this.now)
        : ('refused' as const);
    const failed = (reason: 'too-slow' | 'unreachable', after: number): void =>
      this.#later(after, () => this.give({ kind: 'http-failed', request, reason }));
    if (reply === 'refused') failed('unreachable', 2 * WAY);
    else if (reply === undefined || delay > within) failed('too-slow', within);
    else {
      const { status } = reply;
      const bytes = new Uint8Array(Buffer.from(reply.body));
      this.#later(2 * WAY + delay, () => this.give({ kind: 'http-answered', request, status, body: bytes }));
    }
  }

  /** Somebody outside tries, 60 ms away. */
  #verify(external: Address): void {
    this.verifications.push(external);
    if (this.open === undefined) return;
    this.#later(60, () => {
      this.give({ kind: this.open === true && this.#leads(external) ? 'verified' : 'unverified', external });
    });
  }

  #leads({ ip, port }: Address): boolean {
    const { gateway, outer, door } = this;
    if (door.own.includes(':')) return ip === door.own && this.pinholes.includes(`${ip}:${port}`);
    const front = gateway.wan === ip ? undefined : outer;
    const further = front?.table.at(port, this.now);
    if (front !== undefined && further?.ip !== gateway.wan) return false;
    const entry = gateway.table.at(further?.internal ?? port, this.now);
    return ip === (front ?? gateway).wan && entry?.ip === door.own && entry.internal === door.port;
  }

  #lost(): boolean {
    return this.#random(1000) < this.#loss * 1000;
  }

  #later(span: number, run: () => void): void {
    this.#queue.push({ at: this.now + span, order: this.#order++, run });
  }
}

function tableOf(gateway: Gateway, now: number): readonly string[] {
  return gateway.table.entries(now).map(({ external, ip, internal }) => `${external}>${ip}:${internal}`);
}
