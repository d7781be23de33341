import type { Address } from '../base/address.ts';
import type { Backoff } from '../base/backoff.ts';
import type { Machine } from '../base/machine.ts';
import { earliest, type Instant, isDue, type Millis, ms } from '../base/time.ts';
import {
  type ClientEffect,
  type ClientInput,
  RendezvousClient,
  type RendezvousClientOptions,
} from '../rendezvous/client.ts';
import type { Header } from '../seal/header.ts';

/** A person waits, and only this once: eight tries in six seconds, so that a line which loses a fifth is not taken for a block. */
const WAITS: Backoff = { first: ms(300), factor: 1.5, most: ms(1000), jitter: 0.2 };

interface Door {
  readonly client: RendezvousClient;
  readonly address: Address;
}

/** All rendezvous of a list, greeted side by side: whichever lets us in first is the one that is asked, and nobody waits for a silent one. */
export class Reception implements Machine<ClientInput, ClientEffect> {
  readonly #doors: readonly Door[];
  #host: Door | undefined;
  #isHeard = false;

  constructor(options: RendezvousClientOptions) {
    this.#doors = options.servers.map((server) => ({
      client: new RendezvousClient({ ...options, servers: [server], waits: WAITS }),
      address: server.address,
    }));
  }

  /** Where the one is that let us in. */
  get host(): Address | undefined {
    return this.#host?.address;
  }

  /** Whether a useful datagram has come from any of them: then UDP is not blocked, whatever else is wrong. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  get rtt(): Millis | undefined {
    return this.#host?.client.rtt;
  }

  takes(header: Header | undefined, from: Address): boolean {
    return this.#open.some(({ client }) => client.takes(header, from));
  }

  step(input: ClientInput, now: Instant): readonly ClientEffect[] {
    const effects = this.#open
      .filter(({ client }) => isFor(client, input, now))
      .flatMap((door) => this.#give(door, input, now));
    // What is no answer to anything moves nothing.
    if (input.kind === 'datagram' && effects.length > 0) this.#isHeard = true;
    return effects;
  }

  wake(): Instant | undefined {
    return this.#open.reduce<Instant | undefined>((wake, { client }) => earliest(wake, client.wake()), undefined);
  }

  get #open(): readonly Door[] {
    return this.#host === undefined ? this.#doors : [this.#host];
  }

  #give(door: Door, input: ClientInput, now: Instant): readonly ClientEffect[] {
    if (this.#host !== undefined && door !== this.#host) return [];
    const effects = door.client.step(input, now);
    if (this.#host !== undefined || !effects.some(({ kind }) => kind === 'registered')) return effects;
    this.#host = door;
    const others = this.#doors.filter((other) => other !== door);
    return [...effects, ...others.flatMap(({ client }) => client.step({ kind: 'leave' }, now))];
  }
}

function isFor(client: RendezvousClient, input: ClientInput, now: Instant): boolean {
  if (input.kind === 'datagram') return client.takes(input.header, input.from);
  return input.kind !== 'tick' || isDue(client.wake(), now);
}
