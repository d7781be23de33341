/** A whole block with every byte verified, or just cut by ourselves. Handed on by reference, never changed. */
export interface Block {
  readonly epoch: number;
  readonly number: number;
  /** Bits of FLAG. */
  readonly flags: number;
  /** Milliseconds from the start of the epoch to the first packet, by the origin's clock. */
  readonly time: number;
  /** The packets, null packets left out; a whole number of 188 bytes. As they travel, or `isClear`. */
  readonly bytes: Uint8Array;
  /** The packets can be read; false where a private channel is only passed on. */
  readonly isClear: boolean;
  /** The signed manifest message, which children get as it is. */
  readonly manifest: Uint8Array;
}
