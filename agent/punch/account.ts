import { after, type Instant, since } from '../base/time.ts';
import {
  BETWEEN_BIRTHDAYS,
  FLOWS_PER_HOUR,
  KEPT_FOR_ANSWERS,
  MAPPINGS_AT_ONCE,
  MAPPINGS_PER_MINUTE,
  MOST_BYTES_PER_SECOND,
  MOST_PER_SECOND,
  MOST_SOCKETS,
  SHOT_BYTES,
  TABLE,
  WALKS,
} from './limits.ts';
import { Rate } from './rate.ts';
import { seconds } from '../base/time.ts';

/** Room in any second for so many answers as short as a shot. */
const ANSWERS = 6;

/** Names an attempt; nothing but which one it is matters. */
export type Attempt = object;

/** What punching costs one household, all its peers together: it says no before a limit is passed. */
export class Account {
  readonly #datagrams = new Rate(MOST_PER_SECOND, seconds(1));
  readonly #bytes = new Rate(MOST_BYTES_PER_SECOND, seconds(1));
  readonly #mappings = [MAPPINGS_AT_ONCE, MAPPINGS_PER_MINUTE].map(({ most, within }) => new Rate(most, within));
  readonly #flows = new Rate(FLOWS_PER_HOUR.most, FLOWS_PER_HOUR.within);
  readonly #walks = new Map<Attempt, Instant>();
  #birthday: { readonly of: Attempt; readonly last: Instant } | undefined;
  #sockets = 0;
  #table: { readonly used: number; readonly most: number } | undefined;
  #unread = 0;

  /** One datagram of a plan or an answer, of so many bytes at most. */
  knock(now: Instant, bytes: number): boolean {
    if (this.#bytes.room(now) < bytes || !this.#datagrams.take(now)) return false;
    this.#bytes.add(now, bytes);
    return true;
  }

  /** One datagram of a volley: taken, or which limit is in the way. */
  shot(
    cost: { readonly mapping: boolean; readonly flow: boolean },
    now: Instant,
  ): 'mappings' | 'datagrams' | 'targets' | undefined {
    if (this.#datagrams.room(now) <= KEPT_FOR_ANSWERS) return 'datagrams';
    if (this.#bytes.room(now) < (1 + ANSWERS) * SHOT_BYTES) return 'datagrams';
    if (cost.mapping && this.#mappings.some((rate) => rate.room(now) < 1)) return 'mappings';
    if (cost.flow && this.#flows.room(now) < 1) return 'targets';
    this.#datagrams.add(now);
    this.#bytes.add(now, SHOT_BYTES);
    if (cost.mapping) for (const rate of this.#mappings) rate.add(now);
    if (cost.flow) this.#flows.add(now);
    this.#unread++;
    return undefined;
  }

  /** False when there would be too many sockets. */
  open(sockets: number): boolean {
    if (this.#sockets + sockets > MOST_SOCKETS) return false;
    this.#sockets += sockets;
    return true;
  }

  closed(): void {
    this.#sockets--;
  }

  /** One at a time; asked again at every datagram of it. */
  mayBeBirthday(attempt: Attempt, now: Instant): boolean {
    const other = this.#birthday;
    if (other !== undefined && other.of !== attempt && since(other.last, now) < BETWEEN_BIRTHDAYS) return false;
    this.#birthday = { of: attempt, last: now };
    return true;
  }

  mayWalk(attempt: Attempt, now: Instant): boolean {
    for (const [one, last] of this.#walks) if (after(last, WALKS.last) <= now) this.#walks.delete(one);
    if (!this.#walks.has(attempt) && this.#walks.size >= WALKS.most) return false;
    this.#walks.set(attempt, now);
    return true;
  }

  /** What our own router's table holds, where this machine is the router. */
  seeTable(used: number, most: number): void {
    this.#table = { used, most };
  }

  get isTableFull(): boolean {
    if (this.#table === undefined) return false;
    const { used, most } = this.#table;
    return used > TABLE.fullest * most || most - used < TABLE.leastFree;
  }

  /** Time to look at the table again; says so once. */
  tableIsDue(): boolean {
    if (this.#unread < TABLE.readEvery) return false;
    this.#unread = 0;
    return true;
  }
}
