import { Deadlines } from '../base/deadlines.ts';
import { after, type Instant, seconds } from '../base/time.ts';
import type { Feeding } from './feeding.ts';
import type { Peer } from './talk.ts';

/** A child that was told to go elsewhere and is still here. */
const MOVES_FOR = seconds(10);
/** Who helps out feeds more than it is to for so long: the rendezvous finds other places in a fraction of it. */
const HELPS_FOR = seconds(60);

/** Children over the number that is to be fed for long: who of them is told to look around, and who is fed no more. */
export class Surplus {
  readonly #feeding: Feeding;
  readonly #deadlines = new Deadlines<'shed' | 'help'>();
  /** Less can be sent than was promised to the children. */
  #isShrunk = false;

  constructor(feeding: Feeding) {
    this.#feeding = feeding;
  }

  wake(): Instant | undefined {
    return this.#deadlines.next();
  }

  /** So many children are fed from now on, and `most` while others have nobody. */
  resize(slots: number, most: number, now: Instant): void {
    const { brood } = this.#feeding;
    this.#isShrunk = most < brood.most;
    [brood.slots, brood.most] = [slots, most];
    this.#deadlines.set('shed', now);
    this.#help(now);
  }

  /** There is one child more; `isPromised`: another is to make room for it. */
  adopted(isPromised: boolean, now: Instant): void {
    if (isPromised) this.#deadlines.set('shed', after(now, MOVES_FOR));
    this.#help(now);
  }

  /** `cut`: to be fed no more. `told`: to be told to look for another parent, and fed until they have one. */
  due(now: Instant): { readonly cut: readonly Peer[]; readonly told: readonly Peer[] } {
    const [cut, told]: [Peer[], Peer[]] = [[], []];
    for (const name of this.#deadlines.due(now)) {
      switch (name) {
        case 'shed':
          this.#shed(cut, told, now);
          break;
        case 'help':
          // They were in need, and the rendezvous has found nothing else for them: now they look by themselves.
          told.push(...this.#feeding.brood.surplus(this.#feeding.brood.slots).map(({ peer }) => peer));
          this.#help(now);
      }
    }
    return { cut, told };
  }

  #help(now: Instant): void {
    if (!this.#feeding.brood.isCrowded) return;
    this.#deadlines.set('help', this.#deadlines.get('help') ?? after(now, HELPS_FOR));
  }

  #shed(cut: Peer[], told: Peer[], now: Instant): void {
    const over = this.#feeding.shed(this.#feeding.brood.most);
    // Who is over the number by a failure elsewhere is fed until it has found another; by less upload here, it had its time.
    if (this.#isShrunk) cut.push(...over.late);
    const asked = this.#isShrunk ? over.told : [...over.told, ...over.late];
    this.#isShrunk &&= asked.length > 0;
    told.push(...asked);
    if (asked.length > 0) this.#deadlines.set('shed', after(now, MOVES_FOR));
  }
}
