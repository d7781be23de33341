import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import { type Random, randomBytes } from '../base/random.ts';
import { earliest, type Instant } from '../base/time.ts';
import type { ClientInput, Door, HttpAnswer, Wish } from './client.ts';
import { Contenders, type Said } from './contenders.ts';
import { Ears } from './ears.ts';
import { NONCE_BYTES } from './pcp.ts';
import type { Inheritance, SavedLease } from './saved.ts';
import { Sweep } from './sweep.ts';

/** Where the numbers of a household come from. */
export interface Numbers {
  /** Makes PCP's nonces too, so it must be one that nobody guesses. */
  readonly random: Random;
  /** These give numbers that no other machine of this household uses. */
  readonly newSocket: () => SocketId;
  readonly newRequest: () => number;
}

/** What was said in one step, and what the broom wants to send. */
export interface Heard {
  readonly effects: readonly NetEffect[];
  readonly said: readonly Said[];
}

/** All that is spoken with one gateway: its words to everybody are heard, all protocols asked, what earlier runs left is swept. */
export class Parley {
  readonly contenders: Contenders;
  readonly #ears: Ears;
  readonly #sweep: Sweep;

  constructor(door: Door, numbers: Numbers, { nonce, pinhole, stale }: Inheritance) {
    const { random, newSocket } = numbers;
    this.#ears = new Ears(door, newSocket);
    const made = nonce ?? randomBytes(random, NONCE_BYTES);
    this.contenders = new Contenders({ ...numbers, door, nonce: made, pinhole });
    this.#sweep = new Sweep(stale, door, newSocket);
  }

  /** Asks everybody, and then takes back what earlier runs left: it matters less. */
  open(wish: Wish, now: Instant): Heard {
    const listening = this.#ears.open();
    const seeking = this.contenders.seek(wish, now);
    const { effects, upnp } = this.#sweep.start(now);
    const releasing = upnp.flatMap(({ external, pinhole }) =>
      this.contenders.give('upnp', { kind: 'release', external, pinhole, doubtful: true }, now),
    );
    return { effects: [...listening, ...effects], said: [...seeking, ...releasing] };
  }

  hear(input: NetInput | HttpAnswer, now: Instant): Heard {
    const everybody = this.#ears.heard(input);
    const heard: ClientInput = everybody === undefined ? input : { kind: 'announced', bytes: everybody };
    return { effects: this.#sweep.step(heard, now), said: this.contenders.step(heard, now) };
  }

  /** UPnP has taken something back. */
  released(): void {
    this.#sweep.sweptUpnp();
  }

  /** Nothing is being taken back any more. */
  get isIdle(): boolean {
    return this.contenders.releases === 0 && this.#sweep.left.length === 0;
  }

  saved(external: number): readonly SavedLease[] {
    return [...this.contenders.saved(external), ...this.#sweep.left];
  }

  wake(): Instant | undefined {
    return earliest(this.contenders.wake(), this.#sweep.wake());
  }

  close(): NetEffect[] {
    return [...this.#ears.close(), ...this.contenders.close(), ...this.#sweep.close()];
  }
}
