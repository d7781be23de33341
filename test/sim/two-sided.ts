import { type Address, sameAddress } from '../../agent/base/address.ts';
import { Reader } from '../../agent/base/bytes.ts';
import type { Machine } from '../../agent/base/machine.ts';
import type { NetEffect, NetInput } from '../../agent/base/net.ts';
import { after, type Instant, ms } from '../../agent/base/time.ts';
import type { Host } from '../../agent/sim/host.ts';
import type { World } from '../../agent/sim/world.ts';
import { introducing } from './introducing.ts';

export interface Heard {
  readonly kind: 'heard';
  readonly from: Address;
}

interface Start {
  readonly kind: 'start';
}

/** When to knock, milliseconds after the introduction: reference schedule of a simultaneous send. */
const SCHEDULE = [0, 20, 50, 100, 200, 400, 600, 800, 1000];
const [REGISTER, KNOCK, ANSWER] = [1, 3, 4];

/**
 * The least that punches a hole: register, be introduced, knock at the observed address while the peer does the same,
 * answer whoever knocks. It knows nothing of NATs, so it measures the simulator (and the worth of a better plan).
 */
class TwoSided implements Machine<NetInput | Start, NetEffect | Heard> {
  readonly #server: Address;
  #peer: Address | undefined;
  #started: Instant | undefined;
  #next = 0;
  #heard = false;

  constructor(server: Address) {
    this.#server = server;
  }

  step(input: NetInput | Start, now: Instant): readonly (NetEffect | Heard)[] {
    switch (input.kind) {
      case 'start':
        return [{ kind: 'open', socket: 0, ip: '0.0.0.0', port: 0 }];
      case 'opened':
        return [send(this.#server, REGISTER)];
      case 'datagram':
        return sameAddress(input.from, this.#server) ? this.#introduced(input.bytes, now) : this.#knocked(input);
      case 'tick':
        return this.#knock(now);
      case 'failed':
        throw new Error(input.reason);
    }
  }

  wake(): Instant | undefined {
    const pause = SCHEDULE[this.#next];
    return this.#started === undefined || pause === undefined || this.#heard
      ? undefined
      : after(this.#started, ms(pause));
  }

  #introduced(bytes: Uint8Array, now: Instant): readonly NetEffect[] {
    this.#peer = new Reader(bytes).address();
    this.#started = now;
    return this.#knock(now);
  }

  #knock(now: Instant): readonly NetEffect[] {
    const wake = this.wake();
    if (wake === undefined || wake > now || this.#peer === undefined) return [];
    this.#next++;
    return [send(this.#peer, KNOCK)];
  }

  /** A knock is answered where it came from; an answer is not. */
  #knocked({ from, bytes }: NetInput & { kind: 'datagram' }): readonly (NetEffect | Heard)[] {
    const answer = bytes[0] === KNOCK ? [send(from, ANSWER)] : [];
    if (this.#heard) return answer;
    this.#heard = true;
    return [...answer, { kind: 'heard', from }];
  }
}

function send(to: Address, what: number): NetEffect {
  return { kind: 'send', socket: 0, to, bytes: Uint8Array.of(what) };
}

/** Runs one attempt in a fresh world; how long it took until both had heard, or undefined within the patience. */
export function attempt(world: World, a: Host, b: Host, patience = ms(1500)): number | undefined {
  const server = introducing(world.host({ name: 'server' }));
  const start = world.now;
  let heard = 0;
  const drives = [a, b].map((host) => {
    const drive = host.run<Start, Heard>(new TwoSided(server), () => heard++);
    drive.give({ kind: 'start' });
    return drive;
  });
  const reached = world.runUntil(() => heard === 2, after(start, patience));
  for (const drive of drives) drive.stop();
  return reached ? world.now - start : undefined;
}
