import { type Address, key } from '../base/address.ts';
import type { Opening } from '../base/opening.ts';
import { after, earliest, type Instant, isDue, ms } from '../base/time.ts';
import type { Protocol } from '../portmap/client.ts';
import type { Mapping } from '../portmap/mapping.ts';
import type { Proven } from '../wire/messages.ts';

/** A place that was open, or has just been promised, gets more than one chance. */
const CHANCES = 3;
const BETWEEN_CHANCES = ms(1500);

const METHODS: Readonly<Record<Protocol, Opening>> = {
  pcp: 'mapped-pcp',
  natpmp: 'mapped-natpmp',
  upnp: 'mapped-upnp',
};

/** Where there is a mapping it is what opened the port: before it was asked for, one of an earlier run may have stood there. */
export function openingOf({ ip }: Address, mapping: Mapping | undefined): Opening {
  const isSix = ip.includes(':');
  if (mapping === undefined) return isSix ? 'none' : 'dial';
  return isSix ? 'pinhole' : METHODS[mapping.protocol];
}

/** Addresses of ours that strangers came in by, and how often nobody came in of late. */
export class OpenPlaces {
  readonly #open = new Map<string, Proven>();
  /** How often nobody came in, in a row. */
  readonly #silences = new Map<string, number>();
  readonly #again = new Map<string, { readonly at: Address; readonly due: Instant }>();

  get all(): readonly Proven[] {
    return [...this.#open.values()];
  }

  get(at: Address): Proven | undefined {
    return this.#open.get(key(at));
  }

  /** A stranger came in. */
  enter(at: Address, token: Uint8Array, opening: Opening): void {
    this.#silences.delete(key(at));
    this.#again.delete(key(at));
    this.#open.set(key(at), { address: at, token, opening });
  }

  /** It is not ours any more; true when it was open. */
  drop(at: Address): boolean {
    this.#again.delete(key(at));
    this.#silences.delete(key(at));
    return this.#open.delete(key(at));
  }

  /** Nobody came in: `again` where that may be chance, which matters for what was open or `promised`. */
  silent(at: Address, promised: boolean, now: Instant): 'again' | 'over' {
    const name = key(at);
    const count = (this.#silences.get(name) ?? 0) + 1;
    if ((promised || this.#open.has(name)) && count < CHANCES) {
      this.#silences.set(name, count);
      this.#again.set(name, { at, due: after(now, BETWEEN_CHANCES) });
      return 'again';
    }
    this.#silences.delete(name);
    return 'over';
  }

  /** What is to be tried again now. */
  due(now: Instant): readonly Address[] {
    const due = [...this.#again].filter(([, { due: when }]) => isDue(when, now));
    for (const [name] of due) this.#again.delete(name);
    return due.map(([, { at }]) => at);
  }

  /** Nothing is tried again by itself. */
  rest(): void {
    this.#again.clear();
  }

  wake(): Instant | undefined {
    let wake: Instant | undefined;
    for (const { due } of this.#again.values()) wake = earliest(wake, due);
    return wake;
  }
}
