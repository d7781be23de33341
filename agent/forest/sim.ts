import { affords, spend } from '../base/allowance.ts';
import { at, type Instant, type Millis, ms, seconds } from '../base/time.ts';
import { between, type Random, seeded } from '../base/random.ts';
import { Heap } from '../base/heap.ts';
import type { MemberEffect, MemberInput, Role } from '../tree/talk.ts';
import { House, type Manner } from './house.ts';
import { Net } from './net.ts';
import { Registry } from './registry.ts';
import { BLOCK, Stream } from './stream.ts';
import { Tally } from './tally.ts';

export interface SimOptions {
  readonly seed: number;
  /** Children of one household at most. */
  readonly most: number;
  readonly tellEvery?: Millis;
  /** Carriers' blocks of addresses that households come from. */
  readonly prefixes?: number;
}

/** Nobody answers at the other end of a session: told after this, or later. */
const GONE_SOONEST = 5000;
const GONE_LATEST = 20_000;
/** Towards a child the stream itself shows it. */
const CHILD_GONE = 3000;
/** What a punch into the void takes. */
const VOID = 3000;
/** Blocks that a household gives to others for repair: at once, and per second for each of its slots. */
const RESERVE = 60;
const RESERVE_PER_SECOND = 6;
/** A household's prefix: one of so many blocks of a carrier's addresses. */
const PREFIXES = 500;

/**
 * 20,000 households in one process: the real plan, one real member machine each, a virtual clock, and a network that knows round
 * trips, lost messages and hard punches. Links that work cost nothing: a machine is woken when something changes for it.
 */
export class Sim {
  readonly random: Random;
  readonly net: Net;
  readonly tally = new Tally();
  readonly stream: Stream;
  readonly houses = new Map<number, House>();
  readonly registry: Registry;
  readonly most: number;
  now = 0;
  readonly #events = new Heap<() => void>();
  readonly #tellEvery: Millis;
  readonly #prefixes: number;
  #last = -1;
  steps = 0;
  /** How long households stayed with a parent that was not honest, in milliseconds. */
  readonly stays: number[] = [];

  constructor({ seed, most, tellEvery = seconds(60), prefixes = PREFIXES }: SimOptions) {
    this.random = seeded(seed);
    this.net = new Net(this.random);
    this.stream = new Stream(this.net, this.tally);
    this.most = most;
    this.#tellEvery = tellEvery;
    this.#prefixes = prefixes;
    this.registry = new Registry(this);
    const origin = this.enter(most, 'honest');
    this.registry.plant(origin);
  }

  at(when: number, what: () => void): void {
    this.#events.push(when, what);
  }

  run(until: number): void {
    for (let next = this.#events.next(); next !== undefined && next <= until; next = this.#events.next()) {
      this.now = next;
      this.#events.pop()?.();
    }
    this.now = until;
  }

  get clock(): Instant {
    return at(this.now);
  }

  /** A household that has said nothing yet. */
  enter(slots: number, manner: Manner): House {
    const id = ++this.#last;
    // Who lies about others comes from one street: prefixes are what costs something.
    const prefix = manner === 'slanderer' ? 'slum' : `p${this.random(this.#prefixes)}`;
    const house = new House(
      id,
      Math.min(this.most, slots),
      slots,
      prefix,
      this.random,
      this.#tellEvery,
      manner,
      this.now,
    );
    this.houses.set(id, house);
    this.step(house, { kind: 'start' });
    return house;
  }

