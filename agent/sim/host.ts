import { type Address, key } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import type { NetEffect, NetInput } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { at, type Instant } from '../base/time.ts';
import { Drive } from './drive.ts';
import type { Ground } from './ground.ts';
import type { Access, Station } from './network.ts';
import { LARGEST, type Packet } from './packet.ts';

/** TTL of an ordinary datagram: the default of Linux. */
const TTL = 64;
/** Ports a system chooses from when asked for port 0: the default of Linux. */
const [FIRST_PORT, PORTS] = [32768, 28232];

export type Receive = (from: Address, bytes: Uint8Array) => void;

/** A clock of one's own: how far it is ahead of the world's, and how much faster, in parts per million. */
export interface ClockError {
  readonly ahead: number;
  readonly ppm: number;
}

/** A computer with addresses, a clock and sockets. */
export class Host implements Station {
  readonly name: string;
  readonly #ground: Ground;
  readonly #clock: ClockError;
  readonly #ways: { readonly ip: string; readonly access: Access }[] = [];
  readonly #sockets = new Map<string, Socket>();
  #random: Random | undefined;

  constructor(ground: Ground, name: string, clock: ClockError = { ahead: 0, ppm: 0 }) {
    this.#ground = ground;
    this.name = name;
    this.#clock = clock;
  }

  /** The first address it was given; throws before that. */
  get ip(): string {
    return this.#first.ip;
  }

  /** The line to the first network it joined; throws before that. */
  get access(): Access {
    return this.#first.access;
  }

  get ips(): readonly string[] {
    return this.#ways.map((way) => way.ip);
  }

  /** Takes a further address, there or elsewhere: a host may be on several networks. */
  join(access: Access, ip: string): void {
    access.network.assign(ip, access);
    this.#ways.push({ ip, access });
  }

  /** Loses an address; what comes for it finds nobody. */
  quit(ip: string): void {
    const index = this.#ways.findIndex((way) => way.ip === ip);
    this.#ways.splice(index, 1)[0]?.access.network.withdraw(ip);
  }

  /** What its own clock shows now. */
  now(): Instant {
    return at(this.#ground.now * (1 + this.#clock.ppm / 1e6) + this.#clock.ahead);
  }

  /** When, in the world's time, its own clock will show `local`. */
  worldTime(local: Instant): Instant {
    return at((local - this.#clock.ahead) / (1 + this.#clock.ppm / 1e6));
  }

  /** Runs a machine on this host's sockets and clock; effects that are not for sockets go to `other`. */
  run<Input, Effect extends { readonly kind: string }>(
    machine: Machine<Input | NetInput, Effect | NetEffect>,
    other: (effect: Exclude<Effect, NetEffect>, now: Instant) => void = () => {},
  ): Drive<Input, Effect> {
    return new Drive(this.#ground, this, machine, other);
  }

  /** Opens a socket; the answer is a reason in the system's words when the address is not ours or the port is taken. */
  bind(ip: string, port: number, receive: Receive): Socket | string {
    if (!ANY.has(ip) && !this.#ways.some((way) => way.ip === ip)) return 'EADDRNOTAVAIL';
    const local = { ip, port: port === 0 ? this.#freePort(ip) : port };
    if (this.#sockets.has(key(local))) return 'EADDRINUSE';
    const socket = new Socket(this, local, receive);
    this.#sockets.set(key(local), socket);
    return socket;
  }

  /** As `bind`, where failing is a mistake of the scenario. */
  socket(receive: Receive = () => {}, port = 0, ip = '0.0.0.0'): Socket {
    const socket = this.bind(ip, port, receive);
    if (typeof socket === 'string') throw new Error(`${this.name}: ${ip}:${port}: ${socket}`);
    return socket;
  }

  release(socket: Socket): void {
    if (this.#sockets.get(key(socket.local)) === socket) this.#sockets.delete(key(socket.local));
  }

  send(local: Address, to: Address, bytes: Uint8Array, ttl = TTL): void {
    const way = this.#way(local.ip, to.ip);
    if (way === undefined) return;
    const packet: Packet = { from: { ip: way.ip, port: local.port }, to, ttl, bytes: bytes.slice() };
    this.#ground.sent++;
    this.#ground.note('sent', packet, this.name);
    if (bytes.length > LARGEST) this.#ground.drop('too-big', packet, this.name);
    else if (this.#ways.some(({ ip }) => ip === to.ip)) this.arrive(packet);
    else way.access.up(packet);
  }

  arrive(packet: Packet): void {
    const { to } = packet;
    const socket = this.#sockets.get(key(to)) ?? this.#sockets.get(key({ ip: anyOf(to.ip), port: to.port }));
    if (socket === undefined) {
      this.#ground.drop('no-socket', packet, this.name);
      return;
    }
    this.#ground.delivered++;
    this.#ground.note('delivered', packet, this.name);
    socket.receive(packet.from, packet.bytes);
  }

  get #first(): { readonly ip: string; readonly access: Access } {
    const first = this.#ways[0];
    if (first === undefined) throw new Error(`${this.name} has no address`);
    return first;
  }

  /** The address and line that a datagram leaves by: the bound one, else the first of the same family. */
  #way(local: string, to: string): { readonly ip: string; readonly access: Access } | undefined {
    if (!ANY.has(local)) return this.#ways.find((way) => way.ip === local);
    const six = to.includes(':');
    return this.#ways.find((way) => way.ip.includes(':') === six);
  }

  #freePort(ip: string): number {
    this.#random ??= this.#ground.chance();
    for (let tries = 0; tries < PORTS; tries++) {
      const port = FIRST_PORT + this.#random(PORTS);
      if (!this.#sockets.has(key({ ip, port }))) return port;
    }
    throw new Error(`${this.name}: no port is free`);
  }
}

/** A UDP socket of a simulated host. */
export class Socket {
  readonly local: Address;
  readonly receive: Receive;
  readonly #host: Host;

  constructor(host: Host, local: Address, receive: Receive) {
    this.#host = host;
    this.local = local;
    this.receive = receive;
  }

  /** The bytes are copied: the sender may use them again at once. */
  send(to: Address, bytes: Uint8Array, ttl?: number): void {
    this.#host.send(this.local, to, bytes, ttl);
  }

  close(): void {
    this.#host.release(this);
  }
}

const ANY = new Set(['0.0.0.0', '::']);

function anyOf(ip: string): string {
  return ip.includes(':') ? '::' : '0.0.0.0';
}
