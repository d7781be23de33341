import { after, at, type Instant, type Millis, ms, since } from '../base/time.ts';
import { Brood, type Child } from './brood.ts';
import type { MemberEffect, MemberInput, Peer, Short } from './talk.ts';
import { SUSPECT_AFTER } from './vigil.ts';

/** To each child, unless something of the stream went to it in the meantime. */
const BEAT = ms(50);
/** Two beats without the stream: children are told before they begin to wonder. */
const HOLD_AFTER = ms(100);

interface Guest {
  readonly short: Short;
  readonly instead: Short | undefined;
}

/** What the children of one household are told, and which of them there are. */
export class Feeding {
  readonly brood: Brood;
  #sent: Instant = at(0);
  #forwarded: Instant = at(0);

  constructor(slots: number, most: number | undefined, isStrict: boolean) {
    this.brood = new Brood(slots, most, isStrict);
  }

  wake(): Instant | undefined {
    return this.brood.size > 0 ? after(this.#sent, BEAT) : undefined;
  }

  /** Something of the stream went to all of them. */
  forwarded(now: Instant): void {
    this.#sent = this.#forwarded = now;
  }

  /** How long nothing of the stream has gone to them. */
  still(now: Instant): Millis {
    return since(this.#forwarded, now);
  }

  heard(peer: Peer, now: Instant): void {
    const child = this.brood.get(peer);
    if (child !== undefined && child.heard < now) child.heard = now;
  }

  /** It goes: whoever is its heir may have the place at once. */
  goes(peer: Peer): void {
    const child = this.brood.get(peer);
    if (child !== undefined) child.isLeaving = true;
  }

  /**
   * `dry`: how long nothing of the stream has come here; `hops`: households between us and the break; `isIdle`: there is no
   * stream to come. A pause between two pictures is not worth a word.
   */
  beat(dry: Millis, hops: number, isIdle: boolean, now: Instant): readonly MemberEffect[] {
    if (this.brood.size === 0 || since(this.#sent, now) < BEAT) return [];
    this.#sent = now;
    const { peers } = this.brood;
    if (dry < HOLD_AFTER) return [{ kind: 'beat', peers, idle: false }];
    return [isIdle ? { kind: 'beat', peers, idle: true } : { kind: 'hold', peers, since: dry, hops }];
  }

  /** Lets somebody in, or says why not. `path`: ourselves and everybody above. */
  ask(
    input: Extract<MemberInput, { kind: 'subscribe' }>,
    guest: Guest,
    path: readonly Short[],
    now: Instant,
  ): readonly MemberEffect[] {
    const isGone = ({ heard, isLeaving }: Child): boolean => isLeaving || since(heard, now) >= SUSPECT_AFTER;
    const reply = this.brood.ask(input, guest.short, path, guest.instead, isGone);
    if (reply.kind === 'no') return [{ kind: 'refuse', peer: input.peer, reason: reply.reason }];
    reply.child.heard = now;
    const { down, starve } = reply;
    const out: MemberEffect[] = starve === undefined ? [] : [{ kind: 'starve', peer: starve }];
    out.push({ kind: 'feed', peer: input.peer, from: input.from });
    // It is not to wonder first what has become of us.
    if (down !== undefined && down.peer === starve) out.push({ kind: 'leaving', peers: [down.peer] });
    if (down !== undefined) out.push({ kind: 'move', child: down.peer, under: guest.short });
    return out;
  }

  /**
   * More children than that number: some are told to look for another parent, and fed until they have one. `late`: who was told
   * before and is still here.
   */
  shed(number: number): { readonly told: readonly Peer[]; readonly late: readonly Peer[] } {
    const moving = new Set<Child>();
    for (const child of this.brood.all()) {
      if (child.isMoving) moving.add(child);
      child.isMoving = false;
    }
    const over = this.brood.surplus(number);
    for (const child of over) child.isMoving = true;
    const [late, told] = [over.filter((child) => moving.has(child)), over.filter((child) => !moving.has(child))];
    return { told: told.map(({ peer }) => peer), late: late.map(({ peer }) => peer) };
  }

  /** Tells those for whom it is news where we stand, and who takes our place if we go. */
  tellPath(path: readonly Short[]): readonly MemberEffect[] {
    const out: MemberEffect[] = [];
    const { heir } = this.brood;
    for (const child of this.brood.all()) {
      const isHeir = child === heir;
      if (child.isHeir === isHeir && child.path !== undefined && isSame(child.path, path)) continue;
      [child.path, child.isHeir] = [path, isHeir];
      out.push({ kind: 'path', peer: child.peer, path, heir: isHeir });
    }
    return out;
  }
}

function isSame(a: readonly Short[], b: readonly Short[]): boolean {
  return a.length === b.length && a.every((short, i) => short === b[i]);
}
