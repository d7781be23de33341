import { sameAddress, type Address } from '../base/address.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Method, Reason } from '../base/outcome.ts';
import { after, at, earliest, type Instant, ms, seconds, since } from '../base/time.ts';
import { SHOT_BYTES } from '../punch/limits.ts';
import { Punch, type PunchEffect } from '../punch/punch.ts';
import { allowedTarget } from '../punch/target.ts';
import { type Header, KIND } from '../seal/header.ts';
import { PairHandshake } from '../seal/pair.ts';
import type { Session } from '../seal/session.ts';
import { Connection, type Effect as ConnectionEffect, type Stats } from '../transport/connection.ts';
import { decodePeer, ECHO, encodePeer, type PeerMessage } from '../wire/peer.ts';
import type { PeerEffect, PeerInput, PeerOptions } from './orders.ts';
import { Path, sameWay, type Way } from './path.ts';

/** First messages of the handshake over the relay are repeated so often: a viewer waits for them. */
const RELAY_AGAIN = ms(150);
/** A message or a keep-alive at least so often, spread by a third ... */
const KEEP_ALIVE = ms(300);
/** ... so that this much silence is five in a row and means that the peer is gone. */
const SILENCE = ms(1500);
/** Far away only four of the first words and their answers find room in that: on a bad line all of them may be lost. */
const FIRST_WORD = seconds(3);
/** A household that carries has so long to show that it keeps up: a new path begins slowly, and with what was missed. */
const TRIAL = seconds(4);
/** Two complaints, the one soon after the one before, mean that it does not. */
const COMPLAINTS = { most: 2, apart: seconds(2) } as const;
/** Whoever has not answered by then, on any way, is not there; the pair's secret lives 60 s. */
const PATIENCE = seconds(20);
/** So many packets say something of a line; where this share of them was lost, it is a bad one. */
const [ENOUGH, LOSSY] = [5, 0.2];
type State =
  | { readonly name: 'meeting' }
  /** The responder has answered; the initiator has not yet shown that it got the answer. */
  | { readonly name: 'answered'; readonly session: Session; readonly connection: Connection }
  | { readonly name: 'open'; readonly session: Session; readonly connection: Connection }
  | { readonly name: 'closed' };

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
  readonly #deadlines = new Deadlines<'start' | 'relay' | 'patience' | 'path'>();
  readonly #asked: Instant;
  #started = false;
  #state: State = { name: 'meeting' };
  readonly #path: Path;
  /** Since when another household carries between us. */
  #bridgedAt: Instant | undefined;
  /** That it does not keep up: how often in a row. */
  #complaints = { count: 0, at: at(-Infinity) };
  #direct: Method | undefined;
  #noDirect: Reason | undefined;
  #refused = 0;
  /** Answers to echoes, to be sent once the datagram that brought them is dealt with. */
  readonly #echoes: PeerMessage[] = [];
  /** What the connection said of the bridge, to be acted on once it has said all. */
  #verdict: 'paused' | 'slow' | undefined;

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
    const { plan, port, newSocket, account, rules, nat } = options;
    this.#punch = new Punch({
      plan,
      doors: { four: options.socket, ...(options.six !== undefined && { six: options.six }) },
      port,
      newSocket,
      account,
      rules,
      nat,
    });
    this.#path = new Path(options.relayAllowed);
    this.#deadlines.set('start', after(now, options.startIn));
  }

  get open(): boolean {
    return this.#state.name === 'open';
  }

  /** How the path in use was won; undefined until data went both ways. */
  get method(): Method | undefined {
    return this.#state.name === 'open' && this.#path.way !== undefined ? this.#methodOf(this.#path.way) : undefined;
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
      case 'datagram': {
        const { header, bytes } = input;
        // What comes by a bridge that does not carry our answers yet is answered by the rendezvous.
        const way: Way = input.way.kind === 'bridge' && this.#bridgedAt === undefined ? { kind: 'relay' } : input.way;
        if (header.kind === KIND.data) this.#takeData(header, bytes, way, now, out);
        else this.#takeHandshake(header, bytes, way, now, out);
        break;
      }
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
      case 'volley':
        this.#drivePunch({ kind: 'volley', volley: input }, now, out);
        break;
      case 'bridged':
        this.#bridge(input.up, now, out);
        break;
      case 'judged':
      case 'opened':
      case 'failed':
        this.#drivePunch(input, now, out);
        break;
      case 'close':
        this.#connect({ kind: 'close', reason: 0 }, now, out);
        this.#close('refused', now, out);
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
    return earliest(earliest(this.#deadlines.next(), inner), this.#punch.wake());
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
          if (this.#state.name === 'meeting') this.#close(this.#noDirect ?? 'timeout', now, out);
          break;
        case 'path':
          this.#doubt(now, out);
          break;
      }
    }
    const punchWake = this.#punch.wake();
    if (punchWake !== undefined && punchWake <= now) this.#drivePunch({ kind: 'tick' }, now, out);
    this.#connect({ kind: 'tick' }, now, out);
  }

  #start(now: Instant, out: PeerEffect[]): void {
    if (this.#started) return;
    this.#started = true;
    this.#deadlines.clear('start');
    if (this.#options.relayAllowed) this.#deadlines.set('relay', after(now, this.#options.plan.relayAfter));
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
    if (way.kind !== 'direct') this.#drivePunch({ kind: 'begun' }, now, out);
    switch (got.kind) {
      case 'knock':
        this.#heard(way, 'heard', now, out);
        break;
      case 'first':
        this.#send(got.reply, way, out);
        if (this.#state.name === 'meeting') this.#adopt(got.session, 'answered', way, now, out);
        this.#heard(way, 'replied', now, out);
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
    const helps = way.kind !== 'direct' && this.#path.relayed(way, now);
    const opened = state.session.open(header, bytes, now);
    if (typeof opened === 'string') {
      if (opened !== 'replayed' || !this.#path.isDoubled(now)) this.#refused++;
      return;
    }
    if (state.name === 'answered') this.#opened(state.session, state.connection, way, now, out);
    if (helps) this.#sendAgain(now, out);
    if (this.#path.heard(way, opened.fresh, now)) this.#move(way, now, out);
    if (way.kind === 'direct' && this.#direct === undefined) this.#heard(way, 'answered', now, out);
    this.#connect({ kind: 'body', counter: header.counter, bytes: opened.body }, now, out);
  }

  #adopt(session: Session, as: 'answered' | 'open', way: Way, now: Instant, out: PeerEffect[]): void {
    const pad = (counter: number, most: number): number => session.pad(counter, most);
    const { random } = this.#options;
    const connection = new Connection({ random, keepAlive: KEEP_ALIVE, idle: SILENCE, firstWord: FIRST_WORD, pad });
    this.#path.move(way, now);
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
    const method = way.kind === 'direct' ? this.#punch.methodFor(way.address, way.socket) : methodBy(way);
    this.#state = { name: 'open', session, connection };
    this.#watchPath(now);
    out.push({ kind: 'open', method, after: since(this.#asked, now) });
    if (this.#bridgedAt !== undefined && way.kind === 'relay') this.#move({ kind: 'bridge' }, now, out);
  }

  #methodOf(way: Way): Method | undefined {
    return way.kind === 'direct' ? this.#direct : methodBy(way);
  }

  #bridge(up: boolean, now: Instant, out: PeerEffect[]): void {
    this.#bridgedAt = up ? now : undefined;
    const { way } = this.#path;
    if (up && this.#state.name === 'open' && way?.kind === 'relay') this.#move({ kind: 'bridge' }, now, out);
    if (!up && way?.kind === 'bridge') this.#move({ kind: 'relay' }, now, out);
  }

  #move(way: Way, now: Instant, out: PeerEffect[]): void {
    const portOnly = this.#path.move(way, now);
    this.#watchPath(now);
    if (way.kind === 'direct') {
      this.#connect({ kind: 'moved', portOnly }, now, out);
      return;
    }
    out.push({ kind: 'relayed', method: methodBy(way), after: since(this.#asked, now) });
    // To a household from the rendezvous, which still works; to the rendezvous from what does not any more.
    this.#connect({ kind: 'rerouted', arrives: way.kind === 'bridge' }, now, out);
  }

  #watchPath(now: Instant): void {
    const look = this.#path.doubtAt(now) ?? this.#path.lostAt();
    if (look === undefined) this.#deadlines.clear('path');
    else this.#deadlines.set('path', look);
  }

  /** The path is silent: a word over the relay beside it, later the relay instead of it and another attempt. */
  #doubt(now: Instant, out: PeerEffect[]): void {
    const lostAt = this.#path.lostAt();
    if (this.#state.name !== 'open' || lostAt === undefined) return;
    if (lostAt <= now) {
      this.#giveUpWay(now, out);
      return;
    }
    if (this.#path.doubtAt(now) === undefined) {
      this.#connect({ kind: 'ping' }, now, out);
      this.#sendAgain(now, out);
    }
    this.#watchPath(now);
  }

  /** The household that carries may be gone: what it had goes once more, also over the rendezvous. */
  #sendAgain(now: Instant, out: PeerEffect[]): void {
    if (this.#path.way?.kind === 'bridge') this.#connect({ kind: 'doubt' }, now, out);
  }

  #giveUpWay(now: Instant, out: PeerEffect[]): void {
    const wasDirect = this.#path.way?.kind === 'direct';
    if (wasDirect) this.#direct = undefined;
    // A bridge that was not used meanwhile is as good as none.
    if (this.#bridgedAt !== undefined) out.push({ kind: 'unbridged' });
    this.#bridgedAt = undefined;
    this.#move({ kind: 'relay' }, now, out);
    if (wasDirect) this.#drivePunch({ kind: 'lost' }, now, out);
  }

  /** A household that does not keep up is no help; the rendezvous finds another one. */
  #tire(now: Instant): void {
    const { way } = this.#path;
    if (way?.kind !== 'bridge' || this.#bridgedAt === undefined || since(this.#bridgedAt, now) < TRIAL) return;
    const { count, at: last } = this.#complaints;
    this.#complaints = { count: since(last, now) < COMPLAINTS.apart ? count + 1 : 1, at: now };
    if (this.#complaints.count >= COMPLAINTS.most) this.#verdict = 'slow';
  }

  #heard(way: Way, what: 'heard' | 'replied' | 'answered', now: Instant, out: PeerEffect[]): void {
    if (way.kind !== 'direct') return;
    const place = { from: way.address, socket: way.socket };
    if (what === 'replied') this.#drivePunch({ kind: 'heard', replied: true, ...place }, now, out);
    else this.#drivePunch({ kind: what, ...place }, now, out);
  }

  #drivePunch(input: Parameters<Punch['step']>[0], now: Instant, out: PeerEffect[]): void {
    for (const effect of this.#punch.step(input, now)) this.#actOnPunch(effect, now, out);
  }

  #actOnPunch(effect: PunchEffect, now: Instant, out: PeerEffect[]): void {
    switch (effect.kind) {
      case 'knock': {
        const most = effect.terse === true ? SHOT_BYTES : undefined;
        const bytes = this.#options.initiator ? this.#pair.first(most) : this.#pair.knock(most);
        const { socket, to, ttl } = effect;
        out.push(ttl === undefined ? { kind: 'send', socket, to, bytes } : { kind: 'send', socket, to, bytes, ttl });
        return;
      }
      case 'reached': {
        this.#direct = effect.method;
        const way: Way = { kind: 'direct', socket: effect.socket, address: effect.to };
        out.push({ kind: 'direct', method: effect.method, after: since(this.#asked, now) });
        const old = this.#path.way;
        if (old !== undefined && !sameWay(old, way)) this.#move(way, now, out);
        return;
      }
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
        if (this.#state.name === 'meeting' && !this.#options.relayAllowed && effect.retryIn === undefined)
          this.#close(effect.reason, now, out);
    }
  }

  #connect(input: Parameters<Connection['step']>[0], now: Instant, out: PeerEffect[]): void {
    const state = this.#state;
    if (state.name !== 'answered' && state.name !== 'open') return;
    for (const effect of state.connection.step(input, now)) this.#actOnConnection(effect, state.session, now, out);
    const verdict = this.#verdict;
    this.#verdict = undefined;
    if (verdict === 'paused') this.#sendAgain(now, out);
    if (verdict === 'slow') this.#giveUpWay(now, out);
    // Only now: datagrams are sealed in the order of their numbers, and an answer would overtake its siblings.
    for (let echo = this.#echoes.shift(); echo !== undefined; echo = this.#echoes.shift()) this.#say(echo, now, out);
  }

  #actOnConnection(effect: ConnectionEffect, session: Session, now: Instant, out: PeerEffect[]): void {
    switch (effect.kind) {
      case 'send':
        this.#sendData(session.seal(effect.counter, effect.body, effect.pad, now), now, out);
        return;
      case 'deliver':
        this.#deliver(effect.bytes, out);
        return;
      case 'expired':
        out.push(effect);
        return;
      case 'slow':
        out.push(effect);
        this.#tire(now);
        return;
      case 'quiet':
        if (this.#path.way?.kind === 'direct') this.#nudge(now, out);
        else if (this.#path.paused(now)) this.#verdict = 'paused';
        return;
      case 'path':
        return;
      case 'closed':
        this.#close(effect.by !== 'silence' ? 'refused' : this.#isLossy(now) ? 'loss' : 'timeout', now, out);
    }
  }

  /** The line let little through before it fell silent. */
  #isLossy(now: Instant): boolean {
    if (this.#state.name !== 'answered' && this.#state.name !== 'open') return false;
    const { lostPackets, sentPackets } = this.#state.connection.stats(now);
    return sentPackets >= ENOUGH && lostPackets >= LOSSY * sentPackets;
  }

  #nudge(now: Instant, out: PeerEffect[]): void {
    this.#path.nudged(now);
    out.push({ kind: 'nudge' });
  }

  /**
   * The peer's NAT may have given it another port, from which ours lets nothing in before we have sent there; or ours did,
   * and the peer hears of that by our own nudge. The path itself moves only once a datagram came from there; a word from
   * the old address ends the attempt, and what it took is sent again like any loss.
   */
  #nudged(address: Address, now: Instant, out: PeerEffect[]): void {
    const { way } = this.#path;
    if (this.#state.name !== 'open' || way?.kind !== 'direct') return;
    if (this.#path.mayNudge(now)) this.#nudge(now, out);
    if (sameAddress(way.address, address) || allowedTarget(address, this.#options.rules.ground) === undefined) return;
    this.#path.suggest(address, now);
    this.#connect({ kind: 'ping' }, now, out);
  }

  #sendData(bytes: Uint8Array, now: Instant, out: PeerEffect[]): void {
    const way = this.#path.next(bytes.length, now);
    if (way === undefined) return;
    this.#send(bytes, way, out);
    const beside = this.#path.beside(now);
    if (beside !== undefined) this.#send(bytes, beside, out);
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
    if (way.kind === 'direct') out.push({ kind: 'send', socket: way.socket, to: way.address, bytes });
    else out.push({ kind: way.kind, bytes });
  }

  #close(reason: Reason, now: Instant, out: PeerEffect[]): void {
    if (this.#state.name === 'closed') return;
    this.#drivePunch({ kind: 'stop' }, now, out);
    this.#state = { name: 'closed' };
    out.push({ kind: 'closed', reason });
  }
}

function methodBy({ kind }: Exclude<Way, { kind: 'direct' }>): Method {
  return kind === 'bridge' ? 'relay-household' : 'relay-rendezvous';
}
