import { type Address, sameAddress } from '../base/address.ts';
import type { SocketId } from '../base/net.ts';
import type { Method, Reason } from '../base/outcome.ts';
import type { Random } from '../base/random.ts';
import { earliest, type Instant, isDue, ms, seconds, since } from '../base/time.ts';
import { allowedTarget, type Ground } from '../punch/target.ts';
import type { Cipher } from '../seal/cipher.ts';
import type { Header } from '../seal/header.ts';
import type { Opened, Session } from '../seal/session.ts';
import {
  Connection,
  type Effect as ConnectionEffect,
  type Input as ConnectionInput,
  type Stats,
} from '../transport/connection.ts';
import { decodePeer, ECHO, encodePeer, type PeerMessage } from '../wire/peer.ts';
import { Favour } from './favour.ts';
import type { PeerEffect } from './orders.ts';
import { BRIDGE, methodBy, Path, RELAY, sameWay, type Way } from './path.ts';

/** A message or a keep-alive at least so often, spread by a third ... */
const KEEP_ALIVE = ms(300);
/** ... so that this much silence is five in a row and means that the peer is gone. */
const SILENCE = ms(1500);
/** A session that nobody says anything on is kept for the day when it is needed: that costs 12 datagrams a minute each way. */
const REST = { after: seconds(5), keepAlive: seconds(10) } as const;
/** Far away only four of the first words and their answers find room in that: on a bad line all of them may be lost. */
const FIRST_WORD = seconds(3);
/** So many packets say something of a line; where this share of them was lost, it is a bad one. */
const [ENOUGH, LOSSY] = [5, 0.2];

export interface LineOptions {
  readonly cipher: Cipher;
  readonly random: Random;
  readonly relayAllowed: boolean;
  /** Where the peer may be written to. */
  readonly ground: Ground;
  /** When the peer was asked for. */
  readonly asked: Instant;
  /** How a direct way was won. */
  readonly methodFor: (to: Address, socket: SocketId) => Method;
}

type State =
  | { readonly name: 'none' }
  /** The responder has answered; the initiator has not yet shown that it got the answer. */
  | { readonly name: 'answered'; readonly session: Session; readonly connection: Connection }
  | { readonly name: 'open'; readonly session: Session; readonly connection: Connection }
  | { readonly name: 'over'; readonly reason: Reason };

/**
 * What a peer and we say to each other once we have a session, and the way it takes: direct, by another household, or by
 * the rendezvous. A way that falls silent gets the relay beside it, then the relay instead of it; a better one takes over
 * in mid-stream. All effects are added to `out`.
 *
 *     none ──adopt──▶ answered ──open, or the first datagram──▶ open ──▶ over
 */
