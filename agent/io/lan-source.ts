/** What the LAN side needs of a channel. The ring of blocks/ring.ts fits this; bytes are handed on by reference. */
export interface LanSource {
  /** CHANNEL-ID, as it stands in the URL. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Why it cannot be shown here; undefined where it can. */
  readonly locked?: string | undefined;
  readonly ring: LanRing;
}

export interface LanRing {
  /** A cursor of its own, to start at the newest keyframe. */
  reader(): LanReader;
}

export interface LanReader {
  /**
   * The next bytes in order, whole packets of 188 bytes; undefined when there is nothing new yet. Begins with PAT and
   * PMT and then the newest block that opens with a video keyframe; a reader that has fallen off the ring gets the
   * same again. The same block is the same array for every reader, and nobody writes to it.
   */
  next(): Uint8Array | undefined;
  /** How often this reader fell off the ring and went on at a keyframe. */
  readonly jumps: number;
}
