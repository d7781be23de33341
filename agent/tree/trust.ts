import { keepNewest } from '../base/newest.ts';
import { after, type Instant, minutes, type Millis, ms, seconds } from '../base/time.ts';

/** One child may err or lie; two that don't share a prefix within this time are believed. */
const WITNESS_FOR = seconds(60);
const WITNESSES = 2;
/** After one complaint: long enough that a dead household is given no newcomers, short enough to be heard by another child soon. */
const DOUBTED_FOR = seconds(5);
/** Who feeds nobody although it said so feeds nobody for this long, twice as long each time it happens again within the longest of these. */
const DEMOTED_FOR: Millis = minutes(1);
const DEMOTED_MOST: Millis = minutes(60);
/** Who complains of more parents than this in the time is not heard: real parents do not fail that often. */
const COMPLAINTS_MOST = 4;
const COMPLAINTS_FOR = minutes(10);
/** Who was contradicted by a trial is not heard of that parent for so long: each word would cost another one. */
const REFUTED_FOR = minutes(10);
/** Between two looks whether somebody has tried it out. */
const TRIED_WITHIN = seconds(30);
/** Records that are kept; the oldest go first. */
const REMEMBERED = 20_000;

export type Complaint = 'silent' | 'slow' | 'corrupt';

export interface Witness {
  readonly node: string;
  readonly prefix: string;
}

interface Record {
  readonly witnesses: Map<string, Instant>;
  /** Prefixes of children that were contradicted, until when. */
  readonly refuted: Map<string, Instant>;
  doubtedUntil: Instant;
  demotedUntil: Instant;
  demotions: number;
  /** Its time is over, and somebody is to try it out. */
  isOnTrial: boolean;
}

/** What children say of their parents, and who is believed. */
export class Trust {
  readonly #records = new Map<string, Record>();
  readonly #complainers = new Map<string, Map<string, Instant>>();

  /** A child says that its parent failed it; `proven` by its signed bytes. True when this was the word that decided. */
  complain(by: Witness, against: string, proven: boolean, now: Instant): boolean {
    const isHeard = proven || (this.#isHeard(by.node, against, now) && this.#isNews(by, against, now));
    return isHeard && this.#speak(by, against, proven, now);
  }

  /** The same of somebody that was sent to try it out, and is heard whatever it said of others. */
  testify(by: Witness, against: string, now: Instant): boolean {
    return this.#speak(by, against, this.#records.get(against)?.isOnTrial === true, now);
  }

  /** `decides`: this word is enough by itself. */
  #speak(by: Witness, against: string, decides: boolean, now: Instant): boolean {
    const record = this.#record(against, now);
    record.doubtedUntil = after(now, DOUBTED_FOR);
    for (const [prefix, until] of record.witnesses) if (until <= now) record.witnesses.delete(prefix);
    record.witnesses.set(placeOf(by), after(now, WITNESS_FOR));
    if (!decides && record.witnesses.size < WITNESSES) return false;
    if (record.demotedUntil > now && !record.isOnTrial) return false;
    if (after(record.demotedUntil, DEMOTED_MOST) <= now) record.demotions = 0;
    record.witnesses.clear();
    record.isOnTrial = false;
    record.demotedUntil = after(now, ms(Math.min(DEMOTED_MOST, DEMOTED_FOR * 2 ** record.demotions++)));
    return true;
  }

  /** A child has left it by itself: it may be on its way out. */
  hesitate(node: string, now: Instant): void {
    this.#record(node, now).doubtedUntil = after(now, DOUBTED_FOR);
  }

  /** Whether somebody of that prefix speaks against it already. */
  hasWitness(against: string, prefix: string, now: Instant): boolean {
    return (this.#records.get(against)?.witnesses.get(prefix) ?? 0) > now;
  }

  /** It was tried out and gave what it should. What children said of it stays said until it is old. */
  acquit(node: string, now: Instant): void {
    const record = this.#records.get(node);
    if (record === undefined) return;
    record.doubtedUntil = now;
    for (const [prefix, until] of record.refuted) if (until <= now) record.refuted.delete(prefix);
    for (const prefix of record.witnesses.keys()) record.refuted.set(prefix, after(now, REFUTED_FOR));
    // Who was demoted while somebody tried it out stays that.
    if (record.isOnTrial) record.demotedUntil = now;
    record.isOnTrial = false;
  }

  /** Its time is over: it has to be tried out first. False when it had that chance, and nobody came to say how it went. */
  prolong(node: string, now: Instant): boolean {
    const record = this.#records.get(node);
    if (record === undefined) return false;
    record.isOnTrial = !record.isOnTrial;
    if (record.isOnTrial) record.demotedUntil = after(now, TRIED_WITHIN);
    return record.isOnTrial;
  }

  /** Not given children now. */
  isDoubted(node: string, now: Instant): boolean {
    return (this.#records.get(node)?.doubtedUntil ?? 0) > now;
  }

  /** Known to feed nobody. */
  isDemoted(node: string, now: Instant): boolean {
    return (this.#records.get(node)?.demotedUntil ?? 0) > now;
  }

  /** When its word counts again. */
  until(node: string): Instant | undefined {
    const record = this.#records.get(node);
    return record === undefined || record.demotedUntil > record.doubtedUntil
      ? record?.demotedUntil
      : record.doubtedUntil;
  }

  /** What was said already, or was found false, counts no more by being said again. */
  #isNews(by: Witness, against: string, now: Instant): boolean {
    const { witnesses, refuted } = this.#records.get(against) ?? {};
    const [saidUntil, refutedUntil] = [witnesses, refuted].map((all) => all?.get(placeOf(by)) ?? 0);
    return Math.max(saidUntil ?? 0, refutedUntil ?? 0) <= now;
  }

  #isHeard(by: string, against: string, now: Instant): boolean {
    const said = this.#complainers.get(by) ?? new Map<string, Instant>();
    for (const [node, until] of said) if (until <= now) said.delete(node);
    if (!said.has(against) && said.size >= COMPLAINTS_MOST) return false;
    said.set(against, after(now, COMPLAINTS_FOR));
    keepNewest(this.#complainers, by, said, REMEMBERED);
    return true;
  }

  #record(node: string, now: Instant): Record {
    const record = this.#records.get(node) ?? {
      witnesses: new Map(),
      refuted: new Map(),
      doubtedUntil: now,
      demotedUntil: now,
      demotions: 0,
      isOnTrial: false,
    };
    keepNewest(this.#records, node, record, REMEMBERED);
    return record;
  }
}

/** Whoever shares it is one witness. */
function placeOf({ node, prefix }: Witness): string {
  return prefix === '' ? node : prefix;
}
