import type { Address } from '../base/address.ts';
import { sameAddress } from '../base/address.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { NetEffect, SocketId } from '../base/net.ts';
import type { Method, Reason } from '../base/outcome.ts';
import type { Random } from '../base/random.ts';
import { after, earliest, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';
import type { PunchPlan } from '../punch/plan.ts';
import { Punch, type PunchEffect } from '../punch/punch.ts';
import { allowedTarget, type Ground } from '../punch/target.ts';
import type { Cipher, KeyPair, Suite } from '../seal/cipher.ts';
import { type FirstByte, type Header, KIND } from '../seal/header.ts';
import { PairHandshake } from '../seal/pair.ts';
import type { Session } from '../seal/session.ts';
import { decodePeer, ECHO, encodePeer, type PeerMessage } from '../wire/peer.ts';
import { Connection, type Effect as ConnectionEffect, type Stats } from '../transport/connection.ts';

/** A viewer should not wait for punching: after this long without a direct path the rendezvous carries the datagrams. */
const RELAY_AFTER = ms(300);
/** First messages of the handshake over the relay are repeated; the relay itself loses nothing on purpose. */
const RELAY_AGAIN = ms(500);
/** A message or a keep-alive at least so often, spread by a third ... */
const KEEP_ALIVE = ms(300);
/** ... so that this much silence is five in a row and means that the peer is gone. */
const SILENCE = ms(1500);
/** Whoever has not answered by then, on any way, is not there; the pair's secret lives 60 s. */
const PATIENCE = seconds(20);
/** An address that flaps must not make us flap. */
const MOVES_APART = ms(1000);
/** Where the rendezvous sees a peer that hears nothing gets what would go to its old address, so long ... */
const TRY_FOR = ms(300);
/** ... and so much of it: nobody has answered from there yet. */
const TRY_BYTES = 64 * 1024;
const NUDGES_APART = ms(500);

export interface PeerOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly identity: KeyPair;
  /** What the introduction said. */
  readonly node: Uint8Array;
  readonly theirHeaderKey: Uint8Array;
  readonly secret: Uint8Array;
  readonly pairId: number;
  readonly initiator: boolean;
  readonly relayAllowed: boolean;
  readonly plan: PunchPlan;
  /** Before both sides start. */
  readonly startIn: Millis;
  /** Our own number for the session to come. */
  readonly index: number;
  readonly suites: readonly Suite[];
  /** The socket to punch from. */
  readonly socket: SocketId;
  readonly firstByte: FirstByte;
  /** What may be knocked at from here. */
  readonly ground: Ground;
}

export type PeerInput =
  /** A datagram whose header names this peer; `way` is where it came from. */
  | { readonly kind: 'datagram'; readonly header: Header; readonly bytes: Uint8Array; readonly way: Way }
  | {
      readonly kind: 'message';
      readonly bytes: Uint8Array;
      readonly deadline?: Instant | undefined;
      readonly urgent?: boolean | undefined;
    }
  /** The rendezvous: the peer hears nothing, and is here now. */
  | { readonly kind: 'nudged'; readonly address: Address }
  | { readonly kind: 'close' }
  | { readonly kind: 'tick' };

/** A way datagrams take to the peer and back. */
export type Way =
  | { readonly kind: 'direct'; readonly socket: SocketId; readonly address: Address }
  | { readonly kind: 'relay' };

export type PeerEffect =
  | Extract<NetEffect, { kind: 'send' }>
  /** To be wrapped and sent to the rendezvous. */
  | { readonly kind: 'relay'; readonly bytes: Uint8Array }
  /** The peer fell silent: to be asked of the rendezvous, which can still reach it. */
  | { readonly kind: 'nudge' }
  /** Data went both ways for the first time. */
  | { readonly kind: 'open'; readonly method: Method; readonly after: Millis }
  /** A direct path carries data both ways. */
  | { readonly kind: 'direct'; readonly method: Method; readonly after: Millis }
  /** Punching came to its end without a path; a relay may still carry. */
  | { readonly kind: 'no-direct'; readonly reason: Reason; readonly again: boolean; readonly after: Millis }
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  /** The path carries less than is offered. */
  | { readonly kind: 'slow'; readonly rate: number; readonly wanted: number }
  | { readonly kind: 'expired'; readonly count: number }
  | { readonly kind: 'closed'; readonly reason: Reason };

type State =
  | { readonly name: 'meeting' }
  /** The responder has answered; the initiator has not yet shown that it got the answer. */
  | { readonly name: 'answered'; readonly session: Session; readonly connection: Connection }
  | { readonly name: 'open'; readonly session: Session; readonly connection: Connection }
  | { readonly name: 'closed' };

