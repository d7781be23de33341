import { type Millis, minutes, ms, seconds } from '../base/time.ts';

/*
 * What one introduction may cost the routers and carriers between two households. Reference: section 8 of our
 * notes on NAT traversal, where each figure has its source; the failures behind them are vnt-dev/vnt#200
 * (two 16384-entry tables filled in 9 s) and EasyTier#289 (a household and an office taken offline).
 */

/** Knocks of our own plan and answers, per attempt: a quarter of what filled a table in vnt#200's first second. */
export const MOST_DATAGRAMS = 512;
/** Datagrams in any one second, all peers of the household together; more has been taken for a flood (EasyTier#2165). */
export const MOST_PER_SECOND = 200;
/** Of these as many are kept for answers: a knock that came through is worth more than the next one of a spray. */
export const KEPT_FOR_ANSWERS = 20;
/** Bytes in any one second, all peers together: 128 kbit/s is felt by nobody's upload. */
export const MOST_BYTES_PER_SECOND = 16_000;
/** Peer addresses knocked at by our own plan: what an introduction carries, twelve, and as many nobody foresaw. */
export const MOST_TARGETS = 24;

/** New mappings of one attempt: a quarter of the 1024 that a Juniper gives a subscriber by default. */
export const MOST_MAPPINGS = 256;
/** A hundred a second, counted so that a walk of 128 may leave in one tick; and gm-quic's minute of cooling. */
export const MAPPINGS_AT_ONCE = { most: 128, within: ms(1280) } as const;
export const MAPPINGS_PER_MINUTE = { most: 512, within: minutes(1) } as const;
/** Flows (one of our sockets to one address) of one attempt: 99.9 % of a full birthday with 256 sockets; and per hour. */
export const MOST_FLOWS = 1750;
export const FLOWS_PER_HOUR = { most: 4000, within: minutes(60) } as const;
/** Datagrams of the volleys of one attempt, repetitions included: a birthday and half a minute of keeping its holes. */
export const MOST_SHOTS = 4096;
/** Many sockets times many ports is what filled two routers (vnt#200): more than this on one side, or on the other, never on both. */
export const MANY = 8;
/**
 * An attempt is a birthday with more than that: a block of 512 is none, nor is a lottery, which has many sockets for one port,
 * nor are several walks; their volleys are of other methods, and may have so many sockets.
 */
export const BIRTHDAY = { sockets: 80, flows: 640, others: 240 } as const;
/** One birthday at a time, and so long after its last datagram the next one (HyperDHT has the same). */
export const BETWEEN_BIRTHDAYS = seconds(20);
/** A volley of more than `shots` in one tick is a walk; two at a time, and one counts so long after its last step. */
export const WALKS = { shots: 16, most: 2, last: seconds(10) } as const;
/** Sockets open at once for all peers: a birthday, and the brackets of others beside it. Small systems have 1024 files. */
export const MOST_SOCKETS = 320;
/** Volleys of one pair under way at once. */
export const MOST_VOLLEYS = 16;
/** Holes live 30 s in most NATs; who has not been reached after twice that has to begin anew. */
export const LONGEST_KEEP = seconds(66);
/** Nobody forgets a mapping in less than 10 s: repeating more often than this only costs. */
export const SHORTEST_REFRESH = ms(1000);
/** Our own router's table: stop over this share of it, or with fewer entries free; looked at every so many shots. */
export const TABLE = { fullest: 0.6, leastFree: 2048, readEvery: 100 } as const;
/** Paced datagrams leave on this grid: one timer of Node drives them all. */
export const GRID = ms(5);
/** A volley that has had to wait so long for the limits stops. */
export const LONGEST_WAIT = ms(1000);
/** Knocks of a volley are at most so long, that 100 of them fit a second; its probes as well. */
export const SHOT_BYTES = 104;
/** What a knock of our own plan is reckoned at: it has any size from 96 to this. */
export const KNOCK_BYTES = 480;

/** Ports below are services of machines that did not ask for us (RFC 6335: system ports). */
export const LOWEST_PORT = 1024;

/** How long after a failed round the next one begins; then the household asks for a new introduction. */
export const RETRIES: readonly Millis[] = [seconds(2), seconds(8), seconds(30), seconds(120)];

/**
 * Simultaneous send, reference section 6.1: close together while the two starts may miss each other by a
 * little, then every 200 ms. Ten tries at 10 % loss each way all miss once in 10^7.
 */
export const SIMULTANEOUS: readonly Millis[] = [0, 30, 80, 150, 250, 400, 600, 800, 1000, 1200].map(ms);
/** One side lets the other in whenever it comes: there is nothing to be missed, and only what is lost is to be made good. */
export const DIAL: readonly Millis[] = [0, 100, 200, 400, 600, 800, 1000, 1200].map(ms);
/**
 * A peer whose NAT gives its port away to whoever writes first is not written to before it has written itself: until
 * it is known to have begun, only datagrams that die on the way open our own side (reference, finding 8). Behind one NAT
 * or two; a carrier's is further away and is opened by the first one that goes the whole way.
 */
export const SHORT_LIVED: readonly { readonly after: Millis; readonly ttl: number }[] = [
  { after: ms(0), ttl: 2 },
  { after: ms(0), ttl: 3 },
  { after: ms(100), ttl: 3 },
];
/** Nothing is heard of it, not even over a relay: an introduction that was lost comes again after 300 and 900 ms. */
export const HOLD_BACK = ms(1500);
/** After our own end of a round the rendezvous has so long to say why. */
export const VERDICT = seconds(1);
/** A viewer should not wait for punching: after this long without a direct path the rendezvous carries the datagrams. */
export const RELAY_AFTER = ms(300);
/** A LAN loses little, and behind a strange NAT the address may be a printer of ours: five tries. */
export const ON_LAN: readonly Millis[] = SIMULTANEOUS.slice(0, 5);
/** After hearing from an address nobody foresaw: the answer goes at once, then these in case it is lost. */
export const ADOPTED: readonly Millis[] = [100, 200, 400].map(ms);
/** Who can be dialled waits so long for the other side, then knocks too: the test of its filter may be out of date. */
export const LISTEN_FIRST = ms(300);
/** A whole round: the last knock, and the round trip to the other end of the world. */
export const ROUND = seconds(2);
/** A round that needs luck is only there in case a NAT was read wrongly. */
export const SHORT_ROUND = seconds(1);
/** A LAN path that comes this much later than another one is still preferred. */
export const LAN_GRACE = ms(50);
