import type { Instant } from './time.ts';

/**
 * The contract of everything that lives in time in this house.
 *
 * A machine never reads a clock, waits, sends, logs or draws randomness of its own; time, chance and
 * cryptographic primitives come in as arguments. The same machine runs on real sockets (io/drive.ts)
 * and on the virtual clock of the simulator (sim/world.ts).
 */
export interface Machine<Input, Effect> {
  /** Takes one thing that happened; answers with what must be done now. */
  step(input: Input, now: Instant): readonly Effect[];
  /** When it wants a tick; undefined while only the network can move it. */
  wake(): Instant | undefined;
}
