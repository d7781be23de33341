import type { Sight, Weather } from './pressure.ts';
import type { Load } from './strain.ts';
import type { UploadKnown } from './upload.ts';

/** What the owner allows. */
export interface Allowed {
  /** Households fed in one channel at most, 0 to 8. */
  readonly children: number;
  /** What the line out carries, kbit/s; 0 where nobody has said it: then it is found out. */
  readonly uploadKbits: number;
  /** Of the line out, 0 to 1: what hearth may use. */
  readonly share: number;
}

export interface CapacityOptions extends Allowed {
  /** Channels that are taken. */
  readonly channels: number;
  /** What the line was before the last stop. */
  readonly known?: UploadKnown | undefined;
}

/** What the machine around us says of itself, about once a second. */
export interface Around extends Load {
  /** What other devices send out of the house, bytes per millisecond; undefined where that is not seen from here. */
  readonly others: number | undefined;
  /** What the interface to the line could carry, bytes per millisecond; undefined where it does not say. */
  readonly link: number | undefined;
}

/** One channel as it stands. */
export interface ChannelSight {
  /** Bytes per millisecond of the stream; undefined in its first second. */
  readonly rate: number | undefined;
  readonly children: number;
  /** What is missing was waited for too long already: the next thing to be seen is a gap. */
  readonly isLate: boolean;
}

export type CapacityInput =
  | ({ readonly kind: 'allowed' } & Allowed)
  | ({ readonly kind: 'around' } & Around)
  | { readonly kind: 'looked'; readonly sessions: readonly Sight[]; readonly channels: readonly ChannelSight[] };

/** Streams that one channel can be fed with; and whole ones while others have nobody. */
export interface Claim {
  readonly streams: number;
  readonly most: number;
}

export type CapacityEffect =
  /** That channel may feed so many from now on; `most` in need: the line carries them, whatever the owner's number is. */
  | { readonly kind: 'slots'; readonly channel: number; readonly slots: number; readonly most: number }
  /** To be told to the rendezvous: what each channel can feed. */
  | { readonly kind: 'tell'; readonly claims: readonly Claim[] }
  /** To be remembered. */
  | { readonly kind: 'learned'; readonly known: UploadKnown }
  | {
      readonly kind: 'event';
      readonly name: string;
      readonly fields: Readonly<Record<string, string | number>>;
    };

/** Where a figure comes from: nothing is known, the owner said it, it was measured, or the machine has no more to give. */
export type Source = 'assumed' | 'declared' | 'measured' | 'machine';

export interface CapacityView {
  readonly streams: readonly number[];
  readonly source: Source;
  /** Bytes per millisecond. */
  readonly upload: number | undefined;
  readonly others: number | undefined;
  readonly weather: Weather;
}
