import { hex, sameBytes } from '../base/bytes.ts';
import type { Machine } from '../base/machine.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { NetEffect, NetInput } from '../base/net.ts';
import type { Method } from '../base/outcome.ts';
import { earliest, type Instant, isDue, type Millis, ms, seconds } from '../base/time.ts';
import type { ChannelTaken } from '../config/schema.ts';
import type { Want } from '../wire/messages.ts';
import { decodePeer, STREAM_MESSAGES } from '../wire/peer.ts';
import { Acquainting } from './acquainting.ts';
import { Auditing, type AuditingEffect } from './auditing.ts';
import { assumed } from './capacity/capacity.ts';
import type { Allowed, Around, CapacityView } from './capacity/orders.ts';
import type { UploadKnown } from './capacity/upload.ts';
import { Endpoint, type EndpointEffect, type EndpointInput, type EndpointOptions, type PeerNews } from './endpoint.ts';
import { Headroom, type HeadroomEffect } from './headroom.ts';
import type { Peer } from './peer.ts';
import { linesOf, type PeerView, viewOf } from './peer-view.ts';
import type { Relative } from './relatives.ts';
import { Watch, type WatchEffect, type WatchInput } from './watch.ts';

export interface HouseholdOptions extends EndpointOptions {
  readonly channels: readonly ChannelTaken[];
  readonly ringSpan: Millis;
  readonly ringBytes: number;
  /** How long a missing block holds up viewers. */
  readonly hold: Millis;
  /** What the line out carries, kbit/s; 0 or nothing where it is to be found out. */
  readonly uploadKbits?: number | undefined;
  /** Of the line out, 0 to 1: what may be used. */
  readonly uploadShare?: number | undefined;
  /** What the line out was before the last stop. */
  readonly knownUpload?: UploadKnown | undefined;
}

export type HouseholdInput =
  | NetInput
  | { readonly kind: 'start' }
  /** What the owner allows, from now on. */
  | ({ readonly kind: 'allowed' } & Allowed)
  /** The machine around us has been looked at: about once a second. */
  | ({ readonly kind: 'around' } & Around)
  | Extract<EndpointInput, { kind: 'table' | 'carries' | 'uplinks' | 'http-answered' | 'http-failed' }>
  /** An orderly stop: children and parents are told. */
  | { readonly kind: 'leave' };

export type HouseholdEffect =
  | NetEffect
  | { readonly kind: 'ready'; readonly profile: NatProfile }
  | Extract<EndpointEffect, { kind: 'unbound' | 'read-table' | 'http' | 'keep' | 'left' }>
  /** Something for the log and for whoever watches. */
  | HouseholdEvent
  /** To be remembered of the line out. */
  | { readonly kind: 'learned'; readonly known: UploadKnown }
  /** Viewers of this channel have something to read in its ring. */
  | { readonly kind: 'news'; readonly channel: Uint8Array };

export interface HouseholdEvent {
  readonly kind: 'event';
  readonly name: string;
  readonly fields: Readonly<Record<string, string | number>>;
}

/** Where the rendezvous does not say when to ask again. */
const JOIN_AGAIN = seconds(1);

/** How a peer is used here. */
interface Acquaintance {
  readonly node: Uint8Array;
  readonly purpose: 'ping' | 'audit' | Relative['purpose'];
  readonly watch: Watch | undefined;
  method: Method | undefined;
}

/** A whole household: its place in the network, and for each channel a parent, a ring and children. */
export class Household implements Machine<HouseholdInput, HouseholdEffect> {
  readonly endpoint: Endpoint;
  readonly watches: readonly Watch[];
  readonly #known = new Map<number, Acquaintance>();
  readonly #acquainting: Acquainting;
  readonly #headroom: Headroom;
  readonly #auditing: Auditing;
  /** Requests for a parent or for spares under way, by number. */
  readonly #requests = new Map<number, { readonly watch: Watch; readonly want: Want }>();
  #lastRequest = 0;
  #joined = false;
  /** Channels whose children have yet to find others before we go; undefined while we stay. */
  #leaving: Set<Watch> | undefined;

