import type { Address } from '../base/address.ts';
import { key } from '../base/address.ts';
import type { NatKind } from '../base/nat-profile.ts';
import type { SocketId } from '../base/net.ts';
import type { Method } from '../base/outcome.ts';
import { type Instant, since } from '../base/time.ts';
import type { Misfire } from '../base/volley.ts';
import type { Account, Attempt } from './account.ts';
import { BIRTHDAY, MOST_DATAGRAMS, MOST_FLOWS, MOST_MAPPINGS, MOST_SHOTS, RETRIES } from './limits.ts';
import { readingOf } from './prospect.ts';

/** Counts what one attempt at a pair costs, and asks the household's account for each datagram. */
export class Budget {
  readonly #account: Account;
  /** Our NAT gives a socket one port for all destinations. */
  readonly #isStable: boolean;
  #attempt: Attempt = {};
  #sent = 0;
  #knocks = 0;
  #shots = 0;
  #sockets = 0;
  /** Which method wrote to an address from a socket. */
  #flows = new Map<string, Method>();
  #mappings = new Set<string>();
  #judgedAt: Instant | undefined;

  constructor(account: Account, nat: NatKind) {
    this.#account = account;
    this.#isStable = readingOf({ kind: nat, step: 0 }) === 'stable';
  }

  /** Datagrams of all attempts. */
  get sent(): number {
    return this.#sent;
  }

  get attempt(): Attempt {
    return this.#attempt;
  }

  /** One datagram of the plan, or an answer; false when there is none left. */
  take(now: Instant, bytes: number): boolean {
    if (this.#knocks >= MOST_DATAGRAMS || !this.#account.knock(now, bytes)) return false;
    this.#knocks++;
    this.#sent++;
    return true;
  }

  /** May so many sockets be opened and so many datagrams be fired? Takes the sockets. */
  begin(method: Method, sockets: number, rounds: number, now: Instant): Misfire | undefined {
    this.#renew(now);
    if (this.#sockets + sockets > MOST_MAPPINGS) return 'mappings';
    if (this.#shots + rounds > MOST_SHOTS) return 'datagrams';
    const isBirthday = method === 'birthday';
    const manyFlows = isBirthday && this.#flows.size + rounds > BIRTHDAY.flows;
    if (manyFlows || this.#sockets + sockets > (isBirthday ? BIRTHDAY.sockets : BIRTHDAY.others)) {
      if (!this.#account.mayBeBirthday(this.#attempt, now)) return sockets > 0 ? 'mappings' : 'targets';
    }
    if (!this.#account.open(sockets)) return 'sockets';
    this.#sockets += sockets;
    return undefined;
  }

  /** One datagram of a volley, `to` undefined for a probe of that observer: taken, or which limit is in the way. */
  shoot(
    from: Muzzled,
    to: Address | number,
    method: Method,
    now: Instant,
  ): 'mappings' | 'datagrams' | 'targets' | undefined {
    const flow = `${from.socket} ${typeof to === 'number' ? to : key(to)}`;
    const mapping = this.#mappingOf(from, to);
    const isNew = { mapping: mapping !== undefined && !this.#mappings.has(mapping), flow: !this.#flows.has(flow) };
    if (this.#shots >= MOST_SHOTS) return 'datagrams';
    if (isNew.mapping && this.#mappings.size >= MOST_MAPPINGS) return 'mappings';
    if (isNew.flow && this.#flows.size >= MOST_FLOWS) return 'targets';
    if (this.#flows.size >= BIRTHDAY.flows && !this.#account.mayBeBirthday(this.#attempt, now)) return 'targets';
    const refused = this.#account.shot(isNew, now);
    if (refused !== undefined) return refused;
    this.#shots++;
    this.#sent++;
    this.#flows.set(flow, method);
    if (mapping !== undefined) this.#mappings.add(mapping);
    return undefined;
  }

  /** Which method wrote to that address from that socket, if one did. */
  methodOf(socket: SocketId, to: Address): Method | undefined {
    return this.#flows.get(`${socket} ${key(to)}`);
  }

  /** This attempt is over; the next volley begins another one, though not at once. The verdict may be said again. */
  judged(now: Instant): void {
    this.#judgedAt ??= now;
    this.#knocks = 0;
  }

  #renew(now: Instant): void {
    if (this.#judgedAt === undefined || since(this.#judgedAt, now) < SOONEST) return;
    this.#judgedAt = undefined;
    this.#attempt = {};
    this.#shots = 0;
    this.#sockets = 0;
    this.#flows = new Map();
    this.#mappings = new Set();
  }

  /** What our NAT would tell apart; undefined for the mapping that the main socket has anyway. */
  #mappingOf({ socket, main }: Muzzled, to: Address | number): string | undefined {
    if (this.#isStable) return main ? undefined : String(socket);
    return `${socket} ${typeof to === 'number' ? to : key(to)}`;
  }
}

/** The socket that fires. */
export interface Muzzled {
  readonly socket: SocketId;
  readonly main: boolean;
}

/** The first pause, less what a verdict may come later than the order that follows it. */
const SOONEST = 0.9 * (RETRIES[0] ?? 2000);
