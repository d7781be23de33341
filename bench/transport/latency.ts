export interface LatencyReport {
  readonly count: number;
  /** Sent in between and not here. */
  readonly missing: number;
  /** [p50, p99, most] in milliseconds, as they arrive and as they can be played in order. */
  readonly arrival: readonly [number, number, number];
  readonly ordered: readonly [number, number, number];
}

/** One-way latency of numbered messages, on arrival and in order; all processes of a bench share the clock. */
export class Latency {
  #arrival: number[] = [];
  #ordered: number[] = [];
  readonly #waiting = new Map<number, number>();
  #next: number | undefined;

  take(number: number, sentAt: number, now: number): void {
    this.#arrival.push(now - sentAt);
    this.#next ??= number;
    if (number < this.#next) return;
    this.#waiting.set(number, sentAt);
    for (let sent = this.#waiting.get(this.#next); sent !== undefined; sent = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next++);
      this.#ordered.push(now - sent);
    }
  }

  /** Starts counting anew, keeping the order. */
  mark(): void {
    this.#arrival = [];
    this.#ordered = [];
  }

  report(): LatencyReport {
    return {
      count: this.#arrival.length,
      missing: this.#waiting.size,
      arrival: summary(this.#arrival),
      ordered: summary(this.#ordered),
    };
  }
}

function summary(values: readonly number[]): [number, number, number] {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return [at(0.5), at(0.99), sorted.at(-1) ?? Number.NaN];
}
