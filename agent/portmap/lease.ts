import { type Address, sameAddress } from '../base/address.ts';
import { type Backoff, interval } from '../base/backoff.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Machine } from '../base/machine.ts';
import type { SocketId } from '../base/net.ts';
import { between, type Random, randomBytes } from '../base/random.ts';
import { after, earliest, type Instant, minutes, ms, seconds } from '../base/time.ts';
import type { ClientInput, Door, Grant, Protocol, Refusal, Wish } from './client.ts';
import { Contenders, type Said } from './contenders.ts';
import { choose, type Standings } from './contest.ts';
import { Ears } from './ears.ts';
import { claim, type Mapping } from './mapping.ts';
import type { LeaseEffect, LeaseInput } from './orders.ts';
import { isBehindAnother } from './outside.ts';
import { NONCE_BYTES } from './pcp.ts';
import { inherit, type SavedLease } from './saved.ts';
import { Sweep } from './sweep.ts';

type State =
  | { readonly name: 'off' }
  | { readonly name: 'seeking' }
  | { readonly name: 'held'; readonly mapping: Mapping; readonly grant: Grant; readonly failures: number }
  /** Nobody gives us one; asked again later. */
  | { readonly name: 'resting' }
  | { readonly name: 'stopping' };

/** What we ask for: RFC 6886, 3.3 recommends two hours, and a leaked one is gone the same evening. */
const LIFETIME_S = 7200;
/** A gateway that gives less than twice this is asked later in its time, not more often. */
const LEAST_RENEWAL = seconds(15);
/** Longer leases end with the day: gateways forget sooner than they say. */
const LONGEST_LEASE = minutes(24 * 60);
const REST: Backoff = { first: seconds(30), factor: 2, most: minutes(15), jitter: 0.2 };
/** After a word from the gateway everybody in the house asks at once; so not quite at once. */
const HASTE = ms(500);
/** Announcements are repeated ten times, and anybody on the LAN can forge one. */
const BETWEEN_HASTES = seconds(10);
const FAREWELL = seconds(2);

/**
 * Keeps one UDP port of ours open at one gateway: asks PCP, NAT-PMP and UPnP, holds the best answer, renews it at half its life,
 * asks for the same external port again and again, notices a gateway that started anew or has another address, and
 * takes the mapping back at the end. What a gateway says is a claim until somebody outside has come in by it.
 */
export class Lease implements Machine<LeaseInput, LeaseEffect> {
  readonly #random: Random;
  readonly #newSocket: () => SocketId;
  readonly #newRequest: () => number;
  readonly #deadlines = new Deadlines<'patience' | 'renew' | 'expire' | 'haste' | 'retry' | 'farewell'>();
  readonly #sweep: Sweep;
  #state: State = { name: 'off' };
  #door: Door | undefined;
  #contenders: Contenders | undefined;
  #ears: Ears | undefined;
  #observed: string | undefined;
  /** The external port that we had last. */
  #external = 0;
  /** Leases that cannot be taken back from here and now. */
  #elsewhere: readonly SavedLease[] = [];
  /** What was last told to be kept, as text. */
  #kept = '';
  #rests = 0;
  #lastHaste: Instant | undefined;

  /**
   * `random` makes PCP's nonces too, so it must be one that nobody guesses. `newSocket` and `newRequest` give numbers that no other
   * machine of this household uses.
   */
  constructor(options: {
    readonly random: Random;
    readonly newSocket: () => SocketId;
    readonly newRequest: () => number;
  }) {
    this.#random = options.random;
    this.#newSocket = options.newSocket;
    this.#newRequest = options.newRequest;
    this.#sweep = new Sweep(options.newSocket);
  }

  /** How far each protocol has come with the gateway; undefined before the start. */
  get standings(): Standings | undefined {
    return this.#contenders?.standings;
  }

  /** What the gateway calls itself, over UPnP. */
  get gatewayName(): string | undefined {
    return this.#contenders?.gatewayName;
  }

