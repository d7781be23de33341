/** The last minute, second by second: the latest that a block was in a break that ended in it, anywhere, in milliseconds. */
export class Strip {
  static readonly SECONDS = 60;
  readonly #worst: number[] = Array.from({ length: Strip.SECONDS }, () => 0);
  #second = 0;

  late(by: number, now: number): void {
    this.#turn(now);
    const last = Strip.SECONDS - 1;
    this.#worst[last] = Math.max(this.#worst[last] ?? 0, by);
  }

  /** Oldest first; the last is the second that runs. */
  worst(now: number): readonly number[] {
    this.#turn(now);
    return this.#worst.map(Math.round);
  }

  #turn(now: number): void {
    const second = Math.floor(now / 1000);
    const passed = Math.min(Strip.SECONDS, second - this.#second);
    this.#second = second;
    this.#worst.splice(0, passed);
    for (let i = 0; i < passed; i++) this.#worst.push(0);
  }
}
