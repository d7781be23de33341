import { hex } from '../base/bytes.ts';
import type { Cipher, KeyPair } from '../seal/cipher.ts';
import { cutName } from '../wire/fields.ts';
import type { ChannelId } from '../wire/messages.ts';
import { publishText } from './proofs.ts';
import type { Question } from './questions.ts';

type Position = Extract<Question, { kind: 'position' }>;

interface Led {
  readonly channel: KeyPair;
  readonly epoch: number;
  readonly name: string;
  readonly request: number;
}

/** What holds until it is changed, and is said anew to a rendezvous that was restarted: channels led, places in others. */
export class Standing {
  readonly #led = new Map<string, Led>();
  readonly #positions = new Map<string, Position>();

  lead(channel: KeyPair, epoch: number, name: string, request: number): void {
    this.#led.set(hex(channel.publicKey), { channel, epoch, name: cutName(name), request });
  }

  /** Takes a place; the request number of what this replaces. */
  stand(position: Position): number | undefined {
    const before = this.leave(position.channel);
    this.#positions.set(hex(position.channel), position);
    return before;
  }

  /** The request number of the place that is given up. */
  leave(channel: ChannelId): number | undefined {
    const before = this.#positions.get(hex(channel));
    this.#positions.delete(hex(channel));
    return before?.request;
  }

  get positions(): Iterable<Position> {
    return this.#positions.values();
  }

  /** Claims of the channels led, signed for the session with this nonce. */
  claims(cipher: Cipher, node: Uint8Array, nonce: Uint8Array): Extract<Question, { kind: 'publish' }>[] {
    return [...this.#led.values()].map(({ channel, epoch, name, request }) => {
      const signature = cipher.sign(channel, publishText(node, nonce, channel.publicKey, epoch, name));
      return { kind: 'publish', request, channel: channel.publicKey, epoch, name, signature };
    });
  }
}
