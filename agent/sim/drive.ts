import type { Machine } from '../base/machine.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import { at, type Instant } from '../base/time.ts';
import type { Ground } from './ground.ts';
import type { Host, Socket } from './host.ts';

/**
 * Runs one networked machine on a simulated host: the counterpart of io/drive.ts, with the same manners.
 * Inputs that come while the machine is at work wait their turn; effects that are no business of sockets go to
 * `other`, which may call `give` again at once.
 */
export class Drive<Input, Effect extends { readonly kind: string }> {
  readonly #ground: Ground;
  readonly #host: Host;
  readonly #machine: Machine<Input | NetInput, Effect | NetEffect>;
  readonly #other: (effect: Exclude<Effect, NetEffect>, now: Instant) => void;
  readonly #sockets = new Map<SocketId, Socket>();
  readonly #queue: (Input | NetInput)[] = [];
  #busy = false;
  #stopped = false;
  #armedFor = Infinity;

  constructor(
    ground: Ground,
    host: Host,
    machine: Machine<Input | NetInput, Effect | NetEffect>,
    other: (effect: Exclude<Effect, NetEffect>, now: Instant) => void,
  ) {
    this.#ground = ground;
    this.#host = host;
    this.#machine = machine;
    this.#other = other;
    this.#arm();
  }

  /** Hands the machine something that happened, now. */
  give(input: Input | NetInput): void {
    this.#give(input, this.#host.now());
  }

  /** Sends nothing more and hears nothing more, as if the power went. */
  stop(): void {
    this.#stopped = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #give(input: Input | NetInput, now: Instant): void {
    if (this.#stopped) return;
    this.#queue.push(input);
    if (this.#busy) return;
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined && !this.#stopped; next = this.#queue.shift()) {
      for (const effect of this.#machine.step(next, now)) this.#act(effect, now);
    }
    this.#busy = false;
    this.#arm();
  }

  #act(effect: Effect | NetEffect, now: Instant): void {
    if (!isNet(effect)) {
      this.#other(effect as Exclude<Effect, NetEffect>, now);
      return;
    }
    switch (effect.kind) {
      case 'send':
        this.#sockets.get(effect.socket)?.send(effect.to, effect.bytes, effect.ttl);
        return;
      case 'open':
        this.#open(effect.socket, effect.ip, effect.port);
        return;
      case 'close':
        this.#sockets.get(effect.socket)?.close();
        this.#sockets.delete(effect.socket);
    }
  }

  #open(socket: SocketId, ip: string, port: number): void {
    const opened = this.#host.bind(ip, port, (from, bytes) => this.give({ kind: 'datagram', socket, from, bytes }));
    if (typeof opened === 'string') {
      this.give({ kind: 'failed', socket, reason: opened });
      return;
    }
    this.#sockets.set(socket, opened);
    this.give({ kind: 'opened', socket, local: opened.local });
  }

  /** One event is kept; a wake that moved later finds out when that event comes. */
  #arm(): void {
    const wake = this.#stopped ? undefined : this.#machine.wake();
    if (wake === undefined) return;
    const when = this.#host.worldTime(wake);
    if (when >= this.#armedFor) return;
    this.#armedFor = when;
    this.#ground.at(when, () => this.#ring(when));
  }

  #ring(when: number): void {
    if (this.#armedFor !== when) return;
    this.#armedFor = Infinity;
    const wake = this.#stopped ? undefined : this.#machine.wake();
    if (wake === undefined) return;
    // Turning one clock into the other and back may lose the last bit, and the tick would seem too early for ever.
    if (this.#host.worldTime(wake) <= this.#ground.now)
      this.#give({ kind: 'tick' }, at(Math.max(wake, this.#host.now())));
    else this.#arm();
  }
}

function isNet(effect: { readonly kind: string }): effect is NetEffect {
  return effect.kind === 'send' || effect.kind === 'open' || effect.kind === 'close';
}
