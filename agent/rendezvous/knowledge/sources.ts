/** Those who have said most are remembered; who is not among them begins anew. */
const MOST = 32;
/** A source may always have this much. With it, 20 observations take three sources. */
const ALWAYS = 8;
/** And no more than this share of all. */
const SHARE = 1 / 3;
/** Numbers per source: its name, its weight, its opinion, and its standing: how often it spoke, faded by time only. */
const WIDTH = 4;

/** What became of one more word of a source. */
export type Hearing =
  /** It has enough of a say. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'taken' }
  /** It used to say something else, and takes back what is left of that. */
  | { readonly kind: 'changed'; readonly from: number; readonly weight: number };

/** Whose word a key's knowledge rests on: no single household, address or network may own it. */
export class Sources {
  /** 32 bytes for each, and most keys have one or two. */
  readonly #flat: number[] = [];
  #total = 0;

  /** `opinion`: any number that stands for what it says. */
  hear(source: number, opinion: number): Hearing {
    const place = this.#find(source);
    const before = place === undefined ? undefined : this.#flat[place + 2];
    const weight = place === undefined ? 0 : (this.#flat[place + 1] ?? 0);
    if (before !== undefined && before !== opinion) {
      this.#total += 1 - weight;
      this.#put(place ?? 0, source, 1, opinion);
      return { kind: 'changed', from: before, weight };
    }
    if (weight + 1 > Math.max(ALWAYS, (this.#total + 1) * SHARE)) return { kind: 'refused' };
    this.#total += 1;
    this.#put(place ?? this.#free(), source, weight + 1, opinion);
    return { kind: 'taken' };
  }

  knows(source: number): boolean {
    return this.#find(source) !== undefined;
  }

  /** Weight that was there before anybody's name was known: of an imported file. */
  inherit(weight: number): void {
    this.#total += weight;
  }

  /** All weights get less, because of the time or because much else was heard. */
  fade(factor: number, why: 'time' | 'room'): void {
    this.#total *= factor;
    for (let i = 0; i < this.#flat.length; i += WIDTH) {
      this.#flat[i + 1] = (this.#flat[i + 1] ?? 0) * factor;
      if (why === 'time') this.#flat[i + 3] = (this.#flat[i + 3] ?? 0) * factor;
    }
  }

  #find(source: number): number | undefined {
    for (let i = 0; i < this.#flat.length; i += WIDTH) if (this.#flat[i] === source) return i;
    return undefined;
  }

  #free(): number {
    return this.#flat.length < WIDTH * MOST ? this.#flat.length : this.#least();
  }

  #put(place: number, source: number, weight: number, opinion: number): void {
    const standing = this.#flat[place] === source ? (this.#flat[place + 3] ?? 0) : 0;
    this.#flat[place] = source;
    this.#flat[place + 1] = weight;
    this.#flat[place + 2] = opinion;
    this.#flat[place + 3] = standing + 1;
  }

  /** New names cost nothing, so they push out each other before any that has come again. */
  #least(): number {
    let place = 0;
    for (let i = WIDTH; i < this.#flat.length; i += WIDTH) {
      if ((this.#flat[i + 3] ?? 0) < (this.#flat[place + 3] ?? 0)) place = i;
    }
    return place;
  }
}