  /** Without a word. */
  crash(house: House): void {
    if (!house.isAlive) return;
    this.#end(house);
    for (const [id] of house.sessions) {
      const isParent = house.source?.id === id;
      const wait = isParent ? CHILD_GONE : between(this.random, GONE_SOONEST, GONE_LATEST);
      this.at(this.now + wait, () => this.#lost(id, house.id));
    }
    this.registry.vanished(house);
  }

  /** In an orderly way. */
  leave(house: House): void {
    if (house.isAlive) this.step(house, { kind: 'leave' });
  }

  /** Two are brought together; `instead`: the child of the second that makes room for the first. */
  connect(a: number, b: number, role: Exclude<Role, 'child'>, instead?: number): void {
    const [one, other] = [this.houses.get(a), this.houses.get(b)];
    if (one?.isAlive !== true || a === b) return;
    this.step(one, { kind: 'introduced', peer: b, short: b, role });
    if (other?.isAlive !== true) {
      this.at(this.now + VOID, () => {
        this.step(one, { kind: 'lost', peer: b });
        this.registry.failed(a, b);
      });
      return;
    }
    this.step(other, { kind: 'introduced', peer: a, short: a, role: 'child', instead });
    const isThere = one.sessions.get(b) === true;
    if (!isThere)
      for (const [house, peer] of [
        [one, b],
        [other, a],
      ] as const)
        house.sessions.set(peer, false);
    this.at(this.now + (isThere ? 1 : this.net.punch(a, b)), () => this.#opened(one, other));
  }

  /** Gives one machine something, and does what it says. */
  step(house: House, input: MemberInput): void {
    if (!house.isAlive) return;
    this.#refresh(house);
    this.#act(house, input);
  }

  #act(house: House, input: MemberInput): void {
    this.steps++;
    const effects = house.member.step(input, this.clock);
    for (const effect of effects) this.#do(house, effect);
    if (!house.isAlive) return;
    this.#follow(house);
    this.#schedule(house);
  }

  /** While the stream flows, machines are not told of every piece of it, but that it does before anything else. */
  #refresh(house: House): void {
    const { source } = house;
    if (house.refreshed === this.now || source === undefined) return;
    house.refreshed = this.now;
    if (house.drought === undefined && house.playingSince !== undefined) {
      this.#act(house, { kind: 'heard', peer: source.id, what: 'data' });
      house.had = Math.max(house.had, this.stream.newest(house, this.now));
      this.#act(house, { kind: 'had', peer: source.id, number: house.had });
      this.#act(house, { kind: 'forwarded' });
    } else if (source.isAlive && source.feeding.has(house.id)) {
      this.#act(house, { kind: 'heard', peer: source.id, what: 'beat' });
      if (source.manner === 'holding') this.#act(house, { kind: 'hold', peer: source.id, since: ms(500), hops: 0 });
    }
  }

