import { between, type Random } from '../base/random.ts';
import { after, type Instant, type Millis, ms, seconds, since } from '../base/time.ts';
import { Line } from './line.ts';

/** A household gives others what it has kept; from less than this they could not begin at a key picture and keep going. */
export const RING_FIRST = seconds(1);
/** From being given a place to having that much: a punch (docs/traversal.md), the first blocks, the ring. */
const GENERATION: Millis = ms(RING_FIRST + 500);
const LONGEST = seconds(30);

/**
 * A crowd is let in generation by generation: a household gets children when it has something to give them. Those who pass the
 * stream on to two go first, for with each of them there is more room; the others follow as soon as none of these waits.
 */
export class Generations {
  readonly #ripening: { readonly node: string; readonly when: Instant }[] = [];
  #first = 0;
  readonly #builders = new Line();
  readonly #others = new Line();
  /** Placed, but with nothing to give yet: the slots that they will have. */
  readonly #young = new Map<string, number>();
  #coming = 0;

  /** Who pass the stream on to two and wait for a place. */
  get builders(): number {
    return this.#builders.size;
  }

  /** It has a place now, and will have slots of its own. */
  placed(node: string, slots: number): void {
    this.#builders.served(node);
    this.#others.served(node);
    this.#grow(node, slots);
  }

  /** From now on it receives the stream. */
  begin(node: string, now: Instant): void {
    this.#ripening.push({ node, when: after(now, RING_FIRST) });
  }

  forget(node: string): void {
    this.placed(node, 0);
  }

  /** Those that may have children from now on. */
  *ripe(now: Instant): Generator<string> {
    for (
      let next = this.#ripening[this.#first];
      next !== undefined && next.when <= now;
      next = this.#ripening[this.#first]
    ) {
      this.#first++;
      this.#grow(next.node, 0);
      yield next.node;
    }
    if (this.#first < 64 || this.#first * 2 < this.#ripening.length) return;
    this.#ripening.splice(0, this.#first);
    this.#first = 0;
  }

  wake(): Instant | undefined {
    return this.#ripening[this.#first]?.when;
  }

  /** When to ask again: when there will be room for all that stand in line before it. */
  wait(node: string, isBuilder: boolean, random: Random, now: Instant): Millis {
    const before = isBuilder ? this.#builders.before(node, now) : this.#builders.size;
    const generations = Math.log2(1 + before / Math.max(1, this.#coming));
    const next = Math.max(0, since(now, this.wake() ?? after(now, GENERATION)));
    const pause = ms(
      Math.min(LONGEST, next + generations * GENERATION) * between(random, 1, 1.2) + between(random, 20, 120),
    );
    if (isBuilder) this.#builders.enter(node, after(now, pause));
    else this.#others.enter(node, after(now, pause));
    return pause;
  }

  #grow(node: string, slots: number): void {
    this.#coming += slots - (this.#young.get(node) ?? 0);
    if (slots > 0) this.#young.set(node, slots);
    else this.#young.delete(node);
  }
}
