import { baitOf } from '../base/bait.ts';
import { after, type Instant, type Millis, seconds } from '../base/time.ts';
import type { FromRendezvous, LineAsk, LineEnd, LineSeen, LineTest } from '../wire/messages.ts';
import type { Client } from './directory.ts';

/** Who asked may connect for so long. */
const GRANT: Millis = seconds(30);
/** One test makes four connections; a second one, by a neighbour behind the same address, finds room too. */
const PER_ADDRESS = 8;
/** In all of a grant. */
const PER_GRANT = 32;
const AT_ONCE = 256;
const GRANTS = 4096;
/** What a connection may bring and gets back; longer than any greeting that is tried. */
const MOST_BYTES = 2048;
/** What a report tells. */
const REPORTED = 8;
/** Of a greeting, enough to know it by. */
const BEGINNING = 32;

/** What a rendezvous says of its TCP side: the port, and the time of day where it knows it. */
export interface LineSide {
  readonly port: number;
  readonly clock: number;
}

interface Grant {
  readonly until: Instant;
  /** The latest ones. */
  visits: readonly LineVisit[];
  begun: number;
}

/** One connection: echoed byte for byte as far as it may go. */
export class LineVisit {
  readonly #over: () => void;
  readonly #begins: number[] = [];
  #received = 0;
  #end: LineEnd = 'open';

  /** `over` is called once, at the end. */
  constructor(over: () => void) {
    this.#over = over;
  }

  get seen(): LineSeen {
    const content = this.#received === 0 ? 'nothing' : (baitOf(Uint8Array.from(this.#begins)) ?? 'other');
    return { content, received: this.#received, sent: this.#received, end: this.#end };
  }

  get isOpen(): boolean {
    return this.#end === 'open';
  }

  /** What to send back; undefined once it has brought more than it may, and is to be closed. */
  heard(bytes: Uint8Array): Uint8Array | undefined {
    for (const byte of bytes.subarray(0, BEGINNING - this.#begins.length)) this.#begins.push(byte);
    const echo = bytes.subarray(0, MOST_BYTES - this.#received);
    this.#received += echo.length;
    return echo.length < bytes.length ? undefined : echo;
  }

  /** The first end is the one that counts. */
  ended(end: Exclude<LineEnd, 'open'>): void {
    if (this.#end !== 'open') return;
    this.#end = end;
    this.#over();
  }
}

/**
 * Tests of what becomes of TCP connections on the way: households that have a session may connect for a short time, and
 * are told afterwards what their connections looked like from here. Everybody else is closed without a byte.
 */
export class LineTests {
  readonly #side: () => LineSide;
  /** By IP, the oldest first. */
  readonly #grants = new Map<string, Grant>();
  /** Connections that stand, by IP: they may outlive what allowed them. */
  readonly #standing = new Map<string, number>();
  #open = 0;
  #refused = 0;

  constructor(side: () => LineSide) {
    this.#side = side;
  }

  /** Connections that nobody had asked for, or too many. */
  get refused(): number {
    return this.#refused;
  }

  test({ address: { ip } }: Client, { request }: LineTest, answers: FromRendezvous[], now: Instant): [] {
    this.#forget(now);
    const { port, clock } = this.#side();
    const visits = this.#grants.get(ip)?.visits ?? [];
    this.#grants.delete(ip);
    if (port !== 0) this.#grants.set(ip, { until: after(now, GRANT), visits, begun: 0 });
    answers.push({ kind: 'line-ready', request, clock, port });
    return [];
  }

  ask({ address: { ip } }: Client, { request }: LineAsk, answers: FromRendezvous[]): [] {
    const lines = this.#grants.get(ip)?.visits ?? [];
    answers.push({ kind: 'line-report', request, lines: lines.map(({ seen }) => seen) });
    return [];
  }

  /** A connection from there; undefined where it may not be. Costs the same however many stand. */
  visit(ip: string, now: Instant): LineVisit | undefined {
    this.#forget(now);
    const grant = this.#grants.get(ip);
    const standing = this.#standing.get(ip) ?? 0;
    if (grant === undefined || standing >= PER_ADDRESS || grant.begun >= PER_GRANT || this.#open >= AT_ONCE) {
      this.#refused++;
      return undefined;
    }
    const visit = new LineVisit(() => this.#count(ip, -1));
    this.#count(ip, 1);
    grant.begun++;
    grant.visits = [...grant.visits, visit].slice(-REPORTED);
    return visit;
  }

  #count(ip: string, change: 1 | -1): void {
    const standing = (this.#standing.get(ip) ?? 0) + change;
    this.#open += change;
    if (standing === 0) this.#standing.delete(ip);
    else this.#standing.set(ip, standing);
  }

  #forget(now: Instant): void {
    for (const [ip, { until }] of this.#grants) {
      if (until > now && this.#grants.size < GRANTS) return;
      this.#grants.delete(ip);
    }
  }
}