  constructor(options: HouseholdOptions) {
    const { cipher, random, ringSpan, ringBytes, hold } = options;
    const children = assumed(options.children, options.channels.length);
    this.endpoint = new Endpoint({ ...options, children });
    const { node } = this.endpoint;
    const peer = (pairId: number): Peer | undefined => this.endpoint.peer(pairId);
    this.#acquainting = new Acquainting({ cipher, random, node, peer });
    this.watches = options.channels.map(
      ({ id: channel, token }) =>
        new Watch({ cipher, random, channel, token, node, children, ringSpan, ringBytes, hold, ...linesOf(peer) }),
    );
    this.#auditing = new Auditing(cipher);
    this.#headroom = new Headroom({
      children: options.children,
      uploadKbits: options.uploadKbits ?? 0,
      share: options.uploadShare ?? 1,
      known: options.knownUpload,
      watches: this.watches,
      peers: () => this.endpoint.peers,
    });
  }

  step(input: HouseholdInput, now: Instant): readonly HouseholdEffect[] {
    const out: HouseholdEffect[] = [];
    switch (input.kind) {
      case 'leave':
        this.#leave(now, out);
        return out;
      case 'allowed':
        this.#give(this.#headroom.allow(input, now), now, out);
        return out;
      case 'around':
        this.#headroom.around(input, now);
        return out;
      case 'start':
      case 'datagram':
      case 'opened':
      case 'failed':
      case 'table':
      case 'carries':
      case 'uplinks':
      case 'http-answered':
      case 'http-failed':
      case 'tick':
        break;
    }
    this.#reach(input, now, out);
    if (input.kind === 'tick') {
      for (const watch of this.watches) {
        if (isDue(watch.wake(), now)) this.#drive(watch, { kind: 'tick' }, now, out);
      }
      if (isDue(this.#auditing.wake(), now)) this.#giveAll(this.#auditing.tick(now), now, out);
      if (isDue(this.#headroom.wake(), now)) this.#give(this.#headroom.look(now), now, out);
    }
    return out;
  }

  wake(): Instant | undefined {
    const wake = earliest(this.#auditing.wake(), this.watches.length === 0 ? undefined : this.#headroom.wake());
    return this.watches.reduce((first, watch) => earliest(first, watch.wake()), earliest(wake, this.endpoint.wake()));
  }

  /** What can be sent, and how that is known. */
  get capacity(): CapacityView {
    return this.#headroom.view;
  }

  /** The parent, the spares and the children of a channel, as the status shows them. */
  neighbours(
    watch: Watch,
    now: Instant,
  ): { readonly parent: PeerView | undefined; readonly spares: PeerView[]; readonly children: PeerView[] } {
    const { parent } = watch;
    return {
      parent: parent === undefined ? undefined : this.#view(parent.pairId, 0, now),
      spares: watch.kin.spares.map(({ pairId }) => this.#view(pairId, 0, now)),
      children: watch.kin.children.facts.map(({ pairId, sentBytes }) => this.#view(pairId, sentBytes, now)),
    };
  }

  #view(pairId: number, sentBytes: number, now: Instant): PeerView {
    const node = this.#known.get(pairId)?.node ?? new Uint8Array(32);
    return viewOf(this.endpoint.peer(pairId), node, sentBytes, now);
  }

  /** Children are told and given a moment; then everything else ends. */
  #leave(now: Instant, out: HouseholdEffect[]): void {
    if (this.#leaving !== undefined) return;
    this.#leaving = new Set(this.watches);
    for (const watch of this.watches) this.#drive(watch, { kind: 'leave' }, now, out);
    if (this.watches.length === 0) this.#reach({ kind: 'leave' }, now, out);
  }

  #left(watch: Watch, now: Instant, out: HouseholdEffect[]): void {
    if (this.#leaving?.delete(watch) === true && this.#leaving.size === 0) this.#reach({ kind: 'leave' }, now, out);
  }

  #reach(input: EndpointInput, now: Instant, out: HouseholdEffect[]): void {
    for (const effect of this.endpoint.step(input, now)) this.#actOnEndpoint(effect, now, out);
  }

  #actOnEndpoint(effect: EndpointEffect, now: Instant, out: HouseholdEffect[]): void {
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
      case 'ready':
        out.push(effect);
        if (this.#joined) return;
        this.#joined = true;
        for (const watch of this.watches) this.#drive(watch, { kind: 'start' }, now, out);
        return;
      case 'introduced':
        this.#meet(effect, now, out);
        return;
      case 'refused': {
        const asked = this.#requests.get(effect.request);
        this.#requests.delete(effect.request);
        if (asked === undefined) return;
        const { watch, want } = asked;
        if (want === 'parent') event(out, 'no-parent', { reason: effect.reason });
        this.#drive(
          watch,
          { kind: 'refused', want, retryIn: effect.retryIn === 0 ? JOIN_AGAIN : effect.retryIn },
          now,
          out,
        );
        return;
      }
      case 'peer':
        this.#hear(effect.pairId, effect.what, now, out);
        return;
      case 'state':
        event(out, 'rendezvous', { state: effect.state });
        if (effect.state !== 'registered' && effect.state !== 'unreachable') return;
        for (const watch of this.watches) {
          this.#drive(watch, { kind: 'rendezvous', isThere: effect.state === 'registered' }, now, out);
        }
        return;
      case 'moved':
        event(out, 'moved', {});
        return;
      case 'channel-info':
      case 'published':
      case 'publish-refused':
        return;
      case 'event':
        out.push(effect);
        return;
    }
  }

  #meet(effect: Extract<EndpointEffect, { kind: 'introduced' }>, now: Instant, out: HouseholdEffect[]): void {
    const { request, pairId, node, purpose, channel, instead } = effect;
    const wanted = this.#requests.get(request)?.watch;
    this.#requests.delete(request);
    const named = channel === undefined ? undefined : this.#watchOf(channel.id);
    const watch = wanted ?? named;
    this.#known.set(pairId, { node, purpose, watch, method: undefined });
    event(out, 'introduced', { pair: pairId, peer: hex(node), purpose });
    if (purpose === 'ping') return;
    // Households that bring us together say what they like; only an answer of the rendezvous has a signature behind it.
    const { name, epoch } = (wanted === undefined ? undefined : channel) ?? { name: '', epoch: undefined };
    if (watch === undefined) this.#reach({ kind: 'drop', pairId }, now, out);
    else if (purpose === 'audit') this.#giveAll(this.#auditing.meet(pairId, watch), now, out);
    else this.#drive(watch, { kind: 'introduced', pairId, node, purpose, instead, name, epoch }, now, out);
  }

  #watchOf(channel: Uint8Array): Watch | undefined {
    return this.watches.find((watch) => sameBytes(watch.channel, channel));
  }

  #hear(pairId: number, news: PeerNews, now: Instant, out: HouseholdEffect[]): void {
    const known = this.#known.get(pairId);
    if (known === undefined) return;
    if (known.purpose === 'audit') this.#hearAudited(pairId, news, now, out);
    else this.#hearRelative(pairId, known, news, now, out);
  }

  /** One that we try out: nothing that it says is for anybody else here. */
  #hearAudited(pairId: number, news: PeerNews, now: Instant, out: HouseholdEffect[]): void {
    if (news.kind === 'message') this.#giveAll(this.#auditing.message(pairId, news.bytes, now), now, out);
    else if (news.kind === 'open') this.#giveAll(this.#auditing.open(pairId, now), now, out);
    else if (news.kind === 'closed') {
      this.#known.delete(pairId);
      this.#giveAll(this.#auditing.closed(pairId), now, out);
    }
  }

  #hearRelative(pairId: number, known: Acquaintance, news: PeerNews, now: Instant, out: HouseholdEffect[]): void {
    const { watch, purpose } = known;
    const who = { pair: pairId, purpose, peer: hex(known.node) };
    switch (news.kind) {
      case 'message':
        this.#takeMessage(pairId, known, news.bytes, now, out);
        return;
      case 'open': {
        known.method = news.method;
        event(out, 'peer-open', { ...who, method: news.method, after_ms: Math.round(news.after) });
        this.#give(this.#headroom.paces(), now, out);
        if (watch !== undefined) this.#drive(watch, { kind: 'open', pairId }, now, out);
        return;
      }
      case 'direct':
        known.method = news.method;
        event(out, 'peer-direct', { ...who, method: news.method, after_ms: Math.round(news.after) });
        return;
      case 'relayed':
        known.method = news.method;
        event(out, 'peer-relayed', { ...who, method: news.method });
        if (watch?.parent?.pairId === pairId) this.#stand(watch, now, out);
        return;
      case 'no-direct':
        event(out, 'no-direct', { ...who, reason: news.reason });
        return;
      case 'slow':
        event(out, 'slow-peer', { pair: pairId, rate: Math.round(news.rate), wanted: Math.round(news.wanted) });
        return;
      case 'expired':
        return;
      case 'closed':
        this.#known.delete(pairId);
        event(out, 'peer-closed', { ...who, reason: news.reason });
        if (watch !== undefined) this.#drive(watch, { kind: 'lost', pairId }, now, out);
        return;
    }
  }

  #takeMessage(pairId: number, known: Acquaintance, bytes: Uint8Array, now: Instant, out: HouseholdEffect[]): void {
    const { watch } = known;
    if (watch === undefined) return;
    if ((bytes[0] ?? 0) >= STREAM_MESSAGES) {
      this.#drive(watch, { kind: 'message', pairId, bytes }, now, out);
      return;
    }
    const message = decodePeer(bytes);
    if (typeof message === 'string') return;
    if (message.kind === 'introduction') {
      const { introduction } = message;
      const isParent = watch.parent?.pairId === pairId;
      if (this.#acquainting.mayFollow(introduction, isParent, watch.channel, now)) this.#reach(introduction, now, out);
      return;
    }
    if (message.kind === 'status' || message.kind === 'subscribed') {
      const rtt = this.endpoint.peer(pairId)?.stats(now)?.rttMs ?? 0;
      this.#drive(watch, { kind: 'distance', pairId, oneWay: ms(rtt / 2) }, now, out);
    }
    this.#drive(watch, { kind: 'control', pairId, message }, now, out);
  }

  #drive(watch: Watch, input: WatchInput, now: Instant, out: HouseholdEffect[]): void {
    this.#actOnWatch(watch, watch.step(input, now), now, out);
  }

  #actOnWatch(watch: Watch, effects: readonly WatchEffect[], now: Instant, out: HouseholdEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'tell':
          this.#reach(effect, now, out);
          break;
        case 'drop':
          this.#reach({ kind: 'drop', pairId: effect.pairId }, now, out);
          break;
        case 'join': {
          const { want, avoid } = effect;
          const request = ++this.#lastRequest;
          this.#requests.set(request, { watch, want });
          this.#reach({ kind: 'join', request, channel: watch.channel, want, avoid }, now, out);
          break;
        }
        case 'complain':
          this.#reach({ kind: 'complain', channel: watch.channel, node: effect.node, fault: effect.fault }, now, out);
          break;
        case 'forked':
          this.#reach({ ...effect, channel: watch.channel }, now, out);
          break;
        case 'acquaint':
          this.#acquaint(watch, effect, now, out);
          break;
        case 'stand':
          this.#stand(watch, now, out);
          this.#give(this.#headroom.paces(), now, out);
          break;
        case 'left':
          this.#left(watch, now, out);
          break;
        case 'news':
          out.push({ kind: 'news', channel: watch.channel });
          break;
        case 'event':
          out.push(effect);
          break;
      }
    }
  }

  #giveAll(effects: readonly AuditingEffect[], now: Instant, out: HouseholdEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'event') out.push(effect);
      else this.#reach(effect, now, out);
    }
  }

  #give(effects: readonly HeadroomEffect[], now: Instant, out: HouseholdEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'feed':
          this.#drive(effect.watch, { kind: 'capacity', slots: effect.slots, most: effect.most }, now, out);
          break;
        case 'capacity':
        case 'limit':
        case 'tell':
          this.#reach(effect, now, out);
          break;
        case 'learned':
        case 'event':
          out.push(effect);
          break;
      }
    }
  }

  #acquaint(
    watch: Watch,
    order: Extract<WatchEffect, { kind: 'acquaint' }>,
    now: Instant,
    out: HouseholdEffect[],
  ): void {
    const { epoch } = watch.feed;
    if (epoch === undefined) return;
    const channel = { id: watch.channel, epoch, name: watch.name };
    for (const told of this.#acquainting.give(order, channel, now)) this.#reach(told, now, out);
  }

  /** Tells the rendezvous who feeds whom here: all it needs to rebuild its table. */
  #stand(watch: Watch, now: Instant, out: HouseholdEffect[]): void {
    const { parent } = watch;
    const method = parent === undefined ? undefined : this.#known.get(parent.pairId)?.method;
    const children = watch.kin.children.facts.flatMap(({ pairId }) => this.#known.get(pairId)?.node ?? []);
    const fed = parent === undefined || method === undefined ? undefined : { node: parent.node, method };
    this.#reach({ kind: 'position', channel: watch.channel, parent: fed, children }, now, out);
  }
}

function event(out: HouseholdEffect[], name: string, fields: HouseholdEvent['fields']): void {
  out.push({ kind: 'event', name, fields });
}
