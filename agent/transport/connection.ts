import { after, at, earliest, type Instant, type Millis, ms } from '../base/time.ts';
import { ACK_PATIENCE, Acks } from './acks.ts';
import { Bbr } from './bbr.ts';
import { Demand } from './demand.ts';
import { MESSAGE_LIMIT } from './frames.ts';
import { Incoming } from './incoming.ts';
import { Flight } from './loss.ts';
import type { Effect, Input, Options, Stats } from './orders.ts';
import { Outbox } from './outbox.ts';
import { Outgoing } from './outgoing.ts';
import type { Parts } from './parts.ts';
import { Path } from './path.ts';
import { Quiet } from './quiet.ts';
import { Recovery } from './recovery.ts';
import { Rtt } from './rtt.ts';
import { Silence } from './silence.ts';

export type { Effect, Input, Options, Stats } from './orders.ts';

const NOTHING: readonly Effect[] = [];

/**
 * One path to one peer: messages go in, each arrives once or misses its deadline, in no order.
 * Packet numbers and ACKs of RFC 9000, loss recovery of RFC 9002, congestion control of draft-ietf-ccwg-bbr.
 */
export class Connection {
  readonly #patience: Millis;
  readonly #parts: Parts;
  readonly #silence: Silence;
  readonly #quiet = new Quiet();
  readonly #demand: Demand;
  readonly #recovery: Recovery;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  #closed = false;
  #now: Instant = at(0);
  /** Nothing but a step changes it, and a household asks all its sessions after each datagram of one. */
  #wake: Instant | undefined | 'unknown' = 'unknown';

  constructor(options: Options) {
    const { random } = options;
    this.#patience = options.deadline ?? ms(1500);
    this.#parts = {
      random,
      rtt: new Rtt(options.rtt),
      acks: new Acks(random),
      outbox: new Outbox(options.queue ?? 4 * 1024 * 1024),
      flight: new Flight(),
      bbr: new Bbr(),
      path: new Path(random),
    };
    this.#silence = new Silence(options);
    this.#demand = new Demand(this.#parts);
    this.#recovery = new Recovery(this.#parts);
    this.#outgoing = new Outgoing(this.#parts, this.#silence, options.pad);
    this.#incoming = new Incoming(this.#parts, this.#quiet, this.#recovery, this.#outgoing);
  }

  /** Bytes waiting to be sent; whoever has more than the path takes looks here before offering the next. */
  get queued(): number {
    return this.#parts.outbox.bytes;
  }

  /** Nobody has said anything for a while. */
  get isResting(): boolean {
    return this.#silence.isResting;
  }

  step(input: Input, now: Instant): readonly Effect[] {
    if (this.#closed) return NOTHING;
    this.#now = now;
    this.#wake = 'unknown';
    this.#silence.begin(now);
    const effects: Effect[] = [];
    switch (input.kind) {
      case 'message':
        this.#offer(input, now);
        break;
      case 'body':
        this.#receive(input.counter, input.bytes, effects, now);
        break;
      case 'moved':
        this.#move(input.portOnly === true, now);
        break;
      case 'rerouted':
        this.#reroute(input.arrives);
        break;
      case 'doubt':
        this.#recovery.doubt();
        this.#outgoing.speak();
        break;
      case 'ping':
        this.#outgoing.speak();
        break;
      case 'limit':
        this.#outgoing.limit(input.rate);
        break;
      case 'close':
        this.#outgoing.close(input.reason, effects, now);
        this.#end('us', input.reason, effects);
        break;
      case 'tick':
        this.#tick(effects, now);
        break;
    }
    if (this.#closed) return effects;
    this.#outgoing.flush(effects, now);
    this.#demand.watch(effects, now);
    return effects;
  }

  wake(): Instant | undefined {
    if (this.#closed) return undefined;
    if (this.#wake === 'unknown') this.#wake = this.#next();
    return this.#wake;
  }

  #next(): Instant | undefined {
    const { flight, rtt, outbox } = this.#parts;
    let wake = earliest(flight.wake(rtt, ACK_PATIENCE), outbox.wake());
    wake = earliest(wake, this.#outgoing.wake());
    wake = earliest(wake, this.#quiet.wake());
    if (this.#recovery.inDoubt) wake = earliest(wake, this.#now);
    return earliest(wake, this.#silence.wake());
  }

  stats(now: Instant = this.#now): Stats {
    const { rtt, outbox, flight, bbr } = this.#parts;
    return {
      rttMs: rtt.smoothed,
      latestRttMs: rtt.latest,
      lossRate: this.#recovery.lossRate,
      bytesInFlight: flight.bytes,
      deliveryRate: bbr.bandwidth * 1000,
      deliveredBytes: bbr.delivered,
      window: bbr.window,
      phase: bbr.phase,
      queued: outbox.bytes,
      sentPackets: this.#outgoing.packets,
      lostPackets: this.#recovery.lost,
      falselyLostPackets: this.#recovery.late,
      receivedPackets: this.#incoming.packets,
      duplicateMessages: this.#incoming.duplicates,
      expiredMessages: this.#demand.expired,
      refusedBodies: this.#incoming.refused,
      probes: flight.probes,
      silentMs: this.#silence.lasts(now),
    };
  }

  #offer({ bytes, deadline, urgent }: Extract<Input, { kind: 'message' }>, now: Instant): void {
    if (bytes.length > MESSAGE_LIMIT) throw new Error(`message of ${bytes.length} bytes`);
    this.#silence.used(now);
    this.#parts.outbox.add(bytes, deadline ?? after(now, this.#patience), urgent === true, now);
    this.#demand.offered(bytes.length, now);
  }

  #receive(counter: number, bytes: Uint8Array, effects: Effect[], now: Instant): void {
    const closing = this.#incoming.receive(counter, bytes, effects, now);
    if (effects.some(({ kind }) => kind === 'deliver')) this.#silence.used(now);
    this.#silence.heard(now, this.#incoming.isSteady);
    if (closing !== undefined) this.#end('peer', closing, effects);
  }

  #move(portOnly: boolean, now: Instant): void {
    const { path, bbr, rtt } = this.#parts;
    path.moved(portOnly, now);
    this.#recovery.doubt();
    if (portOnly) return;
    bbr.reset();
    rtt.reset();
  }

  #reroute(arrives: boolean): void {
    const { path, bbr, rtt } = this.#parts;
    path.trusted();
    bbr.rerouted();
    rtt.reset();
    if (!arrives) this.#recovery.doubt();
    this.#outgoing.speak();
  }

  #tick(effects: Effect[], now: Instant): void {
    if (this.#silence.isEnd(now)) {
      this.#end('silence', 0, effects);
      return;
    }
    if (this.#recovery.tick(now)) this.#outgoing.probe();
    if (this.#quiet.tick(now)) {
      this.#outgoing.pingLoudly();
      effects.push({ kind: 'quiet' });
    }
    if (this.#silence.tick(now)) this.#outgoing.ping();
    if (this.#parts.path.failed(now)) effects.push({ kind: 'path', proven: false });
  }

  #end(by: 'peer' | 'us' | 'silence', reason: number, effects: Effect[]): void {
    this.#closed = true;
    effects.push({ kind: 'closed', by, reason });
  }
}