/**
 * One other household, from the introduction to the end: punching and the handshake run as one (the initiator's knock
 * is its first handshake message), the relay steps in when that takes long, and a direct path found later takes over
 * in mid-stream. Sessions are known by number, so a path is only where the next datagram goes.
 */
export class Peer {
  readonly node: Uint8Array;
  readonly pairId: number;
  readonly index: number;
  readonly #options: PeerOptions;
  readonly #pair: PairHandshake;
  readonly #punch: Punch;
  readonly #deadlines = new Deadlines<'start' | 'relay' | 'patience'>();
  readonly #asked: Instant;
  #started = false;
  #state: State = { name: 'meeting' };
  #way: Way | undefined;
  #movedAt: Instant | undefined;
  /** Where the peer may be by now. */
  #perhaps: { readonly address: Address; readonly until: Instant; bytes: number } | undefined;
  #nudgedAt: Instant | undefined;
  #direct: Method | undefined;
  #noDirect: Reason | undefined;
  #refused = 0;
  /** Answers to echoes, to be sent once the datagram that brought them is dealt with. */
  readonly #echoes: PeerMessage[] = [];

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
    this.#punch = new Punch({ plan: options.plan, doors: { four: options.socket }, ground: options.ground });
    this.#deadlines.set('start', after(now, options.startIn));
  }

  get open(): boolean {
    return this.#state.name === 'open';
  }

  /** How the path in use was won; undefined until data went both ways. */
  get method(): Method | undefined {
    return this.#state.name !== 'open' ? undefined : this.#way?.kind === 'relay' ? 'relay-rendezvous' : this.#direct;
  }

  /** Datagrams that named this peer and did not open. */
  get refused(): number {
    return this.#refused;
  }

  stats(now: Instant): Stats | undefined {
    return this.#state.name === 'open' ? this.#state.connection.stats(now) : undefined;
  }

  step(input: PeerInput, now: Instant): readonly PeerEffect[] {
    if (this.#state.name === 'closed') return [];
    const out: PeerEffect[] = [];
    switch (input.kind) {
      case 'datagram':
        if (input.header.kind === KIND.data) this.#takeData(input.header, input.bytes, input.way, now, out);
        else this.#takeHandshake(input.header, input.bytes, input.way, now, out);
        break;
      case 'message':
        this.#connect(
          { kind: 'message', bytes: input.bytes, deadline: input.deadline, urgent: input.urgent },
          now,
          out,
        );
        break;
      case 'nudged':
        this.#nudged(input.address, now, out);
        break;
      case 'close':
        this.#connect({ kind: 'close', reason: 0 }, now, out);
        this.#close('refused', out);
        break;
      case 'tick':
        this.#tick(now, out);
        break;
    }
    return out;
  }

  wake(): Instant | undefined {
    if (this.#state.name === 'closed') return undefined;
    const inner = this.#state.name === 'meeting' ? undefined : this.#state.connection.wake();
    return earliest(earliest(this.#deadlines.next(), inner), this.#started ? this.#punch.wake() : undefined);
  }

  #tick(now: Instant, out: PeerEffect[]): void {
    for (const name of this.#deadlines.due(now)) {
      switch (name) {
        case 'start':
          this.#start(now, out);
          break;
        case 'relay':
          if (this.#state.name !== 'meeting') break;
          if (this.#options.initiator) out.push({ kind: 'relay', bytes: this.#pair.first() });
          this.#deadlines.set('relay', after(now, RELAY_AGAIN));
          break;
        case 'patience':
          if (this.#state.name === 'meeting') this.#close(this.#noDirect ?? 'timeout', out);
          break;
      }
    }
    const punchWake = this.#punch.wake();
    if (this.#started && punchWake !== undefined && punchWake <= now) this.#drivePunch({ kind: 'tick' }, now, out);
    this.#connect({ kind: 'tick' }, now, out);
  }

  #start(now: Instant, out: PeerEffect[]): void {
    if (this.#started) return;
    this.#started = true;
    this.#deadlines.clear('start');
    if (this.#options.relayAllowed) {
      // Where no port can be known the relay need not wait for the punch to fail.
      const wait = this.#options.plan.retries.length === 0 ? ms(0) : RELAY_AFTER;
      this.#deadlines.set('relay', after(now, wait));
    }
    this.#deadlines.set('patience', after(now, PATIENCE));
    this.#drivePunch({ kind: 'start' }, now, out);
  }

  #takeHandshake(header: Header, bytes: Uint8Array, way: Way, now: Instant, out: PeerEffect[]): void {
    const got = this.#pair.receive(header, bytes);
    if (got.kind === 'refused') {
      this.#refused++;
      return;
    }
    // Whoever hears the other side before its own start time need not wait for it.
    this.#start(now, out);
    switch (got.kind) {
      case 'knock':
        this.#heard(way, 'heard', now, out);
        break;
      case 'first':
        this.#send(got.reply, way, out);
        if (this.#state.name === 'meeting') this.#adopt(got.session, 'answered', way, now, out);
        this.#heard(way, 'heard', now, out);
        break;
      case 'second':
        if (this.#state.name === 'meeting') this.#adopt(got.session, 'open', way, now, out);
        this.#heard(way, 'answered', now, out);
        break;
    }
  }

  #takeData(header: Header, bytes: Uint8Array, way: Way, now: Instant, out: PeerEffect[]): void {
    const state = this.#state;
    if (state.name !== 'answered' && state.name !== 'open') {
      this.#refused++;
      return;
    }
    const opened = state.session.open(header, bytes, now);
    if (typeof opened === 'string') {
      this.#refused++;
      return;
    }
    if (state.name === 'answered') this.#opened(state.session, state.connection, way, now, out);
    if (opened.fresh) this.#follow(way, now, out);
    // It is still where it was, or is followed by now.
    if (way.kind === 'direct') this.#perhaps = undefined;
    if (way.kind === 'direct' && this.#direct === undefined) this.#heard(way, 'answered', now, out);
    this.#connect({ kind: 'body', counter: header.counter, bytes: opened.body }, now, out);
  }

  #adopt(session: Session, as: 'answered' | 'open', way: Way, now: Instant, out: PeerEffect[]): void {
    const connection = new Connection({ random: this.#options.random, keepAlive: KEEP_ALIVE, idle: SILENCE });
    this.#way = way;
    this.#deadlines.clear('relay');
    if (as === 'answered') {
      this.#state = { name: 'answered', session, connection };
      return;
    }
    this.#opened(session, connection, way, now, out);
    // The responder waits for a first word: only that proves that its answer arrived.
    this.#say({ kind: 'echo', reply: false, token: this.#options.cipher.random(8) }, now, out);
  }

  #opened(session: Session, connection: Connection, way: Way, now: Instant, out: PeerEffect[]): void {
    const method = way.kind === 'relay' ? 'relay-rendezvous' : this.#punch.methodFor(way.address);
    this.#state = { name: 'open', session, connection };
    out.push({ kind: 'open', method, after: since(this.#asked, now) });
  }

  /** Only an authentic and fresh datagram moves the path, at most once a second; from the relay to direct at once. */
  #follow(way: Way, now: Instant, out: PeerEffect[]): void {
    const old = this.#way;
    if (old === undefined || sameWay(old, way) || (way.kind === 'relay' && old.kind === 'direct')) return;
    const toDirect = old.kind === 'relay';
    if (!toDirect && this.#movedAt !== undefined && since(this.#movedAt, now) < MOVES_APART) return;
    this.#movedAt = now;
    this.#move(way, now, out);
  }

  #move(way: Way, now: Instant, out: PeerEffect[]): void {
    const old = this.#way;
    this.#way = way;
    const portOnly = old?.kind === 'direct' && way.kind === 'direct' && old.address.ip === way.address.ip;
    this.#connect({ kind: 'moved', portOnly }, now, out);
  }

  #heard(way: Way, what: 'heard' | 'answered', now: Instant, out: PeerEffect[]): void {
    if (way.kind === 'direct') this.#drivePunch({ kind: what, from: way.address, socket: way.socket }, now, out);
  }

  #drivePunch(input: Parameters<Punch['step']>[0], now: Instant, out: PeerEffect[]): void {
    for (const effect of this.#punch.step(input, now)) this.#actOnPunch(effect, now, out);
  }

  #actOnPunch(effect: PunchEffect, now: Instant, out: PeerEffect[]): void {
    switch (effect.kind) {
      case 'knock': {
        const bytes = this.#options.initiator ? this.#pair.first() : this.#pair.knock();
        const { socket, to, ttl } = effect;
        out.push(ttl === undefined ? { kind: 'send', socket, to, bytes } : { kind: 'send', socket, to, bytes, ttl });
        return;
      }
      case 'reached': {
        this.#direct = effect.method;
        const way: Way = { kind: 'direct', socket: effect.socket, address: effect.to };
        out.push({ kind: 'direct', method: effect.method, after: since(this.#asked, now) });
        if (this.#way !== undefined && !sameWay(this.#way, way)) this.#move(way, now, out);
        return;
      }
      case 'gave-up':
        this.#noDirect = effect.reason;
        out.push({
          kind: 'no-direct',
          reason: effect.reason,
          again: effect.retryIn !== undefined,
          after: since(this.#asked, now),
        });
        if (this.#state.name === 'meeting' && !this.#options.relayAllowed) this.#close(effect.reason, out);
    }
  }

  #connect(input: Parameters<Connection['step']>[0], now: Instant, out: PeerEffect[]): void {
    const state = this.#state;
    if (state.name !== 'answered' && state.name !== 'open') return;
    for (const effect of state.connection.step(input, now)) this.#actOnConnection(effect, state.session, now, out);
    // Only now: datagrams are sealed in the order of their numbers, and an answer would overtake its siblings.
    for (let echo = this.#echoes.shift(); echo !== undefined; echo = this.#echoes.shift()) this.#say(echo, now, out);
  }

  #actOnConnection(effect: ConnectionEffect, session: Session, now: Instant, out: PeerEffect[]): void {
    switch (effect.kind) {
      case 'send':
        if (this.#way === undefined) return;
        this.#sendData(session.seal(effect.counter, effect.body, effect.pad, now), this.#way, now, out);
        return;
      case 'deliver':
        this.#deliver(effect.bytes, out);
        return;
      case 'expired':
      case 'slow':
        out.push(effect);
        return;
      case 'quiet':
        if (this.#way?.kind === 'direct') this.#nudge(now, out);
        return;
      case 'path':
        return;
      case 'closed':
        this.#close(effect.by === 'silence' ? 'timeout' : 'refused', out);
    }
  }

  #nudge(now: Instant, out: PeerEffect[]): void {
    this.#nudgedAt = now;
    out.push({ kind: 'nudge' });
  }

  /**
   * The peer's NAT may have given it another port, from which ours lets nothing in before we have sent there; or ours did,
   * and the peer hears of that by our own nudge. The path itself moves only once a datagram came from there; a word from
   * the old address ends the attempt, and what it took is sent again like any loss.
   */
  #nudged(address: Address, now: Instant, out: PeerEffect[]): void {
    const [state, way] = [this.#state, this.#way];
    if (state.name !== 'open' || way?.kind !== 'direct') return;
    if (this.#nudgedAt === undefined || since(this.#nudgedAt, now) >= NUDGES_APART) this.#nudge(now, out);
    if (sameAddress(way.address, address) || allowedTarget(address, this.#options.ground) === undefined) return;
    this.#perhaps = { address, until: after(now, TRY_FOR), bytes: TRY_BYTES };
    this.#connect({ kind: 'ping' }, now, out);
  }

  #sendData(bytes: Uint8Array, way: Way, now: Instant, out: PeerEffect[]): void {
    const perhaps = this.#perhaps;
    if (perhaps !== undefined) {
      perhaps.bytes -= bytes.length;
      if (perhaps.until < now || perhaps.bytes < 0) this.#perhaps = undefined;
    }
    const address = this.#perhaps?.address;
    this.#send(bytes, way.kind === 'direct' && address !== undefined ? { ...way, address } : way, out);
  }

  #deliver(bytes: Uint8Array, out: PeerEffect[]): void {
    if (bytes[0] !== ECHO) {
      out.push({ kind: 'message', bytes });
      return;
    }
    const echo = decodePeer(bytes);
    if (typeof echo === 'object' && echo.kind === 'echo' && !echo.reply) this.#echoes.push({ ...echo, reply: true });
  }

  #say(message: PeerMessage, now: Instant, out: PeerEffect[]): void {
    this.#connect({ kind: 'message', bytes: encodePeer(message), urgent: true }, now, out);
  }

  #send(bytes: Uint8Array, way: Way, out: PeerEffect[]): void {
    if (way.kind === 'relay') out.push({ kind: 'relay', bytes });
    else out.push({ kind: 'send', socket: way.socket, to: way.address, bytes });
  }

  #close(reason: Reason, out: PeerEffect[]): void {
    if (this.#state.name === 'closed') return;
    this.#state = { name: 'closed' };
    out.push({ kind: 'closed', reason });
  }
}

function sameWay(a: Way, b: Way): boolean {
  if (a.kind === 'relay' || b.kind === 'relay') return a.kind === b.kind;
  return a.socket === b.socket && sameAddress(a.address, b.address);
}
