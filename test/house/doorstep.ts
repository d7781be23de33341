import { type Address, key } from '../../agent/base/address.ts';
import { seeded } from '../../agent/base/random.ts';
import { at } from '../../agent/base/time.ts';
import { FrontDoor, type FrontDoorEffect, type FrontDoorInput } from '../../agent/house/front-door.ts';
import { Gateway, type GatewayOptions } from '../portmap/gateway.ts';

export const OWN = '192.168.1.2';
export const PORT = 41_001;
export const WAN = '203.0.113.80';
/** One way through the LAN, and from the rendezvous, ms. */
const NEAR = 0.5;
const FAR = 40;

/** A front door, a gateway that speaks PCP and NAT-PMP, and observers outside that knock where they are told. Virtual time. */
export class Doorstep {
  readonly gateway: Gateway;
  readonly door: FrontDoor;
  readonly events: string[] = [];
  /** What opened it, in the words of the log. */
  readonly by: (string | number)[] = [];
  /** What sockets towards gateways were bound to; they are searched for from any address of IPv6. */
  readonly bound: string[] = [];
  /** Where somebody was to knock, with the time. */
  readonly tried: { readonly at: number; readonly where: string }[] = [];
  /** How often what is open changed, for the rendezvous to know. */
  changes = 0;
  stopped = false;
  now = 0;
  /** Addresses that let everybody in, whatever the gateway says. */
  readonly rules = new Set<string>();
  /** The rendezvous answers nothing. */
  isAway = false;
  /** Lets everybody in whom the gateway has a mapping for. */
  isHonest = true;
  readonly #queue: { readonly at: number; readonly run: () => void }[] = [];
  readonly #sockets = new Map<number, Address>();

  constructor(options: Partial<GatewayOptions> = {}) {
    this.gateway = new Gateway({ ip: '192.168.1.1', wan: WAN, pcp: true, ...options });
    let number = 0;
    const next = (): number => ++number;
    this.door = new FrontDoor({ random: seeded(1), newSocket: next, newRequest: next });
  }

  /** The agent starts behind this gateway. */
  begin(own = OWN): this {
    this.give({ kind: 'way', way: { own, gateway: '192.168.1.1' }, saved: [] });
    this.give({ kind: 'bound', port: PORT });
    return this;
  }

  /** The rendezvous sees our socket there; it has observers 1 and 2 on addresses we do not write to. */
  seen(port: number, isNew = true, strangers: readonly number[] = [1, 2]): this {
    this.give({ kind: 'seen', at: { ip: WAN, port }, strangers, isNew });
    return this;
  }

  give(input: FrontDoorInput): void {
    for (const effect of this.door.step(input, at(this.now))) this.#act(effect);
  }

  run(span: number): this {
    const end = this.now + span;
    for (;;) {
      this.#queue.sort((a, b) => a.at - b.at);
      const next = this.#queue[0]?.at ?? Infinity;
      const wake = Math.max(this.door.wake() ?? Infinity, this.now);
      if (Math.min(next, wake) > end) break;
      this.now = Math.max(this.now, Math.min(next, wake));
      if (next <= wake) this.#queue.shift()?.run();
      else this.give({ kind: 'tick' });
    }
    this.now = end;
    return this;
  }

  /** What stands open, as `opening port`. */
  get open(): string {
    const { open } = this.door;
    return open === undefined ? 'shut' : `${open.opening} ${open.address.port}`;
  }

  #act(effect: FrontDoorEffect): void {
    switch (effect.kind) {
      case 'open': {
        const { socket, ip, port } = effect;
        if (effect.memberOn === undefined && ip !== '::') this.bound.push(ip);
        const local = { ip, port: port === 0 ? 50_000 + socket : port };
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
        this.#later(NEAR, () => this.#ask(effect));
        return;
      case 'http':
        this.#later(NEAR, () => this.give({ kind: 'http-failed', request: effect.request, reason: 'unreachable' }));
        return;
      case 'try-door':
        this.tried.push({ at: this.now, where: key(effect.at) });
        if (this.isAway) return;
        this.#later(2 * FAR, () => {
          if (this.#admits(effect.at)) this.give({ kind: 'knocked', index: effect.index, token: new Uint8Array(8) });
          this.give({ kind: 'answered' });
        });
        return;
      case 'changed':
        this.changes++;
        return;
      case 'event':
        this.events.push(effect.name);
        if (effect.fields['by'] !== undefined) this.by.push(effect.fields['by']);
        return;
      case 'stopped':
        this.stopped = true;
        return;
      case 'keep':
        return;
    }
  }

  #ask({ socket, to, bytes }: Extract<FrontDoorEffect, { kind: 'send' }>): void {
    const local = this.#sockets.get(socket);
    if (local === undefined || to.ip !== this.gateway.options.ip) return;
    for (const sent of this.gateway.datagram(to.port, local, bytes, this.now)) {
      const from = { ip: to.ip, port: sent.from };
      this.#later(NEAR, () => this.give({ kind: 'datagram', socket, from, bytes: sent.bytes }));
    }
  }

  #admits(where: Address): boolean {
    if (this.rules.has(key(where))) return true;
    const entry = this.gateway.table.at(where.port, this.now);
    return this.isHonest && entry?.internal === PORT && where.ip === this.gateway.wan;
  }

  #later(span: number, run: () => void): void {
    this.#queue.push({ at: this.now + span, run });
  }
}
