import type { Address } from '../../agent/base/address.ts';
import type { Machine } from '../../agent/base/machine.ts';
import { type NatProfile, UNKNOWN } from '../../agent/base/nat-profile.ts';
import type { NetEffect, NetInput } from '../../agent/base/net.ts';
import type { Random } from '../../agent/base/random.ts';
import { at, type Instant, ms } from '../../agent/base/time.ts';
import { type ClientEffect, type ClientInput, RendezvousClient, type Server } from '../../agent/rendezvous/client.ts';
import type { Limits } from '../../agent/rendezvous/limits.ts';
import { Rendezvous, type RendezvousEvent } from '../../agent/rendezvous/server.ts';
import type { Cipher, KeyPair } from '../../agent/seal/cipher.ts';
import { decodeHeader } from '../../agent/seal/header.ts';
import type { TicketKey } from '../../agent/seal/tickets.ts';
import type { Drive } from '../../agent/sim/drive.ts';
import type { Host } from '../../agent/sim/host.ts';
import type { KindName } from '../../agent/sim/kinds.ts';
import { type Behind, type Household, World } from '../../agent/sim/world.ts';
import { toyCipher } from '../sim/toy-cipher.ts';

export const PROFILE: NatProfile = {
  ...UNKNOWN,
  kind: 'preserve',
  filtering: 'address-and-port-dependent',
  confidence: 1,
};

const PORT = 3478;

/** The least household that can hold a rendezvous client: one socket, and nothing done with what it is told. */
export class Guest implements Machine<NetInput | ClientInput, NetEffect | ClientEffect> {
  readonly client: RendezvousClient;
  readonly #headerKey: Uint8Array;
  readonly #cipher: Cipher;
  readonly #ip: string;
  readonly #children: number;
  readonly #profile: NatProfile;
  #opened = false;

  constructor(options: {
    cipher: Cipher;
    random: Random;
    identity: KeyPair;
    servers: readonly Server[];
    networkSecret: Uint8Array;
    ip: string;
    children: number;
    profile: NatProfile;
    room: () => number;
  }) {
    const { cipher, random, identity, servers, networkSecret } = options;
    this.#headerKey = cipher.random(16);
    this.#cipher = cipher;
    this.#ip = options.ip;
    this.#children = options.children;
    this.#profile = options.profile;
    let index = random(2 ** 32);
    this.client = new RendezvousClient({
      cipher,
      random,
      identity,
      networkSecret,
      servers,
      headerKey: this.#headerKey,
      suites: ['chacha20-poly1305'],
      socket: 0,
      room: options.room,
      newIndex: () => (index = (index + 1) % 2 ** 32),
    });
  }

