import type { Address } from '../base/address.ts';
import { type Backoff, interval } from '../base/backoff.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Machine } from '../base/machine.ts';
import type { NetInput } from '../base/net.ts';
import { after, earliest, type Instant, minutes, seconds } from '../base/time.ts';
import type { Door, Grant, HttpAnswer, Protocol, Refusal, Wish } from './client.ts';
import type { Said } from './contenders.ts';
import type { Standings } from './contest.ts';
import { Haste } from './haste.ts';
import { Ledger } from './ledger.ts';
import { claim, judged, type Mapping, renewal, seenAt } from './mapping.ts';
import type { LeaseEffect, LeaseInput } from './orders.ts';
import { type Heard, type Numbers, Parley } from './parley.ts';
import { inherit, type SavedLease } from './saved.ts';

type State =
  | { readonly name: 'off' }
  | { readonly name: 'seeking' }
  | { readonly name: 'held'; readonly mapping: Mapping; readonly failures: number }
  /** Nobody gives us one; asked again later. */
  | { readonly name: 'resting' }
  | { readonly name: 'stopping' };

/** What we ask for: RFC 6886, 3.3 recommends two hours, and a leaked one is gone the same evening. */
const LIFETIME_S = 7200;
const REST: Backoff = { first: seconds(30), factor: 2, most: minutes(15), jitter: 0.2 };
const FAREWELL = seconds(2);

const TIMERS = ['patience', 'renew', 'expire', 'haste', 'retry', 'farewell'] as const;

export interface LeaseOptions extends Numbers {
  /** What is asked for, s; two hours where nothing is said. */
  readonly lifetime?: number;
}

/**
 * Keeps one UDP port of ours open at one gateway: asks PCP, NAT-PMP and UPnP, holds the best answer, renews it at half its life,
 * asks for the same external port again and again, notices a gateway that started anew or has another address, and
 * takes the mapping back at the end. What a gateway says is a claim until somebody outside has come in by it.
 */
