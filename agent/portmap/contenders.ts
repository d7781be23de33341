import { hex } from '../base/bytes.ts';
import type { NetEffect, SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { earliest, type Instant } from '../base/time.ts';
import {
  type Client,
  type ClientEffect,
  type ClientInput,
  type Door,
  PROTOCOLS,
  type Protocol,
  type Wish,
} from './client.ts';
import { type Choice, choose, type Standing, type Standings } from './contest.ts';
import { isSix } from './door.ts';
import { NatPmpClient } from './natpmp-client.ts';
import { PcpClient } from './pcp-client.ts';
import type { SavedLease } from './saved.ts';
import { UpnpClient } from './upnp-client.ts';

/** What one of them wants or has heard. */
export interface Said {
  readonly protocol: Protocol;
  readonly effect: ClientEffect;
}

const ABSENT: Standing = { name: 'refused', reason: 'no-service', wan: undefined };

/** The clients of all protocols at one gateway, and how far each has come. NAT-PMP knows IPv4 only. */
export class Contenders {
  readonly #protocols: readonly Protocol[];
  readonly #door: Door;
  readonly #nonce: Uint8Array;
  readonly #clients: Readonly<Record<Protocol, Client>>;
  readonly #upnp: UpnpClient;
  readonly #sockets: readonly SocketId[];
  #standings: Standings = { pcp: ABSENT, natpmp: ABSENT, upnp: ABSENT };
  #releases = 0;

  constructor(options: {
    readonly door: Door;
    readonly nonce: Uint8Array;
    /** That UPnP made for this port in an earlier run. */
    readonly pinhole: number | undefined;
    readonly random: Random;
    readonly newSocket: () => SocketId;
    readonly newRequest: () => number;
  }) {
    const { door, nonce, pinhole, random, newSocket, newRequest } = options;
    const [forPcp, forNatPmp, forUpnp] = [newSocket(), newSocket(), newSocket()];
    this.#door = door;
    this.#nonce = nonce;
    this.#sockets = [forPcp, forNatPmp, forUpnp];
    this.#upnp = new UpnpClient({ door, socket: forUpnp, random, newRequest, pinhole });
    this.#clients = {
      pcp: new PcpClient({ door, socket: forPcp, nonce }),
      natpmp: new NatPmpClient({ door, socket: forNatPmp }),
      upnp: this.#upnp,
    };
    this.#protocols = isSix(door) ? ['pcp', 'upnp'] : PROTOCOLS;
  }

  get standings(): Standings {
    return this.#standings;
  }

  get gatewayName(): string | undefined {
    const { maker = '', model = '', name = '' } = this.#upnp.description ?? {};
    const words = `${maker} ${model === '' ? name : model}`.trim();
    return words === '' ? undefined : words;
  }

  get refused(): ReadonlyMap<string, number> {
    const all = new Map<string, number>();
    for (const client of Object.values(this.#clients)) {
      for (const [reason, count] of client.refused) all.set(reason, (all.get(reason) ?? 0) + count);
    }
    return all;
  }

  /** Mappings that are being taken back. */
  get releases(): number {
    return this.#releases;
  }

  /** Those that may have a mapping for us. */
  get mayHave(): readonly Protocol[] {
    return PROTOCOLS.filter((protocol) => {
      const { name } = this.#standings[protocol];
      return name === 'asked' || name === 'granted';
    });
  }

  stand(protocol: Protocol, standing: Standing): void {
    this.#standings = { ...this.#standings, [protocol]: standing };
  }

  /** Asks everybody: PCP for the mapping at once, the others whether they are there. */
  seek(wish: Wish, now: Instant): readonly Said[] {
    for (const protocol of this.#protocols) {
      this.stand(protocol, { name: protocol === 'pcp' ? 'asked' : 'looking', since: now });
    }
    return this.#protocols.flatMap((protocol) =>
      this.give(protocol, protocol === 'pcp' ? { kind: 'ask', wish } : { kind: 'look' }, now),
    );
  }

  /** Asks those whose turn it is, and says what is to be done then. */
  choose(
    wish: Wish,
    now: Instant,
  ): { readonly said: readonly Said[]; readonly choice: Exclude<Choice, { kind: 'ask' }> } {
    const said: Said[] = [];
    for (;;) {
      const choice = choose(this.#standings, now);
      if (choice.kind !== 'ask') return { said, choice };
      this.stand(choice.protocol, { name: 'asked', since: now });
      said.push(...this.give(choice.protocol, { kind: 'ask', wish }, now));
    }
  }

  /** Nothing is left at the gateway. */
  forget(): void {
    this.#standings = { pcp: ABSENT, natpmp: ABSENT, upnp: ABSENT };
  }

  /** `external`: the port that we have, or wish for; 0 for none in particular. */
  saved(external: number): readonly SavedLease[] {
    const { gateway, own, port: internal } = this.#door;
    const lease = { gateway, own, internal, external: external === 0 ? internal : external };
    return this.mayHave.map((protocol) => {
      switch (protocol) {
        case 'pcp':
          return { protocol, ...lease, nonce: hex(this.#nonce) };
        case 'natpmp':
          return { protocol, ...lease };
        case 'upnp':
          return { protocol, ...lease, ...(this.#upnp.pinhole !== undefined && { pinhole: this.#upnp.pinhole }) };
      }
    });
  }

  give(protocol: Protocol, input: ClientInput, now: Instant): readonly Said[] {
    if (input.kind === 'release') this.#releases++;
    return this.#clients[protocol].step(input, now).map((effect) => {
      if (effect.kind === 'released') this.#releases--;
      return { protocol, effect };
    });
  }

  /** For all of them: each knows its own sockets and requests. */
  step(input: ClientInput, now: Instant): readonly Said[] {
    return this.#protocols.flatMap((protocol) => this.give(protocol, input, now));
  }

  wake(): Instant | undefined {
    let wake: Instant | undefined;
    for (const protocol of this.#protocols) wake = earliest(wake, this.#clients[protocol].wake());
    return wake;
  }

  close(): NetEffect[] {
    return this.#sockets.map((socket) => ({ kind: 'close', socket }));
  }
}
