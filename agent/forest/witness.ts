import type { Drought, House } from './house.ts';

/** Sees what happens to each household. Instants are milliseconds of the simulation. */
export interface Witness {
  /** Nothing comes to it from above any more. */
  dried(house: House, now: number): void;
  /** The first block since then has come, by whatever way. */
  mended(house: House, drought: Drought, now: number): void;
  /** The stream is back. */
  flowed(house: House, drought: Drought, now: number): void;
  /** It has another parent, or none. */
  followed(house: House, now: number): void;
}
