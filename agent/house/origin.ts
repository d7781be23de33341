import { hex } from '../base/bytes.ts';
import type { Machine } from '../base/machine.ts';
import type { NetEffect, NetInput } from '../base/net.ts';
import { after, earliest, type Instant, isDue, ms } from '../base/time.ts';
import { Ring } from '../blocks/ring.ts';
import { type BlockWritten, Writer, type WriterInput } from '../blocks/writer.ts';
import { Entry } from '../media/entry.ts';
import { StreamReader } from '../media/reader.ts';
import type { KeyPair } from '../seal/cipher.ts';
import { decodePeer } from '../wire/peer.ts';
import { Acquainting } from './acquainting.ts';
import type { Standing } from './children.ts';
import { Endpoint, type EndpointEffect, type EndpointInput, type EndpointOptions } from './endpoint.ts';
import type { HouseholdEvent } from './household.ts';
import { Kin } from './kin.ts';
import type { KinEffect, KinInput } from './kinship.ts';
import type { Peer } from './peer.ts';
import { linesOf, type PeerView, viewOf } from './peer-view.ts';
import { Stores } from './stores.ts';

export interface OriginOptions extends EndpointOptions {
  readonly channel: KeyPair;
  /** Higher than at every start before. */
  readonly epoch: number;
  /** Of a private channel. */
  readonly token?: Uint8Array | undefined;
  readonly name: string;
  readonly now: Instant;
}

export type OriginInput =
  | NetInput
  | { readonly kind: 'start' }
  /** From now on so many households are fed in each channel. */
  | { readonly kind: 'capacity'; readonly children: number }
  | Extract<EndpointInput, { kind: 'table' | 'uplinks' | 'http-answered' | 'http-failed' }>
  | { readonly kind: 'leave' }
  /** From the source. */
  | { readonly kind: 'source'; readonly input: Exclude<WriterInput, { kind: 'tick' }> };

export type OriginEffect =
  | NetEffect
  | Extract<EndpointEffect, { kind: 'unbound' | 'read-table' | 'http' | 'keep' | 'left' }>
  /** The rendezvous knows the channel: households can join. */
  | { readonly kind: 'published' }
  | HouseholdEvent
  | { readonly kind: 'written'; readonly block: BlockWritten };

/** The broadcaster's program: takes the stream, signs it, feeds the first households. */
export class Origin implements Machine<OriginInput, OriginEffect> {
  readonly endpoint: Endpoint;
  readonly kin: Kin;
  readonly writer: Writer;
  readonly #options: OriginOptions;
  readonly #ring = new Ring({ entry: new Entry() });
  readonly #acquainting: Acquainting;
  readonly #nodes = new Map<number, Uint8Array>();
  #published = false;
  #statusAt: Instant | undefined;
  #isLeaving = false;

  constructor(options: OriginOptions) {
    this.#options = options;
    this.endpoint = new Endpoint(options);
    const { cipher, random, channel, epoch, token, now, children } = options;
    const { node } = this.endpoint;
    this.writer = new Writer({ cipher, pair: channel, epoch, token, reader: new StreamReader(), now });
    const larder = new Stores({ ring: this.#ring, lock: this.writer.lock, standing: () => this.#standing() });
    const peer = (pairId: number): Peer | undefined => this.endpoint.peer(pairId);
    this.#acquainting = new Acquainting({ cipher, random, node, peer });
    const place = { channel: channel.publicKey, node, slots: children, isOrigin: true };
    this.kin = new Kin({ random, larder, ...place, ...linesOf(peer) });
  }

  step(input: OriginInput, now: Instant): readonly OriginEffect[] {
    const out: OriginEffect[] = [];
    switch (input.kind) {
      case 'source':
        for (const block of this.writer.step(input.input, now)) this.#publishBlock(block, now, out);
        break;
      case 'leave':
        if (!this.#isLeaving) this.#drive(input, now, out);
        this.#isLeaving = true;
        break;
      case 'tick':
        this.#tick(now, out);
        break;
      case 'capacity':
        this.#drive({ kind: 'capacity', slots: input.children }, now, out);
        this.#reach({ kind: 'capacity', streams: input.children, most: input.children, shares: [] }, now, out);
        break;
      case 'start':
        this.#drive(input, now, out);
        this.#reach(input, now, out);
        break;
      case 'datagram':
      case 'opened':
      case 'failed':
      case 'table':
      case 'uplinks':
      case 'http-answered':
      case 'http-failed':
        this.#reach(input, now, out);
        break;
    }
    return out;
  }

  wake(): Instant | undefined {
    const timers = earliest(this.kin.wake(), this.#statusAt);
    return earliest(timers, earliest(this.endpoint.wake(), this.writer.wake()));
  }

  neighbours(now: Instant): PeerView[] {
    return this.kin.children.facts.map(({ pairId, sentBytes }) => {
      const node = this.#nodes.get(pairId) ?? new Uint8Array(32);
      return viewOf(this.endpoint.peer(pairId), node, sentBytes, now);
    });
  }

  #tick(now: Instant, out: OriginEffect[]): void {
    this.#reach({ kind: 'tick' }, now, out);
    for (const block of this.writer.step({ kind: 'tick' }, now)) this.#publishBlock(block, now, out);
    if (isDue(this.kin.wake(), now)) this.#drive({ kind: 'tick' }, now, out);
    if (this.#statusAt === undefined || this.#statusAt > now) return;
    this.#statusAt = undefined;
    const { tag, depth, lag, newest } = this.#standing();
    this.#carryOut(this.kin.children.tellAll({ kind: 'status', tag, lag, depth, newest }), now, out);
    this.#armStatus(now);
  }

  #armStatus(now: Instant): void {
    if (this.kin.children.facts.length > 0) this.#statusAt ??= after(now, ms(670 + this.#options.random(660)));
  }

  #publishBlock(block: BlockWritten, now: Instant, out: OriginEffect[]): void {
    const { kind: _, chunks, ...stored } = block;
    this.#ring.push(stored, now);
    const orders: KinEffect[] = [];
    for (const bytes of [block.manifest, ...chunks]) this.kin.forward(bytes, now, orders);
    this.#carryOut(orders, now, out);
    out.push({ kind: 'written', block });
  }

  #reach(input: EndpointInput, now: Instant, out: OriginEffect[]): void {
    for (const effect of this.endpoint.step(input, now)) this.#act(effect, now, out);
  }

  #drive(input: KinInput, now: Instant, out: OriginEffect[]): void {
    const orders: KinEffect[] = [];
    this.kin.step(input, now, orders);
    this.#carryOut(orders, now, out);
  }