export class Lease implements Machine<LeaseInput, LeaseEffect> {
  readonly #options: LeaseOptions;
  readonly #haste: Haste;
  readonly #ledger = new Ledger();
  readonly #deadlines = new Deadlines<(typeof TIMERS)[number]>();
  #state: State = { name: 'off' };
  #door: Door | undefined;
  #parley: Parley | undefined;
  #observed: string | undefined;
  /** The external port that we had last. */
  #external = 0;
  /** Leases that cannot be taken back from here and now. */
  #elsewhere: readonly SavedLease[] = [];
  #rests = 0;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#haste = new Haste(options.random);
  }

  /** How far each protocol has come with the gateway; undefined before the start. */
  get standings(): Standings | undefined {
    return this.#parley?.contenders.standings;
  }

  /** What the gateway calls itself, over UPnP. */
  get gatewayName(): string | undefined {
    return this.#parley?.contenders.gatewayName;
  }

  /** What came that was no good, by reason. */
  get refused(): ReadonlyMap<string, number> {
    return this.#parley?.contenders.refused ?? new Map();
  }

  step(input: LeaseInput, now: Instant): readonly LeaseEffect[] {
    const effects = this.#take(input, now);
    // A datagram that moved nothing is most often none of ours; what it may have changed is told with the next tick.
    if (input.kind === 'datagram' && effects.length === 0) return effects;
    // Before what is asked, so that nothing is at a gateway that is not written down.
    return [...this.#ledger.keep(this.#leases()), ...effects];
  }

  #take(input: LeaseInput, now: Instant): readonly LeaseEffect[] {
    switch (input.kind) {
      case 'start':
        return this.#start(input.door, input.saved, now);
      case 'observed':
        return this.#seen(input.ip, now);
      case 'verified':
      case 'unverified':
        return this.#judged(input.kind === 'verified', input.external, now);
      case 'stop':
        return this.#stop(now);
      case 'tick':
        return [...this.#hear(input, now), ...this.#due(now)];
      case 'opened':
      case 'failed':
      case 'datagram':
      case 'http-answered':
      case 'http-failed':
        return this.#hear(input, now);
    }
  }

  wake(): Instant | undefined {
    return earliest(this.#parley?.wake(), this.#deadlines.next());
  }

  #start(door: Door, saved: readonly SavedLease[], now: Instant): LeaseEffect[] {
    const inheritance = inherit(saved, door);
    const lost: LeaseEffect[] = this.#state.name === 'held' ? [{ kind: 'mapping', mapping: undefined }] : [];
    const closing = this.#close();
    this.#door = door;
    this.#external = inheritance.external;
    this.#elsewhere = inheritance.elsewhere;
    this.#rests = 0;
    this.#parley = new Parley(door, this.#options, inheritance);
    this.#state = { name: 'seeking' };
    return [...closing, ...lost, ...this.#said(this.#parley.open(this.#wish(), now), now), ...this.#choose(now)];
  }

  #seek(now: Instant): LeaseEffect[] {
    this.#state = { name: 'seeking' };
    this.#clear('renew', 'expire', 'haste', 'retry');
    const said = this.#parley?.contenders.seek(this.#wish(), now) ?? [];
    return [...this.#react(said, now), ...this.#choose(now)];
  }

  #wish(): Wish {
    const { lifetime = LIFETIME_S } = this.#options;
    const externalIp = this.#state.name === 'held' ? this.#state.mapping.grant.ip : undefined;
    return { external: this.#external, externalIp, lifetime };
  }

  #choose(now: Instant): LeaseEffect[] {
    if (this.#state.name !== 'seeking' || this.#parley === undefined) return [];
    const { said, choice } = this.#parley.contenders.choose(this.#wish(), now);
    const asking = this.#react(said, now);
    switch (choice.kind) {
      case 'hold':
        return [...asking, ...this.#hold(choice.grant, now)];
      case 'wait':
        if (choice.until !== undefined) this.#deadlines.set('patience', choice.until);
        return asking;
      case 'none':
        this.#state = { name: 'resting' };
        this.#deadlines.set('retry', after(now, interval(REST, this.#rests++, this.#options.random)));
        return asking;
    }
  }

  #hold(grant: Grant, now: Instant): LeaseEffect[] {
    const mapping = claim(grant, this.#observed, this.#state.name === 'held' ? this.#state.mapping : undefined, now);
    this.#state = { name: 'held', mapping, failures: 0 };
    this.#external = grant.external;
    this.#rests = 0;
    this.#deadlines.clear('patience');
    this.#deadlines.set('renew', renewal(mapping, this.#options.random, now));
    this.#deadlines.set('expire', mapping.expires);
    return [{ kind: 'mapping', mapping }, ...verifying(mapping)];
  }

  #renew(now: Instant): LeaseEffect[] {
    if (this.#state.name !== 'held' || this.#parley === undefined) return [];
    const { protocol } = this.#state.mapping;
    return this.#react(this.#parley.contenders.give(protocol, { kind: 'ask', wish: this.#wish() }, now), now);
  }

  #seen(ip: string, now: Instant): LeaseEffect[] {
    if (this.#observed === ip) return [];
    const moved = this.#observed !== undefined;
    this.#observed = ip;
    if (moved) this.#hurry(now);
    if (this.#state.name !== 'held') return [];
    const mapping = seenAt(this.#state.mapping, ip, now);
    this.#state = { ...this.#state, mapping };
    return [{ kind: 'mapping', mapping }, ...(mapping.state === 'claimed' ? verifying(mapping) : [])];
  }

  #judged(open: boolean, external: Address, now: Instant): LeaseEffect[] {
    if (this.#state.name !== 'held') return [];
    const mapping = judged(this.#state.mapping, open, external);
    if (mapping === undefined) return [];
    if (mapping === 'disproved') return this.#disprove(this.#state.mapping.protocol, now);
    this.#state = { ...this.#state, mapping };
    return [{ kind: 'mapping', mapping }];
  }

  /** The gateway gave what does not work: the next protocol may do better. */
  #disprove(protocol: Protocol, now: Instant): LeaseEffect[] {
    this.#parley?.contenders.stand(protocol, { name: 'disproved' });
    return [...this.#lose(), ...this.#release(protocol, this.#external, now), ...this.#choose(now)];
  }

  #lose(): LeaseEffect[] {
    this.#state = { name: 'seeking' };
    this.#clear('renew', 'expire');
    return [{ kind: 'mapping', mapping: undefined }];
  }

  #release(protocol: Protocol, external: number, now: Instant): LeaseEffect[] {
    const said = this.#parley?.contenders.give(protocol, { kind: 'release', external, doubtful: false }, now) ?? [];
    return this.#react(said, now);
  }

  /** Something happened to the gateway or to its line: ask again soon, once. */
  #hurry(now: Instant): void {
    if (this.#state.name !== 'held' && this.#state.name !== 'resting') return;
    if (this.#deadlines.get('haste') === undefined) this.#deadlines.set('haste', this.#haste.next(now));
  }

  #due(now: Instant): LeaseEffect[] {
    return this.#deadlines.due(now).flatMap((timer) => {
      switch (timer) {
        case 'patience':
          return this.#choose(now);
        case 'renew':
          return this.#renew(now);
        case 'expire':
          return [...this.#lose(), ...this.#seek(now)];
        case 'haste':
          this.#haste.made(now);
          return this.#state.name === 'held' ? this.#renew(now) : this.#seek(now);
        case 'retry':
          return this.#seek(now);
        case 'farewell':
          return this.#stopped();
      }
    });
  }

  #stop(now: Instant): LeaseEffect[] {
    if (this.#state.name === 'stopping') return [];
    const mayHave = this.#parley?.contenders.mayHave ?? [];
    this.#state = { name: 'stopping' };
    this.#clear(...TIMERS);
    this.#deadlines.set('farewell', after(now, FAREWELL));
    const external = this.#external === 0 ? (this.#door?.port ?? 0) : this.#external;
    return [...mayHave.flatMap((protocol) => this.#release(protocol, external, now)), ...this.#stoppedWhenDone()];
  }

  #stoppedWhenDone(): LeaseEffect[] {
    if (this.#state.name !== 'stopping' || this.#parley?.isIdle === false) return [];
    this.#parley?.contenders.forget();
    return this.#stopped();
  }

  /** What could not be taken back stays written down for the next run. */
  #stopped(): LeaseEffect[] {
    this.#elsewhere = this.#leases();
    const closing = this.#close();
    this.#state = { name: 'off' };
    return [...closing, { kind: 'stopped' }];
  }

  #close(): LeaseEffect[] {
    const closing = this.#parley?.close() ?? [];
    this.#parley = undefined;
    this.#clear(...TIMERS);
    return closing;
  }

  #clear(...timers: (typeof TIMERS)[number][]): void {
    for (const timer of timers) this.#deadlines.clear(timer);
  }

  #leases(): readonly SavedLease[] {
    return [...(this.#parley?.saved(this.#external) ?? []), ...this.#elsewhere];
  }

  #hear(input: NetInput | HttpAnswer, now: Instant): LeaseEffect[] {
    const heard = this.#parley?.hear(input, now);
    return heard === undefined ? [] : [...this.#said(heard, now), ...this.#stoppedWhenDone()];
  }

  #said({ effects, said }: Heard, now: Instant): LeaseEffect[] {
    return [...effects, ...this.#react(said, now)];
  }

  #react(said: readonly Said[], now: Instant): LeaseEffect[] {
    return said.flatMap(({ protocol, effect }) => {
      switch (effect.kind) {
        case 'present':
          this.#parley?.contenders.stand(protocol, { name: 'present', wan: effect.wan });
          return this.#choose(now);
        case 'granted':
          return this.#granted(protocol, effect.grant, now);
        case 'refused':
          return this.#refusedBy(protocol, effect.reason, effect.wan, now);
        case 'released':
          if (protocol === 'upnp') this.#parley?.released();
          return [];
        case 'rebooted':
          this.#hurry(now);
          return [];
        case 'send':
        case 'open':
        case 'close':
        case 'http':
          return [effect];
      }
    });
  }

  #granted(protocol: Protocol, grant: Grant, now: Instant): LeaseEffect[] {
    const { name } = this.#state;
    const renewed = this.#state.name === 'held' && this.#state.mapping.protocol === protocol;
    if (renewed || name === 'seeking') {
      this.#parley?.contenders.stand(protocol, { name: 'granted', grant });
      return renewed ? this.#hold(grant, now) : this.#choose(now);
    }
    // Too late. With the port that we have it is the same line of the gateway's table, and deleting it would be our loss.
    this.#parley?.contenders.stand(protocol, { name: 'present', wan: grant.ip });
    return name === 'held' && grant.external === this.#external ? [] : this.#release(protocol, grant.external, now);
  }

  #refusedBy(protocol: Protocol, reason: Refusal, wan: string | undefined, now: Instant): LeaseEffect[] {
    if (this.#state.name !== 'held' || this.#state.mapping.protocol !== protocol) {
      this.#parley?.contenders.stand(protocol, { name: 'refused', reason, wan });
      return this.#choose(now);
    }
    if (reason !== 'silent' && reason !== 'slow') return [...this.#lose(), ...this.#seek(now)];
    const { mapping, failures } = this.#state;
    this.#state = { name: 'held', mapping, failures: failures + 1 };
    this.#deadlines.set('renew', after(now, interval(REST, failures, this.#options.random)));
    return [];
  }
}

function verifying({ external }: Mapping): LeaseEffect[] {
  return external === undefined ? [] : [{ kind: 'verify', external }];
}
