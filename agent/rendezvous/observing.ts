import type { Instant } from '../base/time.ts';
import { LEAST_PORT } from './candidates.ts';
import type { FilterTest, Probe, TryDoor } from '../wire/messages.ts';
import type { Conducting } from './conducting.ts';
import type { Client } from './directory.ts';
import type { RendezvousEffect } from './events.ts';
import type { Came, Floor } from './floor.ts';
import { say } from './saying.ts';
import { SeenPorts } from './seen-ports.ts';

/** Tells households what their NATs do. */
export class Observing {
  readonly #floor: Floor;
  readonly #conducting: Conducting;

  constructor(floor: Floor, conducting: Conducting) {
    this.#floor = floor;
    this.#conducting = conducting;
  }

  /** Answers to wherever the probe came from, never with more than came. */
  probe(client: Client, { id, index, volley }: Probe, came: Came, now: Instant): RendezvousEffect[] {
    if (mayBeBlock(client)) (client.seen ??= new SeenPorts()).add(came.from.port, now);
    const words = volley === undefined ? [] : this.#conducting.seen(client, volley, came.from, now);
    const token = this.#floor.proofs.addressToken('answer', client.index, came.from, now);
    const arrival = Math.floor(now) % 2 ** 32;
    const seen = { id, index, observer: came.socket, arrival, address: came.from, token };
    const answer = this.#floor.voice.echo(client, { kind: 'observed', ...seen }, came.socket, came, now);
    return [...answer, ...say(this.#floor, words, now)];
  }

  filterTest(client: Client, { id, index, observer, token }: FilterTest, came: Came, now: Instant): RendezvousEffect[] {
    if (!this.#floor.proofs.wasAt('answer', client.index, came.from, token, now)) return this.#floor.refuse('unproven');
    if (this.#floor.locals[observer] === undefined) return this.#floor.refuse('no-observer');
    return this.#floor.voice.echo(client, { kind: 'filtered', id, index, observer }, observer, came, now);
  }

  /** Knocks where the household says that everybody may: at an IP that it has proven, and nowhere else. */
  tryDoor(client: Client, { id, index, observer, at }: TryDoor, came: Came, now: Instant): RendezvousEffect[] {
    const proven = client.path.kind === 'valid' && client.address.ip === at.ip;
    const isOurs = proven || client.facts?.proven.some(({ ip }) => ip === at.ip) === true;
    if (!isOurs || at.port < LEAST_PORT) return this.#floor.refuse('unproven');
    if (this.#floor.locals[observer] === undefined) return this.#floor.refuse('no-observer');
    const token = this.#floor.proofs.addressToken('knock', client.index, at, now);
    const knock = { kind: 'knocked', id, index, observer, token } as const;
    return this.#floor.voice.echo(client, knock, observer, { from: at, length: came.length }, now);
  }
}

/** It draws its ports from a block, or nobody knows yet what it does. */
export function mayBeBlock({ facts }: Client): boolean {
  const kind = facts?.profile.kind ?? 'unknown';
  return kind === 'unknown' || kind === 'block-random';
}
