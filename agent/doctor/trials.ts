import type { Address } from '../base/address.ts';
import type { SocketId } from '../base/net.ts';
import type { Random } from '../base/random.ts';
import { earliest, type Instant, isDue } from '../base/time.ts';
import { Hairpin } from './hairpin.ts';
import { Series } from './series.ts';
import type { Sight } from './sight.ts';
import { SixSide } from './six-side.ts';
import { Sizes } from './sizes.ts';
import type { Place, Trial, TrialEffect, TrialInput } from './trial.ts';

/** All trials that observers take part in, side by side. */
export class Trials {
  readonly #series: Series;
  readonly #sizes: Sizes;
  readonly #hairpin: Hairpin;
  readonly #six: SixSide | undefined;
  readonly #all: readonly Trial[];

  /** `observers` as the rendezvous lists them, at least one; `ownSix`: our address of the IPv6 internet, where there is one. */
  constructor(observers: readonly Address[], ownSix: string | undefined, newSocket: () => SocketId, random: Random) {
    const places = observers.map((address, number): Place => ({ number, address }));
    const first = places[0] ?? { number: 0, address: { ip: '0.0.0.0', port: 0 } };
    const six = places.filter(({ address }) => address.ip.includes(':'));
    const [sixth] = six;
    this.#series = new Series(newSocket(), first);
    this.#sizes = new Sizes(newSocket(), oneOfEach(places, first));
    this.#hairpin = new Hairpin([newSocket(), newSocket()], first, random);
    this.#six = sixth && ownSix !== undefined ? new SixSide(newSocket(), ownSix, sixth, six) : undefined;
    this.#all = [this.#series, this.#sizes, this.#hairpin, ...(this.#six === undefined ? [] : [this.#six])];
  }

  get over(): boolean {
    return this.#all.every(({ over }) => over);
  }

  get sight(): Pick<Sight, 'trips' | 'largest' | 'hairpin' | 'six'> {
    return {
      trips: this.#series.result,
      largest: this.#sizes.largest,
      hairpin: this.#hairpin.came,
      six: this.#six && { external: this.#six.external, trials: this.#six.trials },
    };
  }

  begin(now: Instant): readonly TrialEffect[] {
    return this.#all.flatMap((trial) => trial.begin(now));
  }

  /** Undefined where that socket is none of theirs. */
  take(socket: SocketId, input: TrialInput, now: Instant): readonly TrialEffect[] | undefined {
    return this.#all.find(({ sockets }) => sockets.includes(socket))?.step(input, now);
  }

  tick(now: Instant): readonly TrialEffect[] {
    return this.#all.flatMap((trial) => (isDue(trial.wake(), now) ? trial.step({ kind: 'tick' }, now) : []));
  }

  wake(): Instant | undefined {
    return this.#all.reduce<Instant | undefined>((wake, trial) => earliest(wake, trial.wake()), undefined);
  }
}

/** One observer of each address, of the family that we came by. */
function oneOfEach(places: readonly Place[], { address: { ip } }: Place): readonly Place[] {
  const family = places.filter(({ address }) => address.ip.includes(':') === ip.includes(':'));
  return [...new Map(family.toReversed().map((place) => [place.address.ip, place])).values()].toReversed();
}
