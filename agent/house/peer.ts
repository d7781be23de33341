import type { Address } from '../base/address.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { Method, Reason } from '../base/outcome.ts';
import { after, earliest, type Instant, isDue, ms, seconds, since } from '../base/time.ts';
import { SHOT_BYTES } from '../punch/limits.ts';
import { Punch, type PunchEffect, type PunchInput } from '../punch/punch.ts';
import { type Header, KIND } from '../seal/header.ts';
import { PairHandshake } from '../seal/pair.ts';
import type { Session } from '../seal/session.ts';
import type { Stats } from '../transport/connection.ts';
import { Line, sent } from './line.ts';
import type { PeerEffect, PeerInput, PeerOptions } from './orders.ts';
import { methodBy, type Way } from './path.ts';

/** First messages of the handshake over the relay are repeated so often: a viewer waits for them. */
const RELAY_AGAIN = ms(150);
/** Whoever has not answered by then, on any way, is not there; the pair's secret lives 60 s. */
const PATIENCE = seconds(20);

/**
 * One other household, from the introduction to the end: punching and the handshake run as one (the initiator's knock
 * is its first handshake message), the relay steps in when that takes long, another household instead of it, and a direct
 * path found later takes over in mid-stream. Sessions are known by number, so a path is only where the next datagram goes.
 */
export class Peer {
  readonly node: Uint8Array;
  readonly pairId: number;
  readonly index: number;
  readonly #options: PeerOptions;
  readonly #pair: PairHandshake;
  readonly #punch: Punch;
  readonly #line: Line;
  readonly #deadlines = new Deadlines<'start' | 'relay' | 'patience'>();
  readonly #asked: Instant;
  #started = false;
  #closed = false;
  /** How the path that punching last reached was won, until it is lost. */
  #direct: Method | undefined;
  #noDirect: Reason | undefined;
  /** Datagrams of the handshake that did not open. */
  #refused = 0;

