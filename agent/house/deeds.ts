import { after, at, type Instant, ms, seconds } from '../base/time.ts';
import type { MemberEffect, Peer } from '../tree/talk.ts';
import { ROLL_MOST } from '../wire/peer.ts';
import type { Children } from './children.ts';
import type { Drought } from './drought.ts';
import type { KinOptions, Orders } from './kinship.ts';
import type { Relatives } from './relatives.ts';
import type { Supply } from './supply.ts';
import { say, tell } from './words.ts';

/** Whoever was silent for longer may be replaced by its own heir, who waited as long for it. */
export const ALIVE_WITHIN = ms(250);
/** A silent parent that does not come back by then is gone. */
const QUIET_FOR = seconds(5);
/** Several are asked at the same time. */
const HOLD_EVERY = ms(50);

export interface DeedsOptions extends Pick<KinOptions, 'channel' | 'silence' | 'isOrigin'> {
  readonly children: Children;
  readonly relatives: Relatives;
  readonly supply: Supply;
  readonly drought: Drought;
}

/** What becomes of the member's orders: words, blocks, sessions that end, questions to the rendezvous. */
export class Deeds {
  readonly #options: DeedsOptions;
  readonly #children: Children;
  readonly #relatives: Relatives;
  readonly #supply: Supply;
  readonly #drought: Drought;
  #heldAt: Instant = at(-Infinity);
  #dropped: { readonly pairId: number; readonly why: string } | undefined;

  constructor(options: DeedsOptions) {
    this.#options = options;
    this.#children = options.children;
    this.#relatives = options.relatives;
    this.#supply = options.supply;
    this.#drought = options.drought;
  }

  /** Why the session with that one ended: by us, and for which reason, or by itself. */
  whyLost(pairId: number): string {
    return this.#dropped?.pairId === pairId ? this.#dropped.why : 'gone';
  }

  /** Carries out one order. */
  act(effect: MemberEffect, now: Instant, out: Orders): void {
    switch (effect.kind) {
      case 'join': {
        const avoid = effect.avoid.flatMap((short) => this.#relatives.nodeOf(short) ?? []);
        out.push({ kind: 'join', want: effect.want, avoid: avoid.slice(-8) });
        return;
      }
      case 'meet':
        if (effect.role === 'parent' || effect.role === 'spare') {
          tell([effect.via], { kind: 'meet', short: effect.short, role: effect.role }, out);
        }
        return;
      case 'subscribe':
        this.#supply.subscribe(effect, out);
        return;
      case 'refuse':
        say(effect, this.#options.channel, now, out);
        if (effect.reason === 'full') this.#tellOthers(effect.peer, out);
        return;
      case 'beat':
      case 'hold':
      case 'unsubscribe':
      case 'path':
      case 'standing':
      case 'roll':
      case 'leaving':
        say(effect, this.#options.channel, now, out);
        return;
      case 'feed':
        this.#supply.feed(effect.peer, effect.from, now, out);
        return;
      case 'starve':
        this.dismiss(effect.peer, out);
        return;
      case 'ask':
        this.#drought.asked(now);
        this.#supply.ask(effect, out);
        this.tellHeld(now, out);
        return;
      case 'move':
        this.#move(effect.child, effect.under, out);
        return;
      case 'drop':
        this.#drop(effect.peer, effect.why, now, out);
        return;
      case 'complain': {
        const node = this.#relatives.nodeOf(effect.short);
        if (node !== undefined) out.push({ kind: 'complain', node, fault: effect.why });
        return;
      }
      case 'stand':
        this.#settle(effect.children, out);
        out.push({ kind: 'stand' });
        return;
      case 'left':
        out.push({ kind: 'left' });
    }
  }

  /** Feeds that one no more, if it did. */
  dismiss(pairId: number, out: Orders): void {
    if (!this.#children.remove(pairId)) return;
    out.push({ kind: 'event', name: 'child-left', fields: { pair: pairId } });
  }

  /** The child stays with us until the other feeds it; when they can't be brought together it looks around by itself. */
  #move(child: Peer, under: number, out: Orders): void {
    const other = this.#relatives.byShort(under);
    if (other !== undefined) out.push({ kind: 'acquaint', pairId: child, other: other.pairId, purpose: 'move' });
    else tell([child], { kind: 'leaving' }, out);
  }

  /** A silent parent may have lost its way, or a moment only: it may come back as long as nobody else feeds us. */
  #drop(pairId: Peer, why: string, now: Instant, out: Orders): void {
    this.#dropped = { pairId, why };
    this.dismiss(pairId, out);
    const relative = this.#relatives.get(pairId);
    if (relative?.isOpen === true && why === 'silent') {
      const isMute = this.#options.silence(pairId, now) >= ALIVE_WITHIN;
      relative.quiet = { until: after(now, QUIET_FOR), isMute };
      return;
    }
    this.#relatives.delete(pairId);
    out.push({ kind: 'drop', pairId, why });
  }

  /** We are being helped: what comes late from us is not our doing, and whoever is below us need not act. */
  tellHeld(now: Instant, out: Orders): void {
    const peers = this.#children.facts.map(({ pairId }) => pairId);
    if (peers.length === 0 || now < after(this.#heldAt, HOLD_EVERY)) return;
    this.#heldAt = now;
    say({ kind: 'hold', peers, since: HOLD_EVERY, hops: 0 }, this.#options.channel, now, out);
  }

  /** Who is turned away hears of those around us who have room. */
  #tellOthers(pairId: Peer, out: Orders): void {
    const short = this.#relatives.get(pairId)?.short ?? 0;
    const entries = this.#relatives.free(short).map((one) => ({ short: one.short, free: one.free, depth: one.depth }));
    if (entries.length > 0) tell([pairId], { kind: 'roll', entries: entries.slice(0, ROLL_MOST) }, out);
  }

  /** Feeds whom the member feeds, and besides them who is on its way out and has children of its own; not at the origin. */
  #settle(fed: readonly Peer[], out: Orders): void {
    for (const { pairId } of this.#children.facts) {
      const isKept = !this.#options.isOrigin && this.#relatives.get(pairId)?.isLeaving === true;
      if (!fed.includes(pairId) && !isKept) this.dismiss(pairId, out);
    }
  }
}
