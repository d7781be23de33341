import type { Address } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import { at, type Instant } from '../base/time.ts';
import { Udp, type UdpCounters } from './udp.ts';

/** What is armed for so soon is soon enough: timers have whole milliseconds. */
const SOON = 1;

/** The monotonic clock of this process. */
export const monotonic = (): Instant => at(performance.now());

/**
 * Runs one networked machine on the real clock and real sockets: one armed timer, one queue.
 * Effects that are no business of sockets go to `other`, which may call `give` again at once.
 */
export class Drive<Input, Effect extends { readonly kind: string }> {
  readonly #machine: Machine<Input | NetInput, Effect | NetEffect>;
  readonly #other: (effect: Exclude<Effect, NetEffect>) => void;
  readonly #sockets = new Map<SocketId, Udp>();
  readonly #binding = new Set<SocketId>();
  readonly #queue: (Input | NetInput)[] = [];
  #busy = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #armedFor = Infinity;

  constructor(
    machine: Machine<Input | NetInput, Effect | NetEffect>,
    other: (effect: Exclude<Effect, NetEffect>) => void,
  ) {
    this.#machine = machine;
    this.#other = other;
  }

  /** Hands the machine something that happened, now. */
  give(input: Input | NetInput): void {
    if (this.#stopped) return;
    if (this.#busy) {
      this.#queue.push(input);
      return;
    }
    this.#busy = true;
    try {
      let next: Input | NetInput | undefined = input;
      while (next !== undefined) {
        this.#act(this.#machine.step(next, monotonic()));
        next = this.#queue.shift();
      }
    } finally {
      this.#busy = false;
    }
    this.#arm();
  }

  /** Totals over the sockets that are open. */
  counters(): UdpCounters {
    const total: UdpCounters = { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, refused: 0 };
    for (const udp of this.#sockets.values()) {
      for (const name of Object.keys(total) as (keyof UdpCounters)[]) total[name] += udp.counters[name];
    }
    return total;
  }

  /** The bytes the kernel grants each socket for waiting datagrams; the smallest, or undefined without sockets. */
  receiveBuffer(): number | undefined {
    const sizes = [...this.#sockets.values()].map((udp) => udp.receiveBuffer);
    return sizes.length === 0 ? undefined : Math.min(...sizes);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const udp of this.#sockets.values()) udp.close();
    this.#sockets.clear();
    this.#binding.clear();
  }

  #act(effects: readonly (Effect | NetEffect)[]): void {
    for (const effect of effects) {
      if (isNet(effect)) this.#actOnSockets(effect);
      else this.#other(effect as Exclude<Effect, NetEffect>);
    }
  }

  #actOnSockets(effect: NetEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#sockets.get(effect.socket)?.send(effect.to, effect.bytes, effect.ttl);
        return;
      case 'open':
        void this.#open(effect);
        return;
      case 'close':
        this.#binding.delete(effect.socket);
        this.#sockets.get(effect.socket)?.close();
        this.#sockets.delete(effect.socket);
    }
  }

  async #open({ socket, ip, port, memberOn }: Extract<NetEffect, { kind: 'open' }>): Promise<void> {
    this.#binding.add(socket);
    try {
      const hear = (from: Address, bytes: Uint8Array): void => this.give({ kind: 'datagram', socket, from, bytes });
      const udp = await Udp.bind({ ip, port }, hear, { memberOn });
      if (!this.#binding.delete(socket)) {
        udp.close();
        return;
      }
      this.#sockets.set(socket, udp);
      this.give({ kind: 'opened', socket, local: udp.local });
    } catch (error) {
      this.#binding.delete(socket);
      this.give({ kind: 'failed', socket, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Re-arms only when the machine wants to be woken earlier than the timer will: timers are dearer than early ticks. */
  #arm(): void {
    if (this.#stopped || this.#armedFor <= monotonic() + SOON) return;
    const wake = this.#machine.wake();
    if (wake === undefined || this.#armedFor <= wake) return;
    clearTimeout(this.#timer);
    this.#armedFor = wake;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, wake - monotonic()));
  }

  #tick(): void {
    this.#timer = undefined;
    this.#armedFor = Infinity;
    this.give({ kind: 'tick' });
  }
}

function isNet(effect: { readonly kind: string }): effect is NetEffect {
  return effect.kind === 'send' || effect.kind === 'open' || effect.kind === 'close';
}