  /** What came that was no good, by reason. */
  get refused(): ReadonlyMap<string, number> {
    return this.#contenders?.refused ?? new Map();
  }

  step(input: LeaseInput, now: Instant): readonly LeaseEffect[] {
    const effects = this.#take(input, now);
    // A datagram that moved nothing is most often none of ours; what it may have changed is told with the next tick.
    if (input.kind === 'datagram' && effects.length === 0) return effects;
    const leases = this.#leases();
    const text = JSON.stringify(leases);
    if (text === this.#kept) return effects;
    this.#kept = text;
    // Before what is asked, so that nothing is at a gateway that is not written down.
    return [{ kind: 'keep', leases }, ...effects];
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
        return [...this.#pass(input, now), ...this.#due(now)];
      case 'opened':
      case 'failed':
      case 'datagram': {
        const bytes = this.#ears?.heard(input);
        return this.#pass(bytes === undefined ? input : { kind: 'announced', bytes }, now);
      }
      case 'http-answered':
      case 'http-failed':
        return this.#pass(input, now);
    }
  }

  wake(): Instant | undefined {
    return [this.#contenders?.wake(), this.#sweep.wake()].reduce(earliest, this.#deadlines.next());
  }

  #start(door: Door, saved: readonly SavedLease[], now: Instant): LeaseEffect[] {
    const { external, nonce = randomBytes(this.#random, NONCE_BYTES), stale, elsewhere } = inherit(saved, door);
    const lost: LeaseEffect[] = this.#state.name === 'held' ? [{ kind: 'mapping', mapping: undefined }] : [];
    const closing = this.#close();
    this.#door = door;
    this.#external = external;
    this.#elsewhere = elsewhere;
    this.#rests = 0;
    const [random, newSocket, newRequest] = [this.#random, this.#newSocket, this.#newRequest];
    this.#ears = new Ears(door, newSocket);
    this.#contenders = new Contenders({ door, nonce, random, newSocket, newRequest });
    this.#sweep.begin(stale);
    return [...closing, ...lost, ...this.#ears.open(), ...this.#seek(now), ...this.#clean(now)];
  }

  /** Takes back what earlier runs left, after what matters more has been asked. */
  #clean(now: Instant): LeaseEffect[] {
    const { effects, upnp } = this.#sweep.start(now);
    return [
      ...effects,
      ...upnp.flatMap(({ external }) => this.#give('upnp', { kind: 'release', external, doubtful: true }, now)),
    ];
  }

  /** Asks everybody: PCP for the mapping at once, the others whether they are there. */
  #seek(now: Instant): LeaseEffect[] {
    this.#state = { name: 'seeking' };
    for (const timer of ['renew', 'expire', 'haste', 'retry'] as const) this.#deadlines.clear(timer);
    const rivals = this.#contenders?.protocols ?? [];
    for (const protocol of rivals) {
      this.#contenders?.stand(protocol, { name: protocol === 'pcp' ? 'asked' : 'looking', since: now });
    }
    const asking = rivals.flatMap((protocol) =>
      this.#give(protocol, protocol === 'pcp' ? { kind: 'ask', wish: this.#wish() } : { kind: 'look' }, now),
    );
    return [...asking, ...this.#choose(now)];
  }

  #wish(): Wish {
    const externalIp = this.#state.name === 'held' ? this.#state.grant.ip : undefined;
    return { external: this.#external, externalIp, lifetime: LIFETIME_S };
  }

  #choose(now: Instant): LeaseEffect[] {
    if (this.#state.name !== 'seeking' || this.#contenders === undefined) return [];
    const choice = choose(this.#contenders.standings, now);
    switch (choice.kind) {
      case 'hold':
        return this.#hold(choice.grant, now);
      case 'ask': {
        this.#contenders.stand(choice.protocol, { name: 'asked', since: now });
        const asking = this.#give(choice.protocol, { kind: 'ask', wish: this.#wish() }, now);
        return [...asking, ...this.#choose(now)];
      }
      case 'wait':
        if (choice.until !== undefined) this.#deadlines.set('patience', choice.until);
        return [];
      case 'none':
        this.#state = { name: 'resting' };
        this.#deadlines.set('retry', after(now, interval(REST, this.#rests++, this.#random)));
        return [];
    }
  }

  #hold(grant: Grant, now: Instant): LeaseEffect[] {
    const before = this.#state.name === 'held' ? this.#state.mapping : undefined;
    const lifetime = ms(Math.min(grant.lifetime, LONGEST_LEASE));
    const mapping = claim(grant, this.#observed, after(now, lifetime), before);
    this.#state = { name: 'held', mapping, grant, failures: 0 };
    this.#external = grant.external;
    this.#rests = 0;
    this.#deadlines.clear('patience');
    // RFC 6887, 11.2.1: between a half and five eighths of the lifetime.
    const half = lifetime * between(this.#random, 0.5, 0.625);
    this.#deadlines.set('renew', after(now, ms(Math.max(half, Math.min(LEAST_RENEWAL, lifetime * 0.8)))));
    this.#deadlines.set('expire', mapping.expires);
    return [{ kind: 'mapping', mapping }, ...verifying(mapping)];
  }

  #renew(now: Instant): LeaseEffect[] {
    if (this.#state.name !== 'held') return [];
    return this.#give(this.#state.mapping.protocol, { kind: 'ask', wish: this.#wish() }, now);
  }

  #seen(ip: string, now: Instant): LeaseEffect[] {
    if (this.#observed === ip) return [];
    const moved = this.#observed !== undefined;
    this.#observed = ip;
    const hurry = moved ? this.#hurry(now) : [];
    if (this.#state.name !== 'held') return hurry;
    const { mapping: before, grant } = this.#state;
    const mapping = claim(grant, ip, before.expires, before);
    this.#state = { ...this.#state, mapping };
    return [...hurry, { kind: 'mapping', mapping }, ...(mapping.state === 'claimed' ? verifying(mapping) : [])];
  }

  #judged(open: boolean, external: Address, now: Instant): LeaseEffect[] {
    if (this.#state.name !== 'held') return [];
    const { mapping } = this.#state;
    if (mapping.external === undefined || !sameAddress(mapping.external, external)) return [];
    if (!open && !isBehindAnother(mapping.outside)) return this.#disprove(mapping.protocol, now);
    const state = open ? 'verified' : 'closed';
    if (state === mapping.state) return [];
    const judged: Mapping = { ...mapping, state };
    this.#state = { ...this.#state, mapping: judged };
    return [{ kind: 'mapping', mapping: judged }];
  }

  /** The gateway gave what does not work: the next protocol may do better. */
  #disprove(protocol: Protocol, now: Instant): LeaseEffect[] {
    this.#contenders?.stand(protocol, { name: 'disproved' });
    const releasing = this.#give(protocol, { kind: 'release', external: this.#external, doubtful: false }, now);
    return [...this.#lose(), ...releasing, ...this.#choose(now)];
  }

  #lose(): LeaseEffect[] {
    this.#state = { name: 'seeking' };
    this.#deadlines.clear('renew');
    this.#deadlines.clear('expire');
    return [{ kind: 'mapping', mapping: undefined }];
  }

  /** Something happened to the gateway or to its line: ask again soon, once. */
  #hurry(now: Instant): LeaseEffect[] {
    if (this.#state.name !== 'held' && this.#state.name !== 'resting') return [];
    if (this.#deadlines.get('haste') !== undefined) return [];
    const soon = after(now, ms(between(this.#random, 0, HASTE)));
    const allowed = this.#lastHaste === undefined ? soon : after(this.#lastHaste, BETWEEN_HASTES);
    this.#deadlines.set('haste', soon > allowed ? soon : allowed);
    return [];
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
          this.#lastHaste = now;
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
    const mayHave = this.#contenders?.mayHave ?? [];
    this.#state = { name: 'stopping' };
    for (const timer of ['patience', 'renew', 'expire', 'haste', 'retry'] as const) this.#deadlines.clear(timer);
    this.#deadlines.set('farewell', after(now, FAREWELL));
    const external = this.#external === 0 ? (this.#door?.port ?? 0) : this.#external;
    const releasing = mayHave.flatMap((protocol) =>
      this.#give(protocol, { kind: 'release', external, doubtful: false }, now),
    );
    return [...releasing, ...this.#stoppedWhenDone()];
  }

  #stoppedWhenDone(): LeaseEffect[] {
    if (this.#state.name !== 'stopping') return [];
    const done = (this.#contenders?.releases ?? 0) === 0 && this.#sweep.left.length === 0;
    if (!done) return [];
    this.#contenders?.forget();
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
    const closing = [...(this.#ears?.close() ?? []), ...(this.#contenders?.close() ?? []), ...this.#sweep.close()];
    this.#ears = undefined;
    this.#contenders = undefined;
    for (const timer of ['patience', 'renew', 'expire', 'haste', 'retry', 'farewell'] as const) {
      this.#deadlines.clear(timer);
    }
    return closing;
  }

  #leases(): readonly SavedLease[] {
    return [...(this.#contenders?.saved(this.#external) ?? []), ...this.#sweep.left, ...this.#elsewhere];
  }

  #give(protocol: Protocol, input: ClientInput, now: Instant): LeaseEffect[] {
    return this.#react(this.#contenders?.give(protocol, input, now) ?? [], now);
  }

  #pass(input: ClientInput, now: Instant): LeaseEffect[] {
    const swept = this.#sweep.step(input, now);
    return [...swept, ...this.#react(this.#contenders?.step(input, now) ?? [], now), ...this.#stoppedWhenDone()];
  }

  #react(said: readonly Said[], now: Instant): LeaseEffect[] {
    return said.flatMap(({ protocol, effect }) => {
      switch (effect.kind) {
        case 'present':
          this.#contenders?.stand(protocol, { name: 'present', wan: effect.wan });
          return this.#choose(now);
        case 'granted':
          return this.#granted(protocol, effect.grant, now);
        case 'refused':
          return this.#refusedBy(protocol, effect.reason, effect.wan, now);
        case 'released':
          if (protocol === 'upnp') this.#sweep.sweptUpnp();
          return [];
        case 'rebooted':
          return this.#hurry(now);
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
      this.#contenders?.stand(protocol, { name: 'granted', grant });
      return renewed ? this.#hold(grant, now) : this.#choose(now);
    }
    // Too late. With the port that we have it is the same line of the gateway's table, and deleting it would be our loss.
    this.#contenders?.stand(protocol, { name: 'present', wan: grant.ip });
    if (name === 'held' && grant.external === this.#external) return [];
    return this.#give(protocol, { kind: 'release', external: grant.external, doubtful: false }, now);
  }

  #refusedBy(protocol: Protocol, reason: Refusal, wan: string | undefined, now: Instant): LeaseEffect[] {
    if (this.#state.name !== 'held' || this.#state.mapping.protocol !== protocol) {
      this.#contenders?.stand(protocol, { name: 'refused', reason, wan });
      return this.#choose(now);
    }
    if (reason === 'silent' || reason === 'slow') {
      const { failures } = this.#state;
      this.#state = { ...this.#state, failures: failures + 1 };
      this.#deadlines.set('renew', after(now, interval(REST, failures, this.#random)));
      return [];
    }
    return [...this.#lose(), ...this.#seek(now)];
  }
}

function verifying({ external }: Mapping): LeaseEffect[] {
  return external === undefined ? [] : [{ kind: 'verify', external }];
}