  #schedule(house: House): void {
    const isQuiet = house.drought === undefined && (house.playingSince !== undefined || house.id === 0);
    const wake = isQuiet ? house.member.errands() : house.member.wake();
    if (wake === undefined || wake >= house.wakeAt) return;
    const when = Math.max(wake, this.now + 0.5);
    house.wakeAt = when;
    this.at(when, () => {
      if (house.wakeAt !== when) return;
      house.wakeAt = Infinity;
      this.step(house, { kind: 'tick' });
    });
  }

  /** Its machine may have changed the parent. */
  #follow(house: House): void {
    const id = house.member.parent;
    const source = id === undefined ? undefined : this.houses.get(id);
    if (source === house.source) return;
    if (house.source !== undefined && house.source.manner !== 'honest' && house.source.manner !== 'slanderer')
      this.stays.push(this.now - house.since);
    house.source?.under.delete(house);
    [house.source, house.since] = [source, this.now];
    source?.under.add(house);
    this.tally.witness?.followed(house, this.now);
    if (source?.manner === 'slow') this.#crawl(house, source, this.now);
    if (source?.manner === 'corrupt') this.at(this.now + BLOCK, () => this.#spoil(house, source));
    this.#settle(house);
  }

  /** Works out anew whether the stream gets to a household. */
  #settle(house: House): void {
    if (!this.stream.isFed(house)) return this.#dry(house);
    const { source } = house;
    if (
      source === undefined ||
      (source.id !== 0 && (source.playingSince === undefined || source.drought !== undefined))
    )
      return this.#dry(house);
    if (house.playingSince === undefined) {
      for (const below of house.all()) {
        if (below.playingSince !== undefined || !this.stream.isFed(below)) continue;
        below.playingSince = this.now;
        below.refreshed = -1;
        this.#act(below, { kind: 'heard', peer: below.source?.id ?? 0, what: 'data' });
      }
    }
    if (house.drought === undefined) return;
    this.#tell(this.stream.wet(house, this.stream.newest(source, this.now), this.now), 'data');
  }

  #dry(top: House): void {
    for (const house of this.stream.dry(top, this.now)) {
      house.refreshed = this.now;
      const [peer, number] = [house.source?.id ?? -1, house.drought?.upTo ?? 0];
      if (this.tally.isCounting) this.tally.losses++;
      this.at(this.now, () => {
        if (!house.isAlive) return;
        this.#act(house, { kind: 'heard', peer, what: 'data' });
        this.#act(house, { kind: 'had', peer, number });
      });
    }
  }

  /** Something of the stream came to these. */
  #tell(houses: readonly House[], what: 'data'): void {
    for (const house of houses) {
      if (!house.isAlive) continue;
      house.refreshed = this.now;
      if (house.source !== undefined) this.#act(house, { kind: 'heard', peer: house.source.id, what });
      if (house.drought !== undefined)
        this.#act(house, { kind: 'had', peer: house.source?.id ?? -1, number: house.drought.upTo });
    }
  }

  #end(house: House): void {
    house.isAlive = false;
    this.houses.delete(house.id);
    if (house.playingSince !== undefined) this.tally.departures++;
    house.source?.under.delete(house);
    for (const child of [...house.under])
      this.at(this.now + this.net.oneWay(house.id, child.id), () => this.#cut(child, house));
  }

  /** Nothing comes from there any more. */
  #cut(child: House, parent: House): void {
    if (!child.isAlive || child.source !== parent) return;
    if (this.stream.isFed(child)) return;
    this.#dry(child);
  }

  #lost(id: number, peer: number): void {
    const house = this.houses.get(id);
    if (house === undefined || !house.sessions.delete(peer)) return;
    this.step(house, { kind: 'lost', peer });
  }

  #opened(one: House, other: House): void {
    for (const [house, peer] of [
      [one, other],
      [other, one],
    ] as const) {
      if (!house.isAlive) continue;
      if (!peer.isAlive) {
        this.at(this.now + VOID, () => this.#lost(house.id, peer.id));
        continue;
      }
      if (!house.sessions.has(peer.id)) continue;
      house.sessions.set(peer.id, true);
      this.step(house, { kind: 'open', peer: peer.id, rtt: ms(this.net.rtt(one.id, other.id)) });
    }
  }

  /** A message between two that have a session. */
  say(from: House, to: number, input: MemberInput): void {
    if (from.sessions.get(to) !== true) return;
    this.at(this.now + this.net.oneWay(from.id, to), () => {
      const house = this.houses.get(to);
      if (house?.sessions.has(from.id) === true) this.#receive(house, from, input);
    });
  }

  #receive(house: House, from: House, input: MemberInput): void {
    // A grandchild wants the place of a child: what that child acknowledged until now is known here.
    if (input.kind === 'subscribe' && input.instead !== undefined && this.houses.get(input.instead)?.source === house) {
      this.step(house, { kind: 'heard', peer: input.instead, what: 'beat' });
    }
    if (input.kind === 'hold' && from.manner === 'mute') return;
    this.step(house, input);
  }

  #do(house: House, effect: MemberEffect): void {
    const peer = house.id;
    switch (effect.kind) {
      case 'join':
        return this.registry.asked(house, effect.want, effect.avoid);
      case 'complain':
        return this.registry.complained(house, effect);
      case 'stand':
        return this.registry.stands(house);
      case 'meet':
      case 'move':
        return this.#introduce(house, effect);
      case 'subscribe':
        return this.say(house, effect.peer, { ...effect, peer });
      case 'unsubscribe':
      case 'refuse':
      case 'path':
      case 'roll':
        return this.say(house, effect.peer, { ...effect, peer });
      case 'hold':
      case 'standing':
      case 'leaving':
        for (const to of effect.peers) this.say(house, to, { ...effect, peer });
        return;
      case 'beat':
        return;
      case 'feed':
        house.feeding.add(effect.peer);
        if (house.id === 0) this.tally.copies = Math.max(this.tally.copies, house.feeding.size);
        return;
      case 'starve': {
        house.feeding.delete(effect.peer);
        const child = this.houses.get(effect.peer);
        if (child?.source === house)
          this.at(this.now + this.net.oneWay(house.id, child.id), () => this.#cut(child, house));
        return;
      }
      case 'ask':
        return this.#ask(house, effect.peer, effect.numbers);
      case 'drop':
        return this.#close(house, effect.peer);
      case 'left':
        this.#end(house);
        for (const id of house.sessions.keys())
          this.at(this.now + this.net.oneWay(house.id, id), () => this.#lost(id, house.id));
        this.registry.left(house);
    }
  }

  #close(house: House, peer: number): void {
    if (!house.sessions.delete(peer)) return;
    this.at(this.now + this.net.oneWay(house.id, peer), () => this.#lost(peer, house.id));
  }

  /** A household brings together two that it has sessions with. */
  #introduce(house: House, effect: Extract<MemberEffect, { kind: 'meet' | 'move' }>): void {
    if (effect.kind === 'move') {
      this.at(this.now + this.net.oneWay(house.id, effect.child), () =>
        this.connect(effect.child, effect.under, 'move'),
      );
      return;
    }
    const { via, short, role } = effect;
    this.at(this.now + this.net.oneWay(house.id, via), () => {
      const between = this.houses.get(via);
      if (between?.sessions.get(short) !== true || role === 'child') return;
      this.at(this.now + this.net.oneWay(house.id, via), () => this.connect(house.id, short, role));
    });
  }

  #ask(house: House, id: number, numbers: readonly number[]): void {
    this.at(this.now + this.net.oneWay(house.id, id), () => {
      const asked = this.houses.get(id);
      if (asked === undefined || (asked.manner !== 'honest' && asked.manner !== 'slanderer')) return;
      const newest = this.stream.newest(asked, this.now);
      const has = numbers.filter((number) => number <= newest).slice(0, this.#spend(asked, numbers.length));
      if (has.length === 0) return;
      this.at(this.now + this.net.oneWay(id, house.id), () => {
        if (!house.isAlive || house.drought === undefined) return;
        const reached = this.stream.mend(house, has, this.now);
        if (reached.length === 0) return;
        this.#act(house, { kind: 'had', peer: id, number: house.drought.upTo });
        this.#tell(reached.slice(1), 'data');
      });
    });
  }

  #spend(house: House, wanted: number): number {
    const rate = { burst: RESERVE, perSecond: RESERVE_PER_SECOND * Math.max(1, house.slots) };
    // What is there by now.
    affords(house.reserve, rate, 0, this.clock);
    const given = Math.min(wanted, Math.floor(house.reserve.level));
    spend(house.reserve, rate, given, this.clock);
    return given;
  }

  /** A parent that sends half of the stream: what its child has falls behind. */
  #crawl(child: House, parent: House, since: number): void {
    this.at(this.now + 200, () => {
      const by = (this.now - since) / 2;
      if (child.isAlive && child.source === parent && child.drought === undefined) {
        this.step(child, { kind: 'behind', by: ms(by) });
        this.#crawl(child, parent, since);
      } else for (const house of child.all()) if (house.drought === undefined) this.tally.late(by);
    });
  }

  #spoil(child: House, parent: House): void {
    if (child.source === parent) this.step(child, { kind: 'bad', peer: parent.id, proof: 1 });
  }
}