export class Line {
  readonly #options: LineOptions;
  readonly #path: Path;
  readonly #bridge = new Favour();
  #state: State = { name: 'none' };
  /** When the path is to be looked after. */
  #lookAt: Instant | undefined;
  /** What the connection said of the bridge, to be acted on once it has said all. */
  #verdict: 'paused' | 'slow' | undefined;
  /** Answers to echoes, to be sent once the datagram that brought them is dealt with. */
  readonly #echoes: PeerMessage[] = [];
  #refused = 0;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#path = new Path(options.relayAllowed);
  }

  get state(): State['name'] {
    return this.#state.name;
  }

  /** Why it is over; undefined while it is not. */
  get ended(): Reason | undefined {
    return this.#state.name === 'over' ? this.#state.reason : undefined;
  }

  get way(): Way | undefined {
    return this.#path.way;
  }

  /** Datagrams that did not open. */
  get refused(): number {
    return this.#refused;
  }

  stats(now: Instant): Stats | undefined {
    return this.#state.name === 'open' ? this.#state.connection.stats(now) : undefined;
  }

  wake(): Instant | undefined {
    if (this.#state.name !== 'answered' && this.#state.name !== 'open') return undefined;
    return earliest(this.#lookAt, this.#state.connection.wake());
  }

  // -- the session

  /** The handshake gave this session, over that way. */
  adopt(session: Session, way: Way, now: Instant): void {
    const pad = (counter: number, most: number): number => session.pad(counter, most);
    const { random } = this.#options;
    const connection = new Connection({
      random,
      keepAlive: KEEP_ALIVE,
      idle: SILENCE,
      firstWord: FIRST_WORD,
      rest: REST,
      pad,
    });
    this.#path.move(way, now);
    this.#state = { name: 'answered', session, connection };
  }

  /** The other side has the session too: a word of it came over that way. */
  open(way: Way, now: Instant, out: PeerEffect[]): void {
    if (this.#state.name !== 'answered') return;
    const { session, connection } = this.#state;
    const { asked, methodFor } = this.#options;
    this.#state = { name: 'open', session, connection };
    this.#watch(now);
    const method = way.kind === 'direct' ? methodFor(way.address, way.socket) : methodBy(way);
    out.push({ kind: 'open', method, after: since(asked, now) });
    if (this.#bridge.lasts && way.kind === 'relay') this.#move(BRIDGE, now, out);
  }

  /** The responder waits for a first word: only that proves that its answer arrived. */
  greet(now: Instant, out: PeerEffect[]): void {
    this.#say({ kind: 'echo', reply: false, token: this.#options.cipher.random(8) }, now, out);
  }

  end(reason: Reason): void {
    this.#state = { name: 'over', reason };
  }

  // -- what comes in and goes out

  /** By which way an answer goes to what came by this one: while a bridge does not carry ours yet, the rendezvous does. */
  wayBack(way: Way): Way {
    return way.kind === 'bridge' && !this.#bridge.lasts ? RELAY : way;
  }

  /** Opens a datagram and follows the peer to where it came from; undefined when it does not open. The body is `step`'s. */
  receive(header: Header, bytes: Uint8Array, way: Way, now: Instant, out: PeerEffect[]): Opened | undefined {
    const state = this.#state;
    if (state.name !== 'answered' && state.name !== 'open') {
      this.#refused++;
      return undefined;
    }
    const helps = way.kind !== 'direct' && this.#path.relayed(way, now);
    const opened = state.session.open(header, bytes, now);
    if (typeof opened === 'string') {
      if (opened !== 'replayed' || !this.#path.isDoubled(now)) this.#refused++;
      return undefined;
    }
    if (state.name === 'answered') this.open(way, now, out);
    if (helps) this.#sendAgain(now, out);
    if (this.#path.heard(way, opened.fresh, now)) this.#move(way, now, out);
    return opened;
  }

  step(input: ConnectionInput, now: Instant, out: PeerEffect[]): void {
    const state = this.#state;
    if (state.name !== 'answered' && state.name !== 'open') return;
    for (const effect of state.connection.step(input, now)) this.#act(effect, state, now, out);
    if (this.#path.rest(state.connection.isResting, now)) this.#watch(now);
    const verdict = this.#verdict;
    this.#verdict = undefined;
    if (verdict === 'paused') this.#sendAgain(now, out);
    if (verdict === 'slow') this.#giveUpWay(now, out);
    // Only now: datagrams are sealed in the order of their numbers, and an answer would overtake its siblings.
    for (let echo = this.#echoes.shift(); echo !== undefined; echo = this.#echoes.shift()) this.#say(echo, now, out);
  }

  #act(
    effect: ConnectionEffect,
    { session, connection }: Extract<State, { name: 'answered' | 'open' }>,
    now: Instant,
    out: PeerEffect[],
  ): void {
    switch (effect.kind) {
      case 'send':
        this.#send(session.seal(effect.counter, effect.body, effect.pad, now), now, out);
        return;
      case 'deliver':
        this.#deliver(effect.bytes, out);
        return;
      case 'expired':
        out.push(effect);
        return;
      case 'slow':
        out.push(effect);
        if (this.#path.way?.kind === 'bridge' && this.#bridge.complain(now)) this.#verdict = 'slow';
        return;
      case 'quiet':
        if (this.#path.way?.kind === 'direct') this.#nudge(now, out);
        else if (this.#path.paused(now)) this.#verdict = 'paused';
        return;
      case 'path':
        return;
      case 'closed':
        this.end(effect.by !== 'silence' ? 'refused' : isLossy(connection.stats(now)) ? 'loss' : 'timeout');
    }
  }

  #send(bytes: Uint8Array, now: Instant, out: PeerEffect[]): void {
    const way = this.#path.next(bytes.length, now);
    if (way === undefined) return;
    out.push(sent(bytes, way));
    const beside = this.#path.beside(now);
    if (beside !== undefined) out.push(sent(bytes, beside));
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
    this.step({ kind: 'message', bytes: encodePeer(message), urgent: true }, now, out);
  }

  // -- the way it takes

  /** Punching reached the peer there. */
  reached(way: Way, now: Instant, out: PeerEffect[]): void {
    const old = this.#path.way;
    if (old !== undefined && !sameWay(old, way)) this.#move(way, now, out);
  }

  /** Another household carries from now on, or not any more. */
  bridged(up: boolean, now: Instant, out: PeerEffect[]): void {
    if (up) this.#bridge.begin(now);
    else this.#bridge.end();
    const { way } = this.#path;
    if (up && this.#state.name === 'open' && way?.kind === 'relay') this.#move(BRIDGE, now, out);
    if (!up && way?.kind === 'bridge') this.#move(RELAY, now, out);
  }

  /**
   * The peer's NAT may have given it another port, from which ours lets nothing in before we have sent there; or ours did,
   * and the peer hears of that by our own nudge. The path itself moves only once a datagram came from there; a word from
   * the old address ends the attempt, and what it took is sent again like any loss.
   */
  nudged(address: Address, now: Instant, out: PeerEffect[]): void {
    const { way } = this.#path;
    if (this.#state.name !== 'open' || way?.kind !== 'direct') return;
    if (this.#path.mayNudge(now)) this.#nudge(now, out);
    if (sameAddress(way.address, address) || allowedTarget(address, this.#options.ground) === undefined) return;
    this.#path.suggest(address, now);
    this.step({ kind: 'ping' }, now, out);
  }

  #nudge(now: Instant, out: PeerEffect[]): void {
    this.#path.nudged(now);
    out.push({ kind: 'nudge' });
  }

  #move(way: Way, now: Instant, out: PeerEffect[]): void {
    const portOnly = this.#path.move(way, now);
    this.#watch(now);
    if (way.kind === 'direct') {
      this.step({ kind: 'moved', portOnly }, now, out);
      return;
    }
    out.push({ kind: 'relayed', method: methodBy(way), after: since(this.#options.asked, now) });
    // To a household from the rendezvous, which still works; to the rendezvous from what does not any more.
    this.step({ kind: 'rerouted', arrives: way.kind === 'bridge' }, now, out);
  }

  #watch(now: Instant): void {
    this.#lookAt = this.#path.doubtAt(now) ?? this.#path.lostAt();
  }

  /**
   * Looks after the path when that is due. It is silent: a word over the relay beside it, later the relay instead of it.
   * True when a direct one was given up, and another attempt is worth it.
   */
  look(now: Instant, out: PeerEffect[]): boolean {
    if (!isDue(this.#lookAt, now)) return false;
    this.#lookAt = undefined;
    const lostAt = this.#path.lostAt();
    if (this.#state.name !== 'open' || lostAt === undefined) return false;
    if (lostAt <= now) return this.#giveUpWay(now, out);
    if (this.#path.doubtAt(now) === undefined) {
      this.step({ kind: 'ping' }, now, out);
      this.#sendAgain(now, out);
    }
    this.#watch(now);
    return false;
  }

  /** The household that carries may be gone: what it had goes once more, also over the rendezvous. */
  #sendAgain(now: Instant, out: PeerEffect[]): void {
    if (this.#path.way?.kind === 'bridge') this.step({ kind: 'doubt' }, now, out);
  }

  /** True when it was a direct one. */
  #giveUpWay(now: Instant, out: PeerEffect[]): boolean {
    const wasDirect = this.#path.way?.kind === 'direct';
    // A bridge that was not used meanwhile is as good as none.
    if (this.#bridge.lasts) out.push({ kind: 'unbridged' });
    this.#bridge.end();
    this.#move(RELAY, now, out);
    return wasDirect;
  }
}

/** The order to send these bytes by that way. */
export function sent(bytes: Uint8Array, way: Way): PeerEffect {
  return way.kind === 'direct'
    ? { kind: 'send', socket: way.socket, to: way.address, bytes }
    : { kind: way.kind, bytes };
}

/** The line let little through before it fell silent. */
function isLossy({ lostPackets, sentPackets }: Stats): boolean {
  return sentPackets >= ENOUGH && lostPackets >= LOSSY * sentPackets;
}