  constructor(options: PeerOptions, now: Instant) {
    this.#options = options;
    this.node = options.node;
    this.pairId = options.pairId;
    this.index = options.index;
    this.#asked = now;
    this.#pair = new PairHandshake({
      cipher: options.cipher,
      random: options.random,
      identity: options.identity,
      theirKey: options.node,
      theirHeaderKey: options.theirHeaderKey,
      secret: options.secret,
      pairId: options.pairId,
      initiator: options.initiator,
      index: options.index,
      suites: options.suites,
      firstByte: options.firstByte,
    });
    const { cipher, random, plan, port, newSocket, account, rules, nat, relayAllowed } = options;
    const punch = new Punch({
      plan,
      doors: { four: options.socket, ...(options.six !== undefined && { six: options.six }) },
      port,
      newSocket,
      account,
      rules,
      nat,
    });
    this.#punch = punch;
    this.#line = new Line({
      cipher,
      random,
      relayAllowed,
      ground: rules.ground,
      asked: now,
      methodFor: (to, socket) => punch.methodFor(to, socket),
    });
    this.#deadlines.set('start', after(now, options.startIn));
  }

  get open(): boolean {
    return this.#line.state === 'open';
  }

  /** How the path in use was won; undefined until data went both ways. */
  get method(): Method | undefined {
    const { way } = this.#line;
    if (!this.open || way === undefined) return undefined;
    return way.kind === 'direct' ? this.#direct : methodBy(way);
  }

  /** It was to come in by an open door of ours, and had to be met instead. */
  get isDoorMissed(): boolean {
    const { door } = this.#options.plan;
    return door !== 'none' && this.#direct !== undefined && this.#direct !== door && this.#direct !== 'lan';
  }

  /** Of its datagrams. */
  get headerKey(): Uint8Array {
    return this.#options.theirHeaderKey;
  }

  /** Its NAT, as it was told. */
  get profile(): NatProfile {
    return this.#options.profile;
  }

  /** Where it is reached directly; undefined while somebody carries. */
  get address(): Address | undefined {
    const { way } = this.#line;
    return this.open && way?.kind === 'direct' ? way.address : undefined;
  }

  /** Datagrams that named this peer and did not open. */
  get refused(): number {
    return this.#refused + this.#line.refused;
  }

  stats(now: Instant): Stats | undefined {
    return this.#line.stats(now);
  }

  step(input: PeerInput, now: Instant): readonly PeerEffect[] {
    if (this.#closed) return [];
    const out: PeerEffect[] = [];
    switch (input.kind) {
      case 'datagram': {
        const { header, bytes } = input;
        const way = this.#line.wayBack(input.way);
        if (header.kind === KIND.data) this.#takeData(header, bytes, way, now, out);
        else this.#takeHandshake(header, bytes, way, now, out);
        break;
      }
      case 'message':
      case 'limit':
        this.#line.step(input, now, out);
        break;
      case 'nudged':
        this.#line.nudged(input.address, now, out);
        break;
      case 'volley':
        this.#drivePunch({ kind: 'volley', volley: input }, now, out);
        break;
      case 'bridged':
        this.#line.bridged(input.up, now, out);
        break;
      case 'judged':
      case 'opened':
      case 'failed':
        this.#drivePunch(input, now, out);
        break;
      case 'close':
        this.#line.step({ kind: 'close', reason: 0 }, now, out);
        this.#close('refused', now, out);
        break;
      case 'tick':
        this.#tick(now, out);
        break;
    }
    const { ended } = this.#line;
    if (ended !== undefined) this.#close(ended, now, out);
    return out;
  }

  wake(): Instant | undefined {
    if (this.#closed) return undefined;
    return earliest(earliest(this.#deadlines.next(), this.#line.wake()), this.#punch.wake());
  }

  #tick(now: Instant, out: PeerEffect[]): void {
    for (const name of this.#deadlines.due(now)) {
      switch (name) {
        case 'start':
          this.#start(now, out);
          break;
        case 'relay':
          if (this.#line.state !== 'none') break;
          if (this.#options.initiator) out.push({ kind: 'relay', bytes: this.#pair.first() });
          this.#deadlines.set('relay', after(now, RELAY_AGAIN));
          break;
        case 'patience':
          if (this.#line.state === 'none') this.#close(this.#noDirect ?? 'timeout', now, out);
          break;
      }
    }
    if (this.#line.look(now, out)) {
      this.#direct = undefined;
      this.#drivePunch({ kind: 'lost' }, now, out);
    }
    if (isDue(this.#punch.wake(), now)) this.#drivePunch({ kind: 'tick' }, now, out);
    this.#line.step({ kind: 'tick' }, now, out);
  }

  #start(now: Instant, out: PeerEffect[]): void {
    if (this.#started) return;
    this.#started = true;
    this.#deadlines.clear('start');
    if (this.#options.relayAllowed) this.#deadlines.set('relay', after(now, this.#options.plan.relayAfter));
    this.#deadlines.set('patience', after(now, PATIENCE));
    this.#drivePunch({ kind: 'start' }, now, out);
  }

  // -- datagrams

  #takeHandshake(header: Header, bytes: Uint8Array, way: Way, now: Instant, out: PeerEffect[]): void {
    const got = this.#pair.receive(header, bytes);
    if (got.kind === 'refused') {
      this.#refused++;
      return;
    }
    // Whoever hears the other side before its own start time need not wait for it.
    this.#start(now, out);
    if (way.kind !== 'direct') this.#drivePunch({ kind: 'begun' }, now, out);
    const isNew = this.#line.state === 'none';
    switch (got.kind) {
      case 'knock':
        this.#heard(way, 'heard', now, out);
        break;
      case 'first':
        out.push(sent(got.reply, way));
        if (isNew) this.#adopt(got.session, way, now);
        this.#heard(way, 'replied', now, out);
        break;
      case 'second':
        if (isNew) {
          this.#adopt(got.session, way, now);
          this.#line.open(way, now, out);
          this.#line.greet(now, out);
        }
        this.#heard(way, 'answered', now, out);
        break;
    }
  }

  #adopt(session: Session, way: Way, now: Instant): void {
    this.#line.adopt(session, way, now);
    this.#deadlines.clear('relay');
  }

  #takeData(header: Header, bytes: Uint8Array, way: Way, now: Instant, out: PeerEffect[]): void {
    const opened = this.#line.receive(header, bytes, way, now, out);
    if (opened === undefined) return;
    if (way.kind === 'direct' && this.#direct === undefined) this.#heard(way, 'answered', now, out);
    this.#line.step({ kind: 'body', counter: header.counter, bytes: opened.body }, now, out);
  }

  // -- punching

  #heard(way: Way, what: 'heard' | 'replied' | 'answered', now: Instant, out: PeerEffect[]): void {
    if (way.kind !== 'direct') return;
    const place = { from: way.address, socket: way.socket };
    if (what === 'replied') this.#drivePunch({ kind: 'heard', replied: true, ...place }, now, out);
    else this.#drivePunch({ kind: what, ...place }, now, out);
  }

  #drivePunch(input: PunchInput, now: Instant, out: PeerEffect[]): void {
    for (const effect of this.#punch.step(input, now)) this.#actOnPunch(effect, now, out);
  }

  #actOnPunch(effect: PunchEffect, now: Instant, out: PeerEffect[]): void {
    switch (effect.kind) {
      case 'knock': {
        const most = effect.terse === undefined ? undefined : SHOT_BYTES;
        const bytes = this.#options.initiator ? this.#pair.first(most) : this.#pair.knock(most);
        const { socket, to, ttl } = effect;
        out.push(ttl === undefined ? { kind: 'send', socket, to, bytes } : { kind: 'send', socket, to, bytes, ttl });
        return;
      }
      case 'reached':
        this.#direct = effect.method;
        out.push({ kind: 'direct', method: effect.method, after: since(this.#asked, now) });
        this.#line.reached({ kind: 'direct', socket: effect.socket, address: effect.to }, now, out);
        return;
      case 'probe-shot': {
        const { shot, ...rest } = effect;
        out.push({ ...rest, volley: { pairId: this.pairId, ...shot } });
        return;
      }
      case 'fired':
        out.push({ ...effect, pairId: this.pairId });
        return;
      case 'open':
      case 'close':
        out.push({ kind: 'socket', order: effect });
        return;
      case 'failed':
      case 'read-table':
        out.push(effect);
        return;
      case 'gave-up':
        this.#noDirect = effect.reason;
        out.push({
          kind: 'no-direct',
          reason: effect.reason,
          again: effect.retryIn !== undefined,
          after: since(this.#asked, now),
        });
        if (this.#line.state === 'none' && !this.#options.relayAllowed && effect.retryIn === undefined)
          this.#close(effect.reason, now, out);
    }
  }

  #close(reason: Reason, now: Instant, out: PeerEffect[]): void {
    if (this.#closed) return;
    this.#drivePunch({ kind: 'stop' }, now, out);
    this.#closed = true;
    this.#line.end(reason);
    out.push({ kind: 'closed', reason });
  }
}
