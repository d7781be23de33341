import { type Address, sameAddress } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import { after, earliest, type Instant, seconds } from '../base/time.ts';
import type { Door } from './client.ts';
import { boundTo } from './door.ts';
import { Ledger } from './ledger.ts';
import { type GatewayReport, Link, type LinkEffect } from './link.ts';
import type { Mapping } from './mapping.ts';
import type { LeaseOptions } from './lease.ts';
import type { LeaseEffect, LeaseInput } from './orders.ts';
import { MOST_ELSEWHERE, type SavedLease } from './saved.ts';
import { upstreamOf } from './upstream.ts';

/** The gateways behind our gateway that are asked for the same port of its outside address. */
interface Upstream {
  /** Our gateway as they know it: who is named as their client. */
  readonly own: string;
  readonly port: number;
  /** Until then our own mapping is not tried from outside: theirs may be at the same address, and are worth more. */
  readonly hope: Instant;
  /** One, once one of them has granted. */
  links: readonly Link[];
}

/** What is asked for there, s: they tell us of no restart, so they are asked every ten minutes instead of every hour. */
const UPSTREAM_LIFETIME_S = 1200;
/** A gateway two hops away needs 50 ms for PCP and some 400 ms to be found by UPnP. */
const HOPE = seconds(1);

/**
 * Keeps one UDP port of ours open through the NATs of a house: at our gateway, and where that one has a private address itself
 * (double NAT), at the gateway behind it too. To those outside it is one mapping, the outermost. The gateway behind is
 * asked from here, through our own: it sees its client's address, and we name that one and the port that leads to us. What
 * is behind 100.64/10, or behind two gateways, is named by `outside` and left alone.
 */
export class Chain implements Machine<LeaseInput, LeaseEffect> {
  readonly #options: LeaseOptions;
  readonly #ledger = new Ledger();
  #inner: Link | undefined;
  #door: Door | undefined;
  #upstream: Upstream | undefined;
  /** Links that take back what they have. */
  #leaving: readonly Link[] = [];
  #state: 'off' | 'running' | 'stopping' = 'off';
  #observed: string | undefined;
  /** Where our own mapping is to be tried from outside, once nobody upstream gives a better one. */
  #owed: Address | undefined;
  /** Of gateways that are not asked now. */
  #elsewhere: readonly SavedLease[] = [];
  #told = 'undefined';

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Every gateway that is asked, our own first. */
  get gateways(): readonly GatewayReport[] {
    return this.#links.map((link) => link.report(this.#observed));
  }

  /** What came that was no good, by reason. */
  get refused(): ReadonlyMap<string, number> {
    const all = new Map<string, number>();
    for (const link of this.#links) {
      for (const [reason, count] of link.refused) all.set(reason, (all.get(reason) ?? 0) + count);
    }
    return all;
  }

