import { createSocket, type Socket } from 'node:dgram';
import type { Address } from '../base/address.ts';

/** Asked of the kernel; what it grants is bounded by net.core.rmem_max. 4 MB holds 1.6 s of 20 Mbit/s. */
const RECEIVE_BUFFER = 4 * 1024 * 1024;

/** The default of Linux; restored after a datagram that was meant to die on the way. */
const DEFAULT_TTL = 64;

export interface UdpCounters {
  sent: number;
  sentBytes: number;
  received: number;
  receivedBytes: number;
  /** Sends the kernel refused (EPERM, ENETUNREACH, ENOBUFS ...): to the protocol they are loss. */
  refused: number;
}

/**
 * One unconnected UDP socket. Unconnected, so that a forged ICMP error can't end anything.
 * Addresses are literals only; looking them up in the same tick keeps setTTL-send-setTTL in order.
 */
export class Udp {
  readonly counters: UdpCounters = { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, refused: 0 };
  readonly #socket: Socket;

  /** Binds; rejects with the system's error when the port is taken or the address is not ours. */
  static async bind(
    local: Address,
    onDatagram: (from: Address, bytes: Uint8Array) => void,
    options: { reusePort?: boolean; memberOn?: string | undefined } = {},
  ): Promise<Udp> {
    const family = local.ip.includes(':') ? 6 : 4;
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      ipv6Only: family === 6,
      lookup: (hostname, _options, callback) => callback(null, hostname, family),
      reusePort: options.reusePort ?? false,
      reuseAddr: options.memberOn !== undefined,
    });
    const udp = new Udp(socket, onDatagram);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(local.port, local.ip, () => {
        socket.removeListener('error', reject);
        resolve();
      });
    });
    socket.on('error', () => udp.counters.refused++);
    if (options.memberOn !== undefined) join(socket, local.ip, options.memberOn);
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER);
    } catch {
      // Smaller buffers only mean more loss under bursts; receiveBuffer tells what there is.
    }
    return udp;
  }

  private constructor(socket: Socket, onDatagram: (from: Address, bytes: Uint8Array) => void) {
    this.#socket = socket;
    socket.on('message', (bytes, info) => {
      this.counters.received++;
      this.counters.receivedBytes += bytes.length;
      onDatagram({ ip: info.address, port: info.port }, plain(bytes));
    });
  }

  get local(): Address {
    const { address, port } = this.#socket.address();
    return { ip: address, port };
  }

  /** Bytes the kernel granted for waiting datagrams (Linux reports twice what it was asked for). */
  get receiveBuffer(): number {
    return this.#socket.getRecvBufferSize();
  }

  /** Leaves in this tick. `ttl` only where the datagram is meant to die on the way. */
  send(to: Address, bytes: Uint8Array, ttl?: number): void {
    this.counters.sent++;
    this.counters.sentBytes += bytes.length;
    try {
      if (ttl !== undefined) this.#socket.setTTL(ttl);
      this.#socket.send(bytes, to.port, to.ip);
      if (ttl !== undefined) this.#socket.setTTL(DEFAULT_TTL);
    } catch {
      this.counters.refused++;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** Throws, with the socket closed, where the network has no multicast. */
function join(socket: Socket, group: string, on: string): void {
  try {
    socket.addMembership(group, on);
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** The same memory as a plain Uint8Array: views of it are made several times quicker than views of a Buffer. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
