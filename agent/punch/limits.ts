import { type Millis, ms, seconds } from '../base/time.ts';

/*
 * What one introduction may cost the routers and carriers between two households. Reference: section 8 of our
 * notes on NAT traversal, where each figure has its source; the failures behind them are vnt-dev/vnt#200
 * (two 16384-entry tables filled in 9 s) and EasyTier#289 (a household and an office taken offline).
 */

/** Datagrams per introduction, all rounds and answers included: a quarter of what filled a table in vnt#200's first second. */
export const MOST_DATAGRAMS = 512;
/** Datagrams in any one second; more has been taken for a flood (EasyTier#2165). */
export const MOST_PER_SECOND = 200;
/** Peer addresses knocked at per introduction: what an introduction carries, twelve, and as many nobody foresaw. */
export const MOST_TARGETS = 24;
/** Ports below are services of machines that did not ask for us (RFC 6335: system ports). */
export const LOWEST_PORT = 1024;

/** How long after a failed round the next one begins; then the household asks for a new introduction. */
export const RETRIES: readonly Millis[] = [seconds(2), seconds(8), seconds(30), seconds(120)];

/**
 * Simultaneous send, reference section 6.1: close together while the two starts may miss each other by a
 * little, then every 200 ms. Ten tries at 10 % loss each way all miss once in 10^7.
 */
export const SIMULTANEOUS: readonly Millis[] = [0, 20, 50, 100, 200, 400, 600, 800, 1000, 1200].map(ms);
/** A LAN loses little, and behind a strange NAT the address may be a printer of ours: five tries. */
export const ON_LAN: readonly Millis[] = SIMULTANEOUS.slice(0, 5);
/** After hearing from an address nobody foresaw: the answer goes at once, then these in case it is lost. */
export const ADOPTED: readonly Millis[] = [50, 150, 350].map(ms);
/** Who can be dialled waits so long for the other side, then knocks too: the test of its filter may be out of date. */
export const LISTEN_FIRST = ms(300);
/** A whole round: the last knock, and the round trip to the other end of the world. */
export const ROUND = seconds(2);
/** A round that needs luck is only there in case a NAT was read wrongly. */
export const SHORT_ROUND = seconds(1);
/** A LAN path that comes this much later than another one is still preferred. */
export const LAN_GRACE = ms(50);
