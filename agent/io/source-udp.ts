import { createSocket, type Socket } from 'node:dgram';
import type { Source } from '../media/source.ts';
import { type Hands, type HandsEvents, reasonOf } from './source-hands.ts';

/** 4 MB hold a second of 30 Mbit/s while this process is busy; the kernel may grant less. */
const RECEIVE_BUFFER = 4 * 2 ** 20;

/** Datagrams to one of our addresses, or to a multicast group that is joined. */
export class UdpHands implements Hands {
  readonly #source: Source & { readonly kind: 'udp' };
  readonly #events: HandsEvents;
  #socket: Socket | undefined;

  constructor(source: Source & { readonly kind: 'udp' }, events: HandsEvents) {
    this.#source = source;
    this.#events = events;
  }

  open(): void {
    this.close();
    const { ip, port, from } = this.#source;
    // Several programs on one machine may watch the same group.
    const socket = createSocket({ type: ip.includes(':') ? 'udp6' : 'udp4', reuseAddr: isMulticast(ip) });
    this.#socket = socket;
    socket.on('error', (error) => this.#fail(socket, error));
    socket.on('message', (bytes, sender) => {
      if (this.#socket !== socket || (from !== undefined && sender.address !== from)) return;
      this.#events.tell({ kind: 'datagram', bytes });
    });
    // Bound to the group itself, the system keeps other traffic of that port away.
    socket.bind(port, ip, () => this.#bound(socket));
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    try {
      socket?.close();
    } catch {
      // Not bound yet: the system has nothing to close.
    }
  }

  /** Datagrams cannot be held back. */
  pause(): void {}

  resume(): void {}

  stop(): void {
    this.close();
  }

  #bound(socket: Socket): void {
    if (this.#socket !== socket) return;
    const { ip, via, from } = this.#source;
    try {
      if (isMulticast(ip) && from !== undefined) socket.addSourceSpecificMembership(from, ip, via);
      else if (isMulticast(ip)) socket.addMembership(ip, via);
    } catch (error) {
      this.#fail(socket, error);
      return;
    }
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER);
    } catch {
      // A smaller buffer only means more loss under bursts.
    }
    const place = socket.address();
    this.#events.listening({ ip: place.address, port: place.port });
    this.#events.tell({ kind: 'opened' });
  }

  #fail(socket: Socket, error: unknown): void {
    if (this.#socket !== socket) return;
    this.close();
    this.#events.tell({ kind: 'failed', reason: reasonOf(error) });
  }
}

const isMulticast = (ip: string): boolean => /^(22[4-9]|23\d)\./.test(ip) || /^ff/i.test(ip);
