/** First byte of a peer message. 0x01-0x0f are control and belong to wire/peer.ts. */
export const MANIFEST = 0x10;
export const CHUNK = 0x11;

/** A transport stream packet. */
export const PACKET = 188;
/** Packets in a chunk: 1,128 bytes, so that a chunk with all headers fits a path of 1,280 bytes. */
export const CHUNK_PACKETS = 6;
/** Packets in a block, null packets counted: 21,056 bytes, 21 ms at 8 Mbit/s. Twice that would double the delay at the origin. */
export const BLOCK_PACKETS = 112;
export const CHUNKS_MOST = Math.ceil(BLOCK_PACKETS / CHUNK_PACKETS);
/** Which of the 112 places held a null packet, one bit each. */
export const MAP = 14;
/** 16 of SHA-256's 32 bytes: only second preimages matter here. */
export const HASH = 16;
export const CHANNEL_ID = 32;
export const SIGNATURE = 64;
/** Random bytes of one start of the origin: should an epoch ever be used twice, the keystream is not. */
export const SALT = 8;
/** By these a token is known to fit; one in 2^64 wrong ones does. */
export const CHECK = 8;
export const SEAL = SALT + CHECK;

/** What a block is, as bits of the manifest's flag byte. */
export const FLAG = {
  /** A viewer can start here: tables, if any, then the first packet of a video keyframe. */
  key: 1,
  /**
   * Another encoder, or the source was away: tables, clocks and counters of before do not hold any more, and new tables
   * come before the next key. Jumps the encoder itself announces in its packets do not count.
   */
  discontinuity: 2,
  /** PAT or PMT packets are inside. */
  tables: 4,
  /** No packets: the source is away; sent once a second so that everyone knows the tree still stands. */
  sourceDown: 8,
  /** The packets travel sealed with the channel's token. */
  sealed: 16,
} as const;
export const FLAGS_ALL = 31;
