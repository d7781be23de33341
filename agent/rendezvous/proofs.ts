import { type Address, ipBytes } from '../base/address.ts';
import { bytesOf, sameBytes, Writer } from '../base/bytes.ts';
import { type Instant, type Millis, seconds } from '../base/time.ts';
import type { ChannelId, NodeId } from '../wire/messages.ts';
import type { Cipher } from '../seal/cipher.ts';

/** What an origin signs with its channel key: this household, in this session, now leads this channel. */
export function publishText(
  node: NodeId,
  nonce: Uint8Array,
  channel: ChannelId,
  epoch: number,
  name: string,
): Uint8Array {
  const label = bytesOf('hearth publish');
  return new Writer(192).bytes(label).bytes(node).bytes(nonce).bytes(channel).u32(epoch).text8(name).done();
}

/** A token is good for one to two of these: a client that is told its address uses it within seconds. */
const TOKEN_LIFE: Millis = seconds(120);

/** By what a token came. A knock proves more: whoever is answered may be let in for having asked. */
type Brought = 'answer' | 'knock';

const LABELS: Readonly<Record<Brought, number>> = { answer: 1, knock: 3 };

/**
 * Proofs that cost the rendezvous no memory: each is a MAC under a key of this run over the facts it stands for.
 */
export class Proofs {
  readonly #cipher: Cipher;
  readonly #key: Uint8Array;

  constructor(cipher: Cipher) {
    this.#cipher = cipher;
    this.#key = cipher.random(32);
  }

  /**
   * 8 bytes that only a datagram to `address` in session `index` can have brought: an answer to one from there, or a knock by
   * somebody who was not expected.
   */
  addressToken(kind: Brought, index: number, address: Address, now: Instant): Uint8Array {
    return this.#addressToken(kind, index, address, Math.floor(now / TOKEN_LIFE));
  }

  wasAt(kind: Brought, index: number, address: Address, token: Uint8Array, now: Instant): boolean {
    const epoch = Math.floor(now / TOKEN_LIFE);
    return [epoch, epoch - 1].some((one) => sameBytes(token, this.#addressToken(kind, index, address, one)));
  }

  /** 16 bytes bound to one session, for `publish` to sign. */
  nonce(index: number, node: NodeId): Uint8Array {
    return this.#mac(new Writer(64).u8(2).u32(index).bytes(node)).subarray(0, 16);
  }

  #addressToken(kind: Brought, index: number, { ip, port }: Address, epoch: number): Uint8Array {
    const text = new Writer(32).u8(LABELS[kind]).u32(index).u48(epoch).u16(port);
    return this.#mac(text.bytes(ipBytes(ip) ?? new Uint8Array(0))).subarray(0, 8);
  }

  #mac(text: Writer): Uint8Array {
    return this.#cipher.mac(this.#key, text.done());
  }
}
