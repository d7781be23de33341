import type { SocketId } from '../base/net.ts';
import { type Instant, seconds } from '../base/time.ts';
import type { Client, ClientEffect, ClientInput, Door, Refusal, Wish } from './client.ts';
import { boundTo } from './door.ts';
import { Epoch } from './epoch.ts';
import { decodeNatPmp, encodeAddressQuestion, encodeMapping, type NatPmpAnswer } from './natpmp.ts';
import { PCP_PORT } from './pcp.ts';
import { BRIEF, type Listener, PATIENT, Talk } from './talk.ts';
import { Tally } from './tally.ts';

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'looking' }
  /** Both are asked together: the address costs no further round trip. */
  | { readonly name: 'asking'; readonly wish: Wish; readonly mapped: Mapped | undefined; readonly addressed: boolean }
  | { readonly name: 'releasing' };

type Mapped = Extract<NatPmpAnswer, { kind: 'mapping' }>;

/** NAT-PMP with one gateway about one port. */
export class NatPmpClient implements Client {
  readonly #door: Door;
  readonly #talk: Talk;
  readonly #epoch = new Epoch();
  readonly #tally = new Tally();
  readonly #listener: Listener<ClientEffect> = {
    answered: (bytes, now) => this.#heard(bytes, now),
    gaveUp: (reason) => this.#gaveUp(reason),
  };
  #state: State = { name: 'idle' };
  #wan: string | undefined;

  constructor(options: { readonly door: Door; readonly socket: SocketId }) {
    this.#door = options.door;
    this.#talk = new Talk(options.socket, boundTo(options.door), { ip: options.door.gateway, port: PCP_PORT });
  }

  get refused(): ReadonlyMap<string, number> {
    return this.#tally.counts;
  }

  step(input: ClientInput, now: Instant): readonly ClientEffect[] {
    switch (input.kind) {
      case 'look':
        this.#state = { name: 'looking' };
        return this.#talk.ask([encodeAddressQuestion()], PATIENT, now);
      case 'ask':
        this.#state = { name: 'asking', wish: input.wish, mapped: undefined, addressed: false };
        return this.#talk.ask([encodeAddressQuestion(), this.#request(input.wish)], PATIENT, now);
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

  #request({ external, lifetime }: Wish): Uint8Array {
    return encodeMapping(this.#door.port, external, lifetime);
  }

  #release(now: Instant): ClientEffect[] {
    this.#state = { name: 'releasing' };
    return this.#talk.ask([this.#request({ external: 0, lifetime: 0 })], BRIEF, now);
  }

  #announced(bytes: Uint8Array, now: Instant): ClientEffect[] {
    const announced = decodeNatPmp(bytes);
    if (typeof announced === 'string' || announced.kind !== 'address') return [];
    const anew = this.#epoch.hear(announced.epoch, now);
    const moved = this.#wan !== undefined && this.#wan !== announced.ip;
    this.#wan = announced.ip;
    return anew || moved ? [{ kind: 'rebooted' }] : [];
  }

  #heard(bytes: Uint8Array, now: Instant): ClientEffect[] {
    const answer = decodeNatPmp(bytes);
    if (typeof answer === 'string') {
      this.#tally.count(answer);
      return [];
    }
    const anew = this.#epoch.hear(answer.epoch, now) && this.#state.name !== 'asking';
    const effects = this.#answered(answer, now);
    return anew ? [{ kind: 'rebooted' }, ...effects] : effects;
  }

  #answered(answer: NatPmpAnswer, now: Instant): ClientEffect[] {
    switch (answer.kind) {
      case 'error':
        return this.#refused(answer);
      case 'address':
        this.#wan = answer.ip;
        if (this.#state.name === 'looking') {
          this.#rest();
          return [{ kind: 'present', wan: answer.ip }];
        }
        if (this.#state.name !== 'asking') return [];
        this.#state = { ...this.#state, addressed: true };
        return this.#whole(now);
      case 'mapping':
        if (answer.internal !== this.#door.port) {
          this.#tally.count('not-our-question');
          return [];
        }
        if (this.#state.name === 'releasing' && answer.lifetime === 0) return this.#released();
        if (this.#state.name !== 'asking') return [];
        if (answer.external === 0 || answer.lifetime === 0) return this.#end('lying');
        this.#state = { ...this.#state, mapped: answer };
        return this.#whole(now);
    }
  }

  /** An address that is not to be had says more than a mapping that was refused. */
  #refused({ of, result }: Extract<NatPmpAnswer, { kind: 'error' }>): ClientEffect[] {
    if (of === 'mapping' || this.#state.name === 'looking' || result === 'unsupported-version')
      return this.#end(result);
    if (this.#state.name === 'asking') this.#state = { ...this.#state, addressed: true };
    return [];
  }

  #whole(now: Instant): ClientEffect[] {
    if (this.#state.name !== 'asking') return [];
    const { wish, mapped, addressed } = this.#state;
    if (mapped === undefined || !addressed) return [];
    if (wish.exact === true && mapped.external !== wish.external) {
      return [{ kind: 'refused', reason: 'other-port', wan: this.#wan }, ...this.#release(now)];
    }
    return this.#granted(mapped, this.#wan);
  }

  #granted({ external, lifetime }: Mapped, ip: string | undefined): ClientEffect[] {
    this.#rest();
    const grant = { protocol: 'natpmp', external, ip, lifetime: seconds(lifetime), permanent: false } as const;
    return [{ kind: 'granted', grant }];
  }

  /** A mapping without its address is still a mapping. */
  #gaveUp(reason: Refusal): ClientEffect[] {
    if (this.#state.name !== 'asking' || this.#state.mapped === undefined) return this.#end(reason);
    return this.#granted(this.#state.mapped, undefined);
  }

  #end(reason: Refusal): ClientEffect[] {
    const { name } = this.#state;
    if (name === 'releasing') return this.#released();
    this.#rest();
    return name === 'idle' ? [] : [{ kind: 'refused', reason, wan: this.#wan }];
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
