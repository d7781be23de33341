import { fromHex } from '../base/bytes.ts';
import type { NetEffect, SocketId } from '../base/net.ts';
import { earliest, type Instant } from '../base/time.ts';
import type { Client, ClientEffect, ClientInput } from './client.ts';
import { NatPmpClient } from './natpmp-client.ts';
import { PcpClient } from './pcp-client.ts';
import type { SavedLease } from './saved.ts';

/**
 * Takes back the mappings of ports that we no longer have. PCP and NAT-PMP are asked from here, since each of their clients is about
 * one port; UPnP's client can take back any, once it has found the gateway.
 */
export class Sweep {
  readonly #newSocket: () => SocketId;
  #clients: { readonly lease: SavedLease; readonly socket: SocketId; readonly client: Client }[] = [];
  #upnp: SavedLease[] = [];

  constructor(newSocket: () => SocketId) {
    this.#newSocket = newSocket;
  }

  begin(stale: readonly SavedLease[]): void {
    this.#upnp = stale.filter(({ protocol }) => protocol === 'upnp');
    this.#clients = stale.flatMap((lease) => {
      const socket = this.#newSocket();
      const client = clientFor(lease, socket);
      return client === undefined ? [] : [{ lease, socket, client }];
    });
  }

  /** What is to be sent now, and what UPnP's client has to do. */
  start(now: Instant): { readonly effects: readonly NetEffect[]; readonly upnp: readonly SavedLease[] } {
    const effects = this.#clients.flatMap(({ lease, client }) =>
      client.step({ kind: 'release', external: lease.external, doubtful: true }, now).filter(isNet),
    );
    return { effects, upnp: [...this.#upnp] };
  }

  /** UPnP's client has taken back the first of its own; it works in order. */
  sweptUpnp(): void {
    this.#upnp.shift();
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
    const closing: NetEffect[] = this.#clients.map(({ socket }) => ({ kind: 'close', socket }));
    this.#clients = [];
    this.#upnp = [];
    return closing;
  }
}

function clientFor({ protocol, gateway, own, internal, nonce }: SavedLease, socket: SocketId): Client | undefined {
  const door = { gateway, own, port: internal };
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