  step(input: NetInput | ClientInput, now: Instant): readonly (NetEffect | ClientEffect)[] {
    if (input.kind === 'failed') return [];
    if (input.kind === 'opened') return input.socket === 0 ? this.#register(input.local.port, now) : [];
    if (input.kind === 'datagram') {
      const header = decodeHeader(input.bytes, this.#cipher.block(this.#headerKey));
      return this.client.takes(header, input.from) ? this.client.step({ ...input, header }, now) : [];
    }
    if (input.kind !== 'tick' || this.#opened) return this.client.step(input, now);
    this.#opened = true;
    return [{ kind: 'open', socket: 0, ip: '0.0.0.0', port: 0 }];
  }

  wake(): Instant | undefined {
    return this.#opened ? this.client.wake() : at(0);
  }

  #register(port: number, now: Instant): readonly ClientEffect[] {
    const internal = [{ ip: this.#ip, port }];
    const [streams, profile] = [this.#children, this.#profile];
    return this.client.step({ kind: 'register', role: 'agent', streams, most: streams, internal, profile }, now);
  }
}

const SECRET = new Uint8Array([1, 2, 3]);

/** What became of the datagrams a test is interested in. */
export interface Heard {
  readonly at: Instant;
  readonly effect: Exclude<ClientEffect, { kind: 'send' }>;
}

interface Own {
  readonly children: number;
  readonly profile: NatProfile;
  readonly room: number;
}

/** One household of a town, as a test sees it. */
export class Resident {
  readonly identity: KeyPair;
  readonly household: Household;
  readonly heard: Heard[] = [];
  /** kbit/s it offers to carry for others. */
  room: number;
  readonly #town: Town;
  readonly #own: Own;
  #guest: Guest;
  #drive: Drive<ClientInput, ClientEffect>;

  constructor(town: Town, household: Household, own: Own, servers: readonly Server[]) {
    this.#town = town;
    this.household = household;
    this.#own = own;
    this.room = own.room;
    this.identity = town.cipher.pair();
    this.#guest = this.#newGuest(servers);
    this.#drive = this.#start();
  }

  get id(): Uint8Array {
    return this.identity.publicKey;
  }

  get client(): RendezvousClient {
    return this.#guest.client;
  }

  give(input: ClientInput | NetInput): void {
    this.#drive.give(input);
  }

  /** Everything of one kind it was told, oldest first. */
  told<K extends Heard['effect']['kind']>(kind: K): Extract<Heard['effect'], { kind: K }>[] {
    return this.heard.map(({ effect }) => effect).filter((effect) => effect.kind === kind) as never;
  }

  /** As when the power goes. */
  stop(): void {
    this.#drive.stop();
  }

  /** The same household after a restart of its process. */
  restart(servers = this.#town.servers): void {
    this.stop();
    this.#guest = this.#newGuest(servers);
    this.#drive = this.#start();
  }

  #newGuest(servers: readonly Server[]): Guest {
    const { cipher, world } = this.#town;
    const { ip } = this.household.host;
    const own = { cipher, random: world.random(), identity: this.identity, networkSecret: SECRET };
    const { children, profile } = this.#own;
    return new Guest({ ...own, servers, ip, children, profile, room: () => this.room });
  }

  #start(): Drive<ClientInput, ClientEffect> {
    return this.household.host.run<ClientInput, ClientEffect>(this.#guest, (effect) => {
      this.heard.push({ at: this.#town.world.now, effect });
    });
  }
}

export interface TownOptions {
  readonly seed?: number;
  readonly limits?: Partial<Limits>;
  /** The toy unless the test is about keys. */
  readonly cipher?: Cipher;
}

/** A rendezvous with two addresses and three sockets, and households around it, on the virtual clock. */
export class Town {
  readonly world: World;
  readonly cipher: Cipher;
  readonly host: Host;
  readonly events: RendezvousEvent[] = [];
  readonly listen: readonly Address[];
  readonly identity: KeyPair;
  server: Rendezvous;
  readonly #limits: Partial<Limits>;
  #drive: Drive<never, RendezvousEvent>;

  constructor({ seed = 1, limits = {}, cipher }: TownOptions = {}) {
    this.world = new World({ seed });
    this.cipher = cipher ?? toyCipher(this.world.random());
    this.host = this.world.host({ name: 'rendezvous', ips: ['198.51.100.1', '198.51.100.2'] });
    this.identity = this.cipher.pair();
    this.listen = [
      { ip: '198.51.100.1', port: PORT },
      { ip: '198.51.100.1', port: PORT + 1 },
      { ip: '198.51.100.2', port: PORT },
    ];
    this.#limits = limits;
    this.server = this.#newServer([]);
    this.#drive = this.#start();
  }

  get servers(): readonly Server[] {
    return [{ address: this.listen[0] ?? { ip: '', port: 0 }, key: this.identity.publicKey }];
  }

  resident(
    kind: KindName = 'port-restricted',
    options: Partial<Own> & { delayMs?: number; loss?: number; behind?: Behind } = {},
  ): Resident {
    const { delayMs = 10, loss = 0, behind, children = 2, profile = PROFILE, room = 0 } = options;
    const place = behind === undefined ? { access: { delay: ms(delayMs), loss } } : { behind };
    const household = this.world.household(kind, place);
    return new Resident(this, household, { children, profile, room }, this.servers);
  }

  /** Runs on for that many milliseconds. */
  pass(span: number): void {
    this.world.run(at(this.world.now + span));
  }

  until(condition: () => boolean, span = 10_000): boolean {
    return this.world.runUntil(condition, at(this.world.now + span));
  }

  /** The rendezvous' process dies. */
  stop(): void {
    this.#drive.stop();
  }

  /** It starts again: with its ticket keys, or as if its state had been lost. */
  restart(keep: 'tickets' | 'nothing' = 'tickets'): void {
    const keys = keep === 'tickets' ? this.server.ticketKeys(this.world.now) : [];
    this.stop();
    this.server = this.#newServer(keys);
    this.#drive = this.#start();
  }

  #newServer(ticketKeys: readonly TicketKey[]): Rendezvous {
    return new Rendezvous({
      cipher: this.cipher,
      random: this.world.random(),
      identity: this.identity,
      networkSecret: SECRET,
      suites: ['chacha20-poly1305'],
      listen: this.listen,
      now: this.world.now,
      ticketKeys,
      limits: this.#limits,
    });
  }

  #start(): Drive<never, RendezvousEvent> {
    return this.host.run<never, RendezvousEvent>(this.server, (effect) => void this.events.push(effect));
  }
}
