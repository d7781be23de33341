import type { Machine } from '../base/machine.ts';
import type { NetEffect, NetInput } from '../base/net.ts';
import { REASONS, type Reason } from '../base/outcome.ts';
import { after, earliest, type Instant, isDue, type Millis } from '../base/time.ts';
import { Result, type ResultEffect, type ResultInput } from '../punch/result.ts';
import { Endpoint, type EndpointEffect, type EndpointInput, type EndpointOptions } from './endpoint.ts';
import type { HouseholdEvent } from './household.ts';

export interface PingOptions extends EndpointOptions {
  /** The household to reach. */
  readonly node: Uint8Array;
  readonly patience: Millis;
}

export type PingInput = NetInput | Extract<EndpointInput, { kind: 'start' | 'leave' | 'table' }>;
export type PingEffect =
  | NetEffect
  | ResultEffect
  | HouseholdEvent
  | Extract<EndpointEffect, { kind: 'unbound' | 'read-table' }>;

/** The one question it asks. */
const REQUEST = 1;

/** `hearth ping`: a whole new household's join, without a stream. */
export class Ping implements Machine<PingInput, PingEffect> {
  readonly endpoint: Endpoint;
  readonly #options: PingOptions;
  readonly #result: Result;
  #giveUpAt: Instant | undefined;
  #asked = false;

  constructor(options: PingOptions) {
    this.#options = options;
    this.endpoint = new Endpoint(options);
    this.#result = new Result({ patience: options.patience });
  }

  step(input: PingInput, now: Instant): readonly PingEffect[] {
    const out: PingEffect[] = [];
    if (input.kind === 'start') this.#giveUpAt = after(now, this.#options.patience);
    this.#reach(input, now, out);
    if (input.kind === 'tick') {
      out.push(...this.#result.step(input, now));
      if (!this.#asked && isDue(this.#giveUpAt, now)) this.#refuse('rendezvous-unreachable', now, out);
    }
    return out;
  }

  wake(): Instant | undefined {
    const patience = this.#asked ? undefined : this.#giveUpAt;
    return earliest(earliest(this.endpoint.wake(), this.#result.wake()), patience);
  }

  #reach(input: EndpointInput, now: Instant, out: PingEffect[]): void {
    for (const effect of this.endpoint.step(input, now)) this.#act(effect, now, out);
  }

  #act(effect: EndpointEffect, now: Instant, out: PingEffect[]): void {
    switch (effect.kind) {
      case 'send':
      case 'open':
      case 'close':
      case 'unbound':
      case 'read-table':
        out.push(effect);
        return;
      case 'ready':
        if (this.#asked) return;
        this.#asked = true;
        event(out, 'classified', { nat: effect.profile.kind, filtering: effect.profile.filtering });
        this.#learn({ kind: 'asked' }, now, out);
        this.#reach(
          { kind: 'introduce', request: REQUEST, node: this.#options.node, patience: this.#options.patience },
          now,
          out,
        );
        return;
      case 'introduced':
        event(out, 'introduced', { pair: effect.pairId, plan: effect.method });
        return;
      case 'refused':
        if (effect.request === REQUEST) this.#refuse(reasonOf(effect.reason), now, out);
        return;
      case 'peer':
        this.#hear(effect, now, out);
        return;
      case 'state':
        event(out, 'rendezvous', { state: effect.state });
        return;
      case 'http':
      case 'keep':
      case 'left':
      case 'moved':
      case 'channel-info':
      case 'published':
      case 'publish-refused':
        return;
      case 'event':
        out.push(effect);
        return;
    }
  }

  #hear({ what }: Extract<EndpointEffect, { kind: 'peer' }>, now: Instant, out: PingEffect[]): void {
    switch (what.kind) {
      case 'open':
      case 'direct':
      case 'relayed':
        event(out, `peer-${what.kind}`, { method: what.method, after_ms: Math.round(what.after) });
        this.#learn({ kind: 'carried', method: what.method }, now, out);
        return;
      case 'no-direct':
        event(out, 'no-direct', { reason: what.reason, again: what.again ? 'yes' : 'no' });
        this.#learn({ kind: 'gave-up', reason: what.reason, again: what.again }, now, out);
        return;
      case 'closed':
        this.#refuse(what.reason, now, out);
        return;
      case 'message':
      case 'slow':
      case 'expired':
        return;
    }
  }

  #refuse(reason: Reason, now: Instant, out: PingEffect[]): void {
    this.#asked = true;
    this.#learn({ kind: 'refused', reason }, now, out);
  }

  #learn(input: ResultInput, now: Instant, out: PingEffect[]): void {
    out.push(...this.#result.step(input, now));
  }
}

/** A rendezvous' no in the words of the contract. */
function reasonOf(word: string): Reason {
  return REASONS.find((reason) => reason === word) ?? 'refused';
}

function event(out: PingEffect[], name: string, fields: HouseholdEvent['fields']): void {
  out.push({ kind: 'event', name, fields });
}
