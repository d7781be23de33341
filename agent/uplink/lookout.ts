import type { Machine } from '../base/machine.ts';
import { after, earliest, type Instant, isDue, seconds } from '../base/time.ts';
import { type NetifdInterface, readNetifd } from './netifd.ts';
import { type Ground, sameTerrain, type Terrain, terrainOf } from './terrain.ts';

export type LookoutInput =
  | { readonly kind: 'start' | 'tick' }
  /** The answer to `look`. */
  | { readonly kind: 'looked'; readonly ground: Ground }
  /** The answer to `ask-netifd`: what it wrote; undefined where there is none, or none that answers. */
  | { readonly kind: 'netifd'; readonly text: string | undefined };

export type LookoutEffect =
  | { readonly kind: 'look' }
  /** Starts a program, so only at the start and after changes. */
  | { readonly kind: 'ask-netifd' }
  /** The first one, and each that differs from the one before. */
  | { readonly kind: 'terrain'; readonly terrain: Terrain };

/** A household without a way out notices it within this time. A look costs a tenth of a millisecond. */
const BETWEEN_LOOKS = seconds(3);
/** netifd sets the kernel's addresses and routes before it tells of them, and of the port set: what it said is asked for once more. */
const SETTLED = seconds(5);

/**
 * Watches the terrain around this machine.
 *
 *     start ─▶ look ──the kernel's part is another──▶ ask netifd ─▶ tell ─▶ look … every 3 s
 *                                                        ▲ once more 5 s later ┘
 */
export class Lookout implements Machine<LookoutInput, LookoutEffect> {
  #ground: Ground | undefined;
  #netifd: readonly NetifdInterface[] | undefined;
  #terrain: Terrain | undefined;
  #isAsking = false;
  #lookAt: Instant | undefined;
  #askAgainAt: Instant | undefined;

  step(input: LookoutInput, now: Instant): readonly LookoutEffect[] {
    switch (input.kind) {
      case 'start':
        return this.#look(now);
      case 'tick':
        return [...(isDue(this.#askAgainAt, now) ? this.#askAgain() : []), ...this.#lookIfDue(now)];
      case 'looked':
        return this.#looked(input.ground, now);
      case 'netifd':
        return this.#heard(input.text);
    }
  }

  wake(): Instant | undefined {
    return earliest(this.#lookAt, this.#askAgainAt);
  }

  #look(now: Instant): readonly LookoutEffect[] {
    this.#lookAt = after(now, BETWEEN_LOOKS);
    return [{ kind: 'look' }];
  }

  #lookIfDue(now: Instant): readonly LookoutEffect[] {
    return isDue(this.#lookAt, now) ? this.#look(now) : [];
  }

  #looked(ground: Ground, now: Instant): readonly LookoutEffect[] {
    const before = this.#ground;
    if (before !== undefined && sameGround(before, ground)) return [];
    this.#ground = ground;
    if (before !== undefined && sameTerrain(terrainOf(before), terrainOf(ground))) return [];
    this.#askAgainAt = after(now, SETTLED);
    return this.#ask();
  }

  #askAgain(): readonly LookoutEffect[] {
    this.#askAgainAt = undefined;
    return this.#ask();
  }

  #ask(): readonly LookoutEffect[] {
    if (this.#isAsking) return [];
    this.#isAsking = true;
    return [{ kind: 'ask-netifd' }];
  }

  #heard(text: string | undefined): readonly LookoutEffect[] {
    this.#isAsking = false;
    this.#netifd = (text === undefined ? undefined : readNetifd(text)) ?? this.#netifd;
    if (this.#ground === undefined) return [];
    const terrain = terrainOf(this.#ground, this.#netifd);
    if (this.#terrain !== undefined && sameTerrain(this.#terrain, terrain)) return [];
    this.#terrain = terrain;
    return [{ kind: 'terrain', terrain }];
  }
}

/** Byte for byte, which spares taking it apart. The kernel's counters of uses may differ where nothing has happened. */
function sameGround(a: Ground, b: Ground): boolean {
  return (
    a.route === b.route &&
    a.ipv6Route === b.ipv6Route &&
    a.ifInet6 === b.ifInet6 &&
    a.forwarding === b.forwarding &&
    JSON.stringify([a.addresses, a.ethernet]) === JSON.stringify([b.addresses, b.ethernet])
  );
}
