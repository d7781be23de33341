import { seconds } from '../base/time.ts';
import type { Door, Refusal, Wish } from './client.ts';
import { type ErrandStep, inVain, RELEASED, type Task } from './errand.ts';
import { numberIn } from './mapping-actions.ts';
import { addPinhole, askFirewall, deletePinhole, readPinhole, updatePinhole } from './pinhole-actions.ts';
import type { Candidate } from './service.ts';
import type { Action, SoapAnswer } from './soap.ts';
import { afterPinholeFault } from './step.ts';

type State =
  | { readonly name: 'new' }
  | { readonly name: 'looking' }
  | { readonly name: 'adding' | 'updating'; readonly wish: Wish; readonly lifetime: number }
  /** Making sure that what was granted is there. */
  | { readonly name: 'reading'; readonly pinhole: number; readonly lifetime: number }
  /** Asking for a pinhole whose number we never heard, or lost: the same again is the same one, and is named. */
  | { readonly name: 'naming' }
  | { readonly name: 'deleting' };

/** What a pinhole gets that is asked for only to be deleted, s. */
const FOR_A_MOMENT = 60;
/** A UniqueID is a ui2. */
const HIGHEST = 65_535;

/**
 * One task at a gateway's firewall of IPv6, action by action to its end. There is no translation: the external port is our own, and so
 * is the address. Only ever for `own`: gateways refuse others, and we want no others.
 */
export class PinholeErrand {
  readonly #task: Task;
  readonly #candidate: Candidate;
  readonly #door: Door;
  readonly #held: number | undefined;
  #state: State = { name: 'new' };
  #asked = '';

  /** `held`: the number of the pinhole that is ours already. */
  constructor(options: {
    readonly task: Task;
    readonly candidate: Candidate;
    readonly door: Door;
    readonly held: number | undefined;
  }) {
    this.#task = options.task;
    this.#candidate = options.candidate;
    this.#door = options.door;
    this.#held = options.held;
  }

  /** The name of the action that waits for its answer. */
  get asked(): string {
    return this.#asked;
  }

  begin(): ErrandStep {
    const task = this.#task;
    switch (task.kind) {
      case 'look':
        this.#state = { name: 'looking' };
        return this.#post(askFirewall);
      case 'ask': {
        const { wish } = task;
        if (wish.exact === true && wish.external !== this.#door.port) return this.#refused('other-port');
        return this.#held === undefined ? this.#add(wish, wish.lifetime) : this.#update(wish, this.#held);
      }
      case 'release': {
        const pinhole = task.pinhole ?? (task.doubtful ? undefined : this.#held);
        if (pinhole !== undefined) return this.#delete(pinhole);
        this.#state = { name: 'naming' };
        return this.#post((type) => addPinhole(type, this.#door, task.external, FOR_A_MOMENT));
      }
    }
  }

  heard(answer: SoapAnswer): ErrandStep {
    const state = this.#state;
    switch (state.name) {
      case 'new':
        return this.#refused('bad-answer');
      case 'looking':
        return this.#looked(answer);
      case 'adding':
      case 'updating':
        return this.#made(state, answer);
      case 'reading':
        // A gateway that can't read back is believed for the moment; one that does not know its own pinhole is not.
        if (answer.kind === 'fault' && answer.code === NO_SUCH_ENTRY) return this.#refused('lying');
        return this.#granted(state.pinhole, state.lifetime);
      case 'naming': {
        const pinhole = answer.kind === 'done' ? idIn(answer.values) : undefined;
        return pinhole === undefined ? RELEASED : this.#delete(pinhole);
      }
      case 'deleting':
        return RELEASED;
    }
  }

  /** A firewall that is off needs no pinhole, and one that allows none gives none; one that will not say is asked. */
  #looked(answer: SoapAnswer): ErrandStep {
    const said = (name: string): string | undefined => (answer.kind === 'done' ? answer.values.get(name) : undefined);
    if (isNo(said('firewallenabled'))) return this.#refused('firewall-off');
    if (isNo(said('inboundpinholeallowed'))) return this.#refused('pinholes-forbidden');
    return { kind: 'end', effect: { kind: 'present', wan: this.#door.own } };
  }

  #add(wish: Wish, lifetime: number): ErrandStep {
    this.#state = { name: 'adding', wish, lifetime };
    return this.#post((type) => addPinhole(type, this.#door, this.#door.port, lifetime));
  }

  #update(wish: Wish, pinhole: number): ErrandStep {
    this.#state = { name: 'updating', wish, lifetime: wish.lifetime };
    return this.#post((type) => updatePinhole(type, pinhole, wish.lifetime));
  }

  #made({ name, wish, lifetime }: Extract<State, { name: 'adding' | 'updating' }>, answer: SoapAnswer): ErrandStep {
    if (answer.kind === 'done') {
      const pinhole = name === 'updating' ? this.#held : idIn(answer.values);
      return pinhole === undefined ? this.#refused('lying') : this.#read(pinhole, lifetime);
    }
    // It has started anew, or has never heard of updating: what it does not know any more is made again.
    if (name === 'updating') return this.#add(wish, wish.lifetime);
    const step = afterPinholeFault(answer.code, lifetime);
    return step.kind === 'again' ? this.#add(wish, step.lifetime) : this.#refused(step.reason);
  }

  #read(pinhole: number, lifetime: number): ErrandStep {
    this.#state = { name: 'reading', pinhole, lifetime };
    return this.#post((type) => readPinhole(type, pinhole));
  }

  #granted(pinhole: number, lifetime: number): ErrandStep {
    const { own: ip, port: external } = this.#door;
    const grant = { protocol: 'upnp', external, ip, lifetime: seconds(lifetime), permanent: false, pinhole } as const;
    return { kind: 'end', effect: { kind: 'granted', grant } };
  }

  #delete(pinhole: number): ErrandStep {
    this.#state = { name: 'deleting' };
    return this.#post((type) => deletePinhole(type, pinhole));
  }

  #post(action: (type: string) => Action): ErrandStep {
    const made = action(this.#candidate.service.type);
    this.#asked = made.name;
    return { kind: 'post', place: this.#candidate.place, action: made };
  }

  #refused(reason: Refusal): ErrandStep {
    return inVain(this.#task, reason, undefined);
  }
}

const NO_SUCH_ENTRY = 704;

function idIn(values: ReadonlyMap<string, string>): number | undefined {
  const id = numberIn(values, 'uniqueid');
  return id !== undefined && id <= HIGHEST ? id : undefined;
}

/** A boolean of UPnP that is false: UPnP Device Architecture 2.0, 2.5.1. */
function isNo(text: string | undefined): boolean {
  return text !== undefined && ['0', 'false', 'no'].includes(text.toLowerCase());
}
