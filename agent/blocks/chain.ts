import { sameBytes } from '../base/bytes.ts';
import { forgetOldest } from '../base/newest.ts';
import type { Manifest } from './manifest.ts';

/** Manifests remembered, for the chain and against repetition: 8 s at 50 blocks a second. */
export const KNOWN = 400;

/** A manifest that was accepted: its own hash, and what it says of the one before. */
interface Link {
  readonly hash: Uint8Array;
  readonly previous: Uint8Array;
}

/** The manifests of one epoch, each of which names the hash of the one before. */
export class Chain {
  readonly #links = new Map<number, Link>();

  has(number: number): boolean {
    return this.#links.has(number);
  }

  /** Whether that very manifest was accepted. */
  holds(number: number, hash: Uint8Array): boolean {
    const known = this.#links.get(number);
    return known !== undefined && sameBytes(known.hash, hash);
  }

  /** Whether its number is free and its neighbours name each other. The first of two streams wins; the other does not fit. */
  fits(manifest: Manifest, hash: Uint8Array): boolean {
    const before = this.#links.get(manifest.number - 1);
    const behind = this.#links.get(manifest.number + 1);
    return (
      !this.has(manifest.number) &&
      (before === undefined || sameBytes(before.hash, manifest.previous)) &&
      (behind === undefined || sameBytes(behind.previous, hash))
    );
  }

  add({ number, previous }: Manifest, hash: Uint8Array): void {
    // A copy: what is kept for seconds must not keep the whole datagram alive.
    this.#links.set(number, { hash, previous: previous.slice() });
    forgetOldest(this.#links, KNOWN);
  }

  clear(): void {
    this.#links.clear();
  }
}
