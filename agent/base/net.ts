import type { Address } from './address.ts';

/** A socket by the number its machine gave it; machines never hold the socket itself. */
export type SocketId = number;

/** What any networked machine orders. io/drive.ts carries it out on real sockets, sim/world.ts on simulated ones. */
export type NetEffect =
  /** `ttl` only where a datagram is meant to die on the way (punching); one contiguous `bytes` per datagram. */
  | {
      readonly kind: 'send';
      readonly socket: SocketId;
      readonly to: Address;
      readonly bytes: Uint8Array;
      readonly ttl?: number;
    }
  /**
   * Bind a UDP socket; port 0 lets the system choose. Answered by `opened` or `failed`. Where `ip` is a multicast group, `memberOn`
   * is our address on the network where it is joined, or of IPv6 its zone (`::%eth0`); the port is then shared with other programs.
   */
  | {
      readonly kind: 'open';
      readonly socket: SocketId;
      readonly ip: string;
      readonly port: number;
      readonly memberOn?: string;
    }
  | { readonly kind: 'close'; readonly socket: SocketId };

/** What happens to any networked machine. Send errors are loss (RFC 9002 sees them), so they are not here. */
export type NetInput =
  | { readonly kind: 'datagram'; readonly socket: SocketId; readonly from: Address; readonly bytes: Uint8Array }
  | { readonly kind: 'opened'; readonly socket: SocketId; readonly local: Address }
  | { readonly kind: 'failed'; readonly socket: SocketId; readonly reason: string }
  | { readonly kind: 'tick' };