  #carryOut(orders: readonly KinEffect[], now: Instant, out: OriginEffect[]): void {
    for (const order of orders) {
      switch (order.kind) {
        case 'tell':
          this.#reach(order, now, out);
          break;
        case 'drop':
          this.#reach({ kind: 'drop', pairId: order.pairId }, now, out);
          break;
        case 'acquaint': {
          const { channel, epoch, name } = this.#options;
          const facts = { id: channel.publicKey, epoch, name };
          for (const told of this.#acquainting.give(order, facts, now)) this.#reach(told, now, out);
          break;
        }
        case 'stand':
          this.#armStatus(now);
          this.#stand(now, out);
          break;
        case 'left':
          this.#reach({ kind: 'leave' }, now, out);
          break;
        case 'event':
          out.push(order);
          break;
        // The origin looks for no parent and for no spares.
        case 'join':
        case 'complain':
          break;
      }
    }
  }

  #act(effect: EndpointEffect, now: Instant, out: OriginEffect[]): void {
    switch (effect.kind) {
      case 'send':
      case 'open':
      case 'close':
      case 'unbound':
      case 'read-table':
      case 'http':
      case 'keep':
      case 'left':
        out.push(effect);
        return;
      case 'ready': {
        if (this.#published) return;
        const { channel, epoch, name } = this.#options;
        this.#reach({ kind: 'publish', channel, epoch, name }, now, out);
        return;
      }
      case 'published':
        if (!this.#published) out.push({ kind: 'published' });
        this.#published = true;
        return;
      case 'publish-refused':
        event(out, 'publish-refused', { reason: effect.reason });
        return;
      case 'introduced':
        this.#nodes.set(effect.pairId, effect.node);
        event(out, 'introduced', { pair: effect.pairId, peer: hex(effect.node), purpose: effect.purpose });
        // Nobody sends the origin to try out others.
        if (effect.purpose !== 'ping' && effect.purpose !== 'audit')
          this.#drive({ ...effect, purpose: effect.purpose }, now, out);
        return;
      case 'peer':
        this.#hear(effect, now, out);
        return;
      case 'state':
        event(out, 'rendezvous', { state: effect.state });
        return;
      case 'event':
        out.push(effect);
        return;
      case 'refused':
      case 'moved':
      case 'channel-info':
        return;
    }
  }

  #hear({ pairId, node, what }: Extract<EndpointEffect, { kind: 'peer' }>, now: Instant, out: OriginEffect[]): void {
    switch (what.kind) {
      case 'message':
        this.#takeMessage(pairId, what.bytes, now, out);
        return;
      case 'closed':
        this.#nodes.delete(pairId);
        event(out, 'peer-closed', { pair: pairId, peer: hex(node), reason: what.reason });
        this.#drive({ kind: 'lost', pairId }, now, out);
        return;
      case 'open':
        event(out, 'peer-open', {
          pair: pairId,
          peer: hex(node),
          method: what.method,
          after_ms: Math.round(what.after),
        });
        this.#drive({ kind: 'open', pairId }, now, out);
        return;
      case 'direct':
      case 'relayed':
        event(out, `peer-${what.kind}`, {
          pair: pairId,
          peer: hex(node),
          method: what.method,
          after_ms: Math.round(what.after),
        });
        return;
      case 'no-direct':
        event(out, 'no-direct', { pair: pairId, peer: hex(node), reason: what.reason });
        return;
      case 'slow':
        event(out, 'slow-peer', { pair: pairId, rate: Math.round(what.rate), wanted: Math.round(what.wanted) });
        return;
      case 'expired':
        return;
    }
  }

  #takeMessage(pairId: number, bytes: Uint8Array, now: Instant, out: OriginEffect[]): void {
    const message = decodePeer(bytes);
    if (typeof message === 'string') return;
    if (message.kind === 'introduction') {
      const { introduction } = message;
      const isGood = this.#acquainting.mayFollow(introduction, false, this.#options.channel.publicKey, now);
      if (isGood) this.#reach(introduction, now, out);
      return;
    }
    this.#drive({ kind: 'control', pairId, message }, now, out);
  }

  /** Tells the rendezvous whom the origin feeds, so that a slot that became free is known at once. */
  #stand(now: Instant, out: OriginEffect[]): void {
    const children = this.kin.children.facts.flatMap(({ pairId }) => this.#nodes.get(pairId) ?? []);
    this.#reach({ kind: 'position', channel: this.#options.channel.publicKey, parent: undefined, children }, now, out);
  }

  #standing(): Standing {
    const { channel, epoch, name } = this.#options;
    const newest = this.writer.next - 1;
    return { channel: channel.publicKey, epoch, tag: this.writer.tag, name, depth: 0, lag: ms(0), newest };
  }
}

function event(out: OriginEffect[], name: string, fields: HouseholdEvent['fields']): void {
  out.push({ kind: 'event', name, fields });
}
