import type { Address } from '../../agent/base/address.ts';
import type { Host, Socket } from '../../agent/sim/host.ts';
import type { World } from '../../agent/sim/world.ts';

/** Ports of each observer. */
export const PORTS = [5000, 5001, 5002, 5003];

/** Servers on two addresses that note where datagrams come from, as STUN servers do, and can answer from elsewhere. */
export class Observers {
  readonly host: Host;
  readonly #sockets: Socket[];
  readonly #seen = new Map<string, Address>();

  constructor(world: World, name = 'observers') {
    this.host = world.host({ name });
    world.join(this.host);
    this.#sockets = this.host.ips.flatMap((ip) =>
      PORTS.map((port) => {
        const socket: Socket = this.host.socket((from) => this.#seen.set(`${socket.local.ip} ${port}`, from), port, ip);
        return socket;
      }),
    );
  }

  /** Every address and port of the observers. */
  get all(): readonly Address[] {
    return this.#sockets.map((socket) => socket.local);
  }

  /** Where the last datagram to one of them came from. */
  saw(address: Address): Address | undefined {
    return this.#seen.get(`${address.ip} ${address.port}`);
  }

  /** Sends from one of them. */
  send(from: Address, to: Address): void {
    this.#sockets.find(({ local }) => local.ip === from.ip && local.port === from.port)?.send(to, Uint8Array.of(1));
  }
}
