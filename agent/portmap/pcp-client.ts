import { sameBytes } from '../base/bytes.ts';
import type { SocketId } from '../base/net.ts';
import { type Instant, seconds } from '../base/time.ts';
import type { Client, ClientEffect, ClientInput, Door, Refusal, Wish } from './client.ts';
import { boundTo, isSix } from './door.ts';
import { Epoch } from './epoch.ts';
import { decodePcp, encodeAnnounce, encodeMap, PCP_PORT, type PcpAnswer } from './pcp.ts';
import { BRIEF, type Listener, PATIENT, Talk } from './talk.ts';
import { Tally } from './tally.ts';

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'looking' }
  | { readonly name: 'asking'; readonly wish: Wish; readonly preferFailure: boolean }
  | { readonly name: 'releasing' }
  /** It would not delete; a mapping that ends at once does as well. */
  | { readonly name: 'ending' };

export interface PcpOptions {
  readonly door: Door;
  readonly socket: SocketId;
  /** 12 bytes, the same for this port for ever: a gateway obeys only the nonce that made the mapping. */
  readonly nonce: Uint8Array;
  /** Ask for this host of ours instead; hardly any gateway allows it. */
  readonly thirdParty?: string;
}

/**
 * PCP with one gateway about one port, over IPv4 or IPv6 as the addresses are. Through a gateway of IPv6 the external port is always
 * the internal one, whatever was wished: there is no translation, and miniupnpd echoes the wish.
 */
export class PcpClient implements Client {
  readonly #options: PcpOptions;
  readonly #talk: Talk;
  readonly #epoch = new Epoch();
  readonly #tally = new Tally();
  readonly #listener: Listener<ClientEffect> = {
    answered: (bytes, now) => this.#heard(bytes, now),
    gaveUp: (reason) => this.#end(reason),
  };
  #state: State = { name: 'idle' };

  constructor(options: PcpOptions) {
    this.#options = options;
    this.#talk = new Talk(options.socket, boundTo(options.door), { ip: options.door.gateway, port: PCP_PORT });
  }

  get refused(): ReadonlyMap<string, number> {
    return this.#tally.counts;
  }

  step(input: ClientInput, now: Instant): readonly ClientEffect[] {
    switch (input.kind) {
      case 'look':
        this.#state = { name: 'looking' };
        return this.#talk.ask([encodeAnnounce(this.#options.door.own)], PATIENT, now);
      case 'ask':
        return this.#ask(input.wish, input.wish.exact ?? false, now);
      case 'release':
        return this.#release(now);
      case 'announced':
        return this.#announced(input.bytes, now);
      case 'opened':
      case 'failed':
      case 'datagram':
      case 'tick':
        return this.#talk.step(input, now, this.#listener);
      case 'http-answered':
      case 'http-failed':
        return [];
    }
  }

  wake(): Instant | undefined {
    return this.#talk.wake();
  }

  #ask(wish: Wish, preferFailure: boolean, now: Instant): ClientEffect[] {
    this.#state = { name: 'asking', wish, preferFailure };
    return this.#talk.ask([this.#request(wish, preferFailure)], PATIENT, now);
  }

  #release(now: Instant): ClientEffect[] {
    this.#state = { name: 'releasing' };
    return this.#talk.ask([this.#request({ external: 0, lifetime: 0 }, false)], BRIEF, now);
  }

  /** miniupnpd forgets the nonce of a pinhole that is renewed, and then deletes it for nobody; but it goes on renewing it. */
  #shorten(now: Instant): ClientEffect[] {
    this.#state = { name: 'ending' };
    return this.#talk.ask([this.#request({ external: 0, lifetime: 1 }, false)], BRIEF, now);
  }

  #request({ external, externalIp, lifetime }: Wish, preferFailure: boolean): Uint8Array {
    const { door, nonce, thirdParty } = this.#options;
    const { own, port: internal } = door;
    const wished = lifetime > 0 && this.#six ? internal : external;
    return encodeMap({ own, nonce, internal, external: wished, externalIp, lifetime, preferFailure, thirdParty });
  }

  get #six(): boolean {
    return isSix(this.#options.door);
  }

  #announced(bytes: Uint8Array, now: Instant): ClientEffect[] {
    const announced = decodePcp(bytes);
    if (typeof announced === 'string' || announced.kind !== 'announce') return [];
    // A daemon that counts the system's uptime restarts without its epoch showing it, so the announcement itself counts.
    this.#epoch.hear(announced.epoch, now);
    return [{ kind: 'rebooted' }];
  }

  #heard(bytes: Uint8Array, now: Instant): ClientEffect[] {
    const answer = decodePcp(bytes);
    if (typeof answer === 'string') {
      this.#tally.count(answer);
      return [];
    }
    switch (answer.kind) {
      case 'version':
        return this.#end('unsupported-version');
      case 'announce':
        if (this.#epoch.hear(answer.epoch, now)) return [{ kind: 'rebooted' }, ...this.#looked()];
        return this.#looked();
      case 'map':
        return this.#mapped(answer, now);
    }
  }

  #looked(): ClientEffect[] {
    if (this.#state.name !== 'looking') return [];
    this.#rest();
    return [{ kind: 'present', wan: undefined }];
  }

  #mapped(answer: Extract<PcpAnswer, { kind: 'map' }>, now: Instant): ClientEffect[] {
    const { mapping, result, lifetime } = answer;
    if (!sameBytes(mapping.nonce, this.#options.nonce) || mapping.internal !== this.#options.door.port) {
      this.#tally.count('not-our-question');
      return [];
    }
    this.#epoch.hear(answer.epoch, now);
    if (this.#state.name === 'releasing') return result === 'not-authorized' ? this.#shorten(now) : this.#released();
    if (this.#state.name === 'ending') return this.#released();
    if (this.#state.name !== 'asking') return [];
    const { wish, preferFailure } = this.#state;
    const wan = mapping.externalIp;
    switch (result) {
      case 'success':
        break;
      case 'unsupported-option':
        // What was granted is compared in any case; the option only spares us a wrong mapping.
        if (preferFailure) return this.#ask(wish, false, now);
        return this.#end(result, wan);
      case 'unsupported-version':
      case 'not-authorized':
      case 'malformed-request':
      case 'unsupported-opcode':
      case 'malformed-option':
      case 'network-failure':
      case 'no-resources':
      case 'unsupported-protocol':
      case 'user-exceeded-quota':
      case 'cannot-provide-external':
      case 'address-mismatch':
      case 'excessive-remote-peers':
        return this.#end(result, wan);
    }
    const external = this.#six ? mapping.internal : mapping.external;
    if (external === 0 || lifetime === 0) return this.#end('lying', wan);
    if (wish.exact === true && external !== wish.external) {
      return [{ kind: 'refused', reason: 'other-port', wan }, ...this.#release(now)];
    }
    this.#rest();
    return [
      { kind: 'granted', grant: { protocol: 'pcp', external, ip: wan, lifetime: seconds(lifetime), permanent: false } },
    ];
  }

  /** The end of a question without what was hoped for. */
  #end(reason: Refusal, wan?: string): ClientEffect[] {
    const { name } = this.#state;
    if (name === 'releasing' || name === 'ending') return this.#released();
    this.#rest();
    return name === 'idle' ? [] : [{ kind: 'refused', reason, wan }];
  }

  #released(): ClientEffect[] {
    this.#rest();
    return [...this.#talk.close(), { kind: 'released' }];
  }

  #rest(): void {
    this.#talk.rest();
    this.#state = { name: 'idle' };
  }
}