  step(input: LeaseInput, now: Instant): readonly LeaseEffect[] {
    return [...this.#take(input, now), ...this.#follow(now), ...this.#tell()];
  }

  wake(): Instant | undefined {
    const waits = this.#owed !== undefined && this.#outer === undefined;
    const hope = waits ? this.#upstream?.hope : undefined;
    return [...this.#links, ...this.#leaving].map((link) => link.wake()).reduce(earliest, hope);
  }

  get #links(): readonly Link[] {
    return [...(this.#inner === undefined ? [] : [this.#inner]), ...(this.#upstream?.links ?? [])];
  }

  /** The one upstream that has granted. */
  get #outer(): Link | undefined {
    return this.#upstream?.links.find(({ mapping }) => mapping !== undefined);
  }

  #take(input: LeaseInput, now: Instant): LeaseEffect[] {
    switch (input.kind) {
      case 'start':
        return this.#start(input.door, input.saved, now);
      case 'stop':
        if (this.#state !== 'running') return [];
        this.#state = 'stopping';
        return this.#leaveUpstream(now);
      case 'verified':
      case 'unverified': {
        const { external } = this.#outer?.mapping ?? {};
        const outer = external !== undefined && sameAddress(external, input.external);
        return this.#give(outer ? this.#outer : this.#inner, input, now);
      }
      case 'observed':
        this.#observed = input.ip;
        return this.#links.flatMap((link) => this.#give(link, input, now));
      case 'opened':
      case 'failed':
      case 'datagram':
      case 'tick':
      case 'http-answered':
      case 'http-failed':
        return [...this.#links, ...this.#leaving].flatMap((link) => this.#give(link, input, now));
    }
  }

  #start(door: Door, saved: readonly SavedLease[], now: Instant): LeaseEffect[] {
    const leaving = this.#leaveUpstream(now);
    const here = saved.filter(({ gateway }) => gateway === door.gateway);
    this.#state = 'running';
    this.#door = door;
    this.#owed = undefined;
    if (this.#inner?.address !== door.gateway) {
      leaving.push(...this.#leave(this.#inner === undefined ? [] : [this.#inner], now));
      this.#inner = this.#link(door.gateway, 1);
    }
    // What is being taken back is the business of whoever does it.
    const left = new Set(this.#leaving.flatMap(({ kept }) => kept.map((lease) => JSON.stringify(lease))));
    const elsewhere = saved.filter((lease) => !here.includes(lease) && !left.has(JSON.stringify(lease)));
    this.#elsewhere = elsewhere.slice(0, MOST_ELSEWHERE);
    return [...leaving, ...this.#begin(this.#inner, door, here, now)];
  }

  #link(address: string, layer: number): Link {
    const { lifetime = Infinity } = this.#options;
    const upstream = { lifetime: Math.min(lifetime, UPSTREAM_LIFETIME_S) };
    return new Link(address, layer, { ...this.#options, ...(layer > 1 && upstream) });
  }

  #begin(link: Link, door: Door, saved: readonly SavedLease[], now: Instant): LeaseEffect[] {
    const ip = this.#observed;
    const seen = ip === undefined ? [] : this.#give(link, { kind: 'observed', ip }, now);
    return [...seen, ...this.#pass(link, link.start(door, saved, now))];
  }

  /** Does what follows from what the links have now. */
  #follow(now: Instant): LeaseEffect[] {
    this.#elsewhere = [...this.#elsewhere, ...this.#leaving.flatMap((link) => (link.stopped ? link.kept : []))];
    this.#leaving = this.#leaving.filter((link) => !link.stopped);
    switch (this.#state) {
      case 'off':
        return [];
      case 'stopping':
        return this.#goOnStopping(now);
      case 'running':
        return [...this.#goUpstream(now), ...this.#settle(now), ...this.#payBack(now)];
    }
  }

  /** The outer ones first: what leads to nowhere is worse than what is led to by nobody. */
  #goOnStopping(now: Instant): LeaseEffect[] {
    if (this.#leaving.length > 0) return [];
    if (this.#inner !== undefined) {
      const leaving = this.#leave([this.#inner], now);
      this.#inner = undefined;
      return [...leaving, ...this.#follow(now)];
    }
    this.#state = 'off';
    return [...this.#ledger.keep(this.#leases()), { kind: 'stopped' }];
  }

  /** Asks upstream where our gateway's mapping leads into another private network; again where it leads elsewhere now. */
  #goUpstream(now: Instant): LeaseEffect[] {
    const mapping = this.#inner?.mapping;
    // While our gateway has lost it, it is most likely made again as it was.
    if (mapping === undefined || this.#door === undefined) return [];
    if (mapping.outside !== 'double-nat') return this.#leaveUpstream(now);
    const { ip: own = '', external: port } = mapping.grant;
    const before = this.#upstream;
    if (before?.own === own && before.port === port) return [];
    const door = { own, port, from: boundTo(this.#door) };
    const hope = after(now, HOPE);
    if (before?.own === own) {
      this.#upstream = { ...before, port, hope };
      // Its lease sweeps what it has for the other port.
      return before.links.flatMap((link) => this.#begin(link, { ...door, gateway: link.address }, link.kept, now));
    }
    const leaving = this.#leaveUpstream(now);
    const links = upstreamOf(own, this.#door).map((address) => this.#link(address, 2));
    this.#upstream = { own, port, hope, links };
    return [
      ...leaving,
      ...links.flatMap((link) => this.#begin(link, { ...door, gateway: link.address }, this.#mine(link), now)),
    ];
  }

  /** What an earlier run left at this one; it is that link's business from now on. */
  #mine({ address }: Link): readonly SavedLease[] {
    const mine = this.#elsewhere.filter(({ gateway }) => gateway === address);
    this.#elsewhere = this.#elsewhere.filter((lease) => !mine.includes(lease));
    return mine;
  }

  /** Whoever grants first is the gateway; what others may have there is taken back. */
  #settle(now: Instant): LeaseEffect[] {
    const outer = this.#outer;
    if (outer === undefined || this.#upstream === undefined || this.#upstream.links.length === 1) return [];
    const others = this.#upstream.links.filter((link) => link !== outer);
    this.#upstream.links = [outer];
    return this.#leave(others, now);
  }

  /** Our own mapping is tried after all, for the NAT in front may let everything through. */
  #payBack(now: Instant): LeaseEffect[] {
    if (this.#owed === undefined || this.#outer !== undefined) return [];
    if (this.#upstream !== undefined && this.#upstream.links.length > 0 && now < this.#upstream.hope) return [];
    const external = this.#owed;
    this.#owed = undefined;
    return [{ kind: 'verify', external }];
  }

  #leaveUpstream(now: Instant): LeaseEffect[] {
    const links = this.#upstream?.links ?? [];
    this.#upstream = undefined;
    return this.#leave(links, now);
  }

  #leave(links: readonly Link[], now: Instant): LeaseEffect[] {
    this.#leaving = [...this.#leaving, ...links];
    return links.flatMap((link) => this.#give(link, { kind: 'stop' }, now));
  }

  #give(link: Link | undefined, input: LeaseInput, now: Instant): LeaseEffect[] {
    return link === undefined ? [] : this.#pass(link, link.step(input, now));
  }

  #pass(link: Link, said: readonly LinkEffect[]): LeaseEffect[] {
    return said.flatMap((effect): LeaseEffect[] => {
      switch (effect.kind) {
        case 'kept':
          return this.#ledger.keep(this.#leases());
        case 'verify':
          if (link !== this.#inner) return [effect];
          this.#owed = effect.external;
          return [];
        case 'send':
        case 'open':
        case 'close':
        case 'http':
          return [effect];
      }
    });
  }

  #leases(): readonly SavedLease[] {
    return [...[...this.#links, ...this.#leaving].flatMap(({ kept }) => kept), ...this.#elsewhere];
  }

  /** The outermost mapping, while there is a way from it to us. */
  #tell(): LeaseEffect[] {
    const inner = this.#inner?.mapping;
    const outer = this.#outer?.mapping;
    const mapping = inner === undefined || outer === undefined ? inner : joined(inner, outer);
    const text = JSON.stringify(mapping) ?? 'undefined';
    if (text === this.#told) return [];
    this.#told = text;
    return [{ kind: 'mapping', mapping }];
  }
}

function joined(inner: Mapping, outer: Mapping): Mapping {
  return {
    ...outer,
    layers: inner.layers + outer.layers,
    permanent: inner.permanent && outer.permanent,
    expires: inner.expires < outer.expires ? inner.expires : outer.expires,
  };
}
