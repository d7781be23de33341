import { type Address, key, zoneOf } from '../base/address.ts';
import type { NetEffect, NetInput, SocketId } from '../base/net.ts';
import { after, earliest, type Instant, ms } from '../base/time.ts';
import type { Door } from './client.ts';
import { boundTo, isDistant, isSix } from './door.ts';
import { decodeSsdp, encodeSearch, SEARCH_TARGETS, SSDP, SSDP6 } from './ssdp.ts';
import type { Tally } from './tally.ts';
import { allowedLocation, type Place } from './url.ts';

/**
 * When to ask whom, ms. The gateway alone first: it answers at once, and its answer comes back through a firewall
 * that lets in what was asked for. Everybody for those that do not listen to it: they may take a second (MX).
 */
const PLAN: readonly { readonly at: number; readonly everybody: boolean }[] = [
  { at: 0, everybody: false },
  { at: 100, everybody: true },
  { at: 250, everybody: false },
  { at: 1000, everybody: true },
];
/** Whoever was asked last has had its second, and then some. */
const END = ms(2500);

/** A gateway has one description, or one for each version; others on its address are a disk or a player. */
const MOST_PLACES = 4;

export type Found =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'place'; readonly place: Place; readonly bootId: number | undefined }
  | { readonly kind: 'gave-up'; readonly reason: 'silent' | 'no-socket' };

const NOTHING: Found = { kind: 'nothing' };

/** One search for the descriptions of one gateway. Each place is named once. */
export class Search {
  readonly #socket: SocketId;
  readonly #door: Door;
  readonly #tally: Tally;
  readonly #places = new Set<string>();
  #from: Instant | undefined;
  #asked = 0;

  constructor(options: { readonly socket: SocketId; readonly door: Door; readonly tally: Tally }) {
    this.#socket = options.socket;
    this.#door = options.door;
    this.#tally = options.tally;
  }

  open(): NetEffect[] {
    // To and from a link-local gateway with our link-local address: nobody beyond the link can answer that.
    const ip = zoneOf(this.#door.gateway) === undefined ? boundTo(this.#door) : '::';
    return [{ kind: 'open', socket: this.#socket, ip, port: 0 }];
  }

  close(): NetEffect[] {
    return [{ kind: 'close', socket: this.#socket }];
  }

  step(input: NetInput, now: Instant): { readonly effects: readonly NetEffect[]; readonly found: Found } {
    switch (input.kind) {
      case 'opened':
        if (input.socket !== this.#socket) break;
        this.#from = now;
        return { effects: this.#due(now), found: NOTHING };
      case 'failed':
        if (input.socket !== this.#socket) break;
        return { effects: [], found: { kind: 'gave-up', reason: 'no-socket' } };
      case 'datagram':
        if (input.socket !== this.#socket) break;
        return { effects: [], found: this.heard(input.from.ip, input.bytes) };
      case 'tick':
        if (this.#from === undefined) break;
        if (now >= after(this.#from, END)) {
          this.#from = undefined;
          return { effects: [], found: { kind: 'gave-up', reason: 'silent' } };
        }
        return { effects: this.#due(now), found: NOTHING };
    }
    return { effects: [], found: NOTHING };
  }

  wake(): Instant | undefined {
    if (this.#from === undefined) return undefined;
    const next = PLAN[this.#asked];
    return earliest(after(this.#from, END), next && after(this.#from, ms(next.at)));
  }

  #due(now: Instant): NetEffect[] {
    const effects: NetEffect[] = [];
    for (let next = PLAN[this.#asked]; next !== undefined; next = PLAN[this.#asked]) {
      if (this.#from === undefined || now < after(this.#from, ms(next.at))) break;
      this.#asked++;
      const to = next.everybody ? everybody(this.#door) : { ip: this.#door.gateway, port: SSDP.port };
      if (to === undefined) continue;
      for (const target of SEARCH_TARGETS) {
        effects.push({ kind: 'send', socket: this.#socket, to, bytes: encodeSearch(target, to) });
      }
    }
    return effects;
  }

  /** What came from that IP: an answer, or a notification to everybody. */
  heard(from: string, bytes: Uint8Array): Found {
    if (from !== this.#door.gateway) return this.#no('not-the-gateway');
    const message = decodeSsdp(bytes);
    if (typeof message === 'string') return this.#no(message);
    if (message.kind === 'byebye') return NOTHING;
    const place = allowedLocation(message.location, this.#door.gateway);
    if (typeof place === 'string') return this.#no(place);
    const name = `${key(place.to)}${place.path}`;
    if (this.#places.has(name) || this.#places.size >= MOST_PLACES) return NOTHING;
    this.#places.add(name);
    return { kind: 'place', place, bootId: message.bootId };
  }

  #no(reason: string): Found {
    this.#tally.count(reason);
    return NOTHING;
  }
}

/** Where everybody on the gateway's link hears us; undefined where we are not on it, or it does not say which one it is. */
function everybody(door: Door): Address | undefined {
  const zone = zoneOf(door.gateway);
  if (isSix(door)) return zone === undefined ? undefined : { ip: `${SSDP6.ip}%${zone}`, port: SSDP6.port };
  return isDistant(door) ? undefined : SSDP;
}
