import { fromHex } from '../base/bytes.ts';
import type { NetEffect, SocketId } from '../base/net.ts';
import { earliest, type Instant } from '../base/time.ts';
import type { Client, ClientEffect, ClientInput, Door } from './client.ts';
import { NatPmpClient } from './natpmp-client.ts';
import { PcpClient } from './pcp-client.ts';
import type { SavedLease } from './saved.ts';

/**
 * Takes back the mappings of ports that we no longer have. PCP and NAT-PMP are asked from here, since each of their clients is about
 * one port; UPnP's client can take back any, once it has found the gateway.
 */
export class Sweep {
  #clients: readonly { readonly lease: SavedLease; readonly socket: SocketId; readonly client: Client }[];
  #upnp: readonly SavedLease[];

  /** `door`: whom they are taken back from; it knows us as it did then. */
  constructor(stale: readonly SavedLease[], door: Door, newSocket: () => SocketId) {
    this.#upnp = stale.filter(({ protocol }) => protocol === 'upnp');
    this.#clients = stale.flatMap((lease) => {
      const socket = newSocket();
      const client = clientFor(lease, { ...door, port: lease.internal }, socket);
      return client === undefined ? [] : [{ lease, socket, client }];
    });
  }

  /** What is to be sent now, and what UPnP's client has to do. */
  start(now: Instant): { readonly effects: readonly NetEffect[]; readonly upnp: readonly SavedLease[] } {
    const effects = this.#clients.flatMap(({ lease, client }) =>
      client.step({ kind: 'release', external: lease.external, doubtful: true }, now).filter(isNet),
    );
    return { effects, upnp: this.#upnp };
  }

  /** UPnP's client has taken back the first of its own; it works in order. */
  sweptUpnp(): void {
    this.#upnp = this.#upnp.slice(1);
  }

  /** What is not done yet. */
  get left(): readonly SavedLease[] {
    return [...this.#clients.map(({ lease }) => lease), ...this.#upnp];
  }

  step(input: ClientInput, now: Instant): NetEffect[] {
    const effects: NetEffect[] = [];
    this.#clients = this.#clients.filter(({ client }) => {
      const said = client.step(input, now);
      effects.push(...said.filter(isNet));
      return said.every(({ kind }) => kind !== 'released');
    });
    return effects;
  }

  wake(): Instant | undefined {
    let wake: Instant | undefined;
    for (const { client } of this.#clients) wake = earliest(wake, client.wake());
    return wake;
  }

  close(): NetEffect[] {
    return this.#clients.map(({ socket }) => ({ kind: 'close', socket }));
  }
}

function clientFor({ protocol, nonce }: SavedLease, door: Door, socket: SocketId): Client | undefined {
  switch (protocol) {
    case 'pcp':
      return new PcpClient({ door, socket, nonce: fromHex(nonce ?? '') ?? new Uint8Array(0) });
    case 'natpmp':
      return new NatPmpClient({ door, socket });
    case 'upnp':
      return undefined;
  }
}

function isNet(effect: ClientEffect): effect is NetEffect {
  return effect.kind === 'send' || effect.kind === 'open' || effect.kind === 'close';
}
