import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { StreamReader } from '../../agent/media/reader.ts';
import { findExcerpt, judgeContinuity, withoutNulls } from './continuity.ts';
import { type Counter, Lab, type Space } from './lab.ts';
import { describeInLab } from './missing.ts';
import type { Captured } from './pcap.ts';
import { codecsOf, play, type Recording, record } from './picture.ts';
import { channelOf, pause, States, until } from './programs.ts';
import { RTT_MS, startWalk, type Walk } from './walk.ts';

/** How long ffmpeg watches. */
const WATCHED_S = 30;
/** A rebinding may cost this and a round trip. */
const GAP_MS = 100;
/** A viewer is given so many cached tables at most before its first keyframe: the PAT and the PMT. */
const TABLES = 2;

describeInLab('From an encoder to a television: two NATs, 25 ms and 2 % loss on every line', walking, [
  'ffmpeg',
  'ffprobe',
  'curl',
]);

function walking(): void {
  const states = new States();
  let lab: Lab;
  let walk: Walk;
  /** On B's LAN, not the host the agent runs on. */
  let viewer: Space;
  let watched: Recording;
  let counters: Record<'originToA' | 'aToB' | 'originToB' | 'rendezvousToB', Counter>;

  beforeAll(async () => {
    lab = await Lab.create();
    walk = await startWalk(lab, states);
    const { a, b, origin, rendezvous } = walk;
    const [first = viewer, second = first] = b.house.hosts;
    viewer = second;
    counters = {
      originToA: lab.counter(origin.address, a.house.address),
      aToB: lab.counter(a.house.address, b.house.address),
      originToB: lab.counter(origin.address, b.house.address),
      rendezvousToB: lab.counter(rendezvous.space.addresses[0] ?? '', b.house.address),
    };
    watched = record(lab, viewer, b.live);
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.log(walk.logs());
  });

  afterAll(async () => {
    await lab?.close();
    states.remove();
  });

  test("B's television gets H.264 and AAC for 30 s without a continuity error", async () => {
    expect(await codecsOf(lab, viewer, walk.b.live)).toEqual(['aac', 'h264']);
    expect(await play(lab, viewer, walk.b.live, WATCHED_S)).toBe('');
    const stream = watched.bytes();
    const { packets, pids, errors } = judgeContinuity(stream);
    expect(errors).toEqual([]);
    const ours = readByOurselves(stream);
    expect({ gaps: ours.gaps, damaged: ours.damaged }).toEqual({ gaps: 0, damaged: 0 });
    expect(ours.keys).toBeGreaterThanOrEqual(WATCHED_S);
    console.log(
      `watched ${WATCHED_S} s: ${packets} packets of ${pids.size} PIDs, ${ours.keys} keyframes, 0 continuity errors; longest pause at the player ${watched.pause().toFixed(0)} ms`,
    );
  });

  test('What B plays is what the encoder gave the origin, byte for byte', () => {
    expectEqualBytes();
  });

  test('A feeds B directly, and the origin feeds A only', async () => {
    const [a, b] = [await channelOf(lab, walk.a.house.host, walk.a.url), await channelOf(lab, viewer, walk.b.url)];
    expect(a.children.map(({ node }) => node)).toEqual([walk.b.node]);
    expect(b.parent?.node).toBe(walk.a.node);
    expect(b.parent?.method).toBe('simultaneous');
    const { originToA, aToB, originToB, rendezvousToB } = counters;
    const streamed = watched.bytes().length;
    console.log(
      `player ${megabytes(streamed)}; origin→A ${told(originToA)}; A→B ${told(aToB)}; origin→B ${told(originToB)}; rendezvous→B ${told(rendezvousToB)}`,
    );
    expect(originToA.read().bytes).toBeGreaterThan(streamed);
    expect(aToB.read().bytes).toBeGreaterThan(streamed);
    // B knows the origin, in case A goes, says now and then that it is there, and has blocks mended by it that A is late with.
    expect(originToB.read().bytes).toBeLessThan(streamed / 20);
    expect(rendezvousToB.read().bytes).toBeLessThan(streamed / 100);
  });

  test('The NAT of B moves its flows to other ports twice in mid-stream: nothing is lost', async () => {
    const { a, b } = walk;
    const rtt = Math.max(RTT_MS, (await channelOf(lab, viewer, b.url)).parent?.rtt_ms ?? 0);
    // Inside the house: what its router throws away has not arrived.
    const capture = await lab.capture(b.house.host, 'eth0');
    await pause(2000);
    const moments: number[] = [];
    for (let i = 0; i < 2; i++) {
      moments.push(Date.now());
      await b.house.rebind();
      await pause(4000);
    }
    const arrived = (await capture.stop()).filter(({ from }) => from.ip === a.house.address);
    const gaps = moments.map((moment) => longestGap(arrived, moment - 100, moment + 2000));
    const usual = longestGap(arrived, 0, (moments[0] ?? 0) - 100);
    console.log(
      `rebound twice: gaps ${gaps.map((gap) => gap.toFixed(0)).join(' and ')} ms (bar ${GAP_MS} + RTT ${rtt.toFixed(0)}; usual ${usual.toFixed(0)}); ${new Set(arrived.map(({ to }) => to.port)).size} port at the host, ${arrived.length} datagrams`,
    );
    const { lost_blocks, skipped_blocks, refused_blocks, blocks, parent } = await channelOf(lab, viewer, b.url);
    console.log(`B: ${blocks} blocks, ${lost_blocks} lost, ${skipped_blocks} skipped, ${refused_blocks} refused`);
    expect({ lost_blocks, skipped_blocks, parent: parent?.node }).toEqual({
      lost_blocks: 0,
      skipped_blocks: 0,
      parent: a.node,
    });
    expect(judgeContinuity(watched.bytes()).errors).toEqual([]);
    expectEqualBytes();
    for (const gap of gaps) expect(gap).toBeLessThanOrEqual(GAP_MS + rtt);
  });

  test('An encoder that is killed and started again: the tree stays, and playing resumes by itself', async () => {
    const { a, b } = walk;
    const stands = async (): Promise<unknown> => {
      const [first, second] = [await channelOf(lab, a.house.host, a.url), await channelOf(lab, viewer, b.url)];
      return [first.parent?.node, first.children.map(({ node }) => node), second.parent?.node];
    };
    const before = await stands();
    await walk.encoder.stop('SIGKILL');
    await pause(6000);
    expect(await stands()).toEqual(before);
    const old = watched.bytes().length;
    const restarted = performance.now();
    walk.encodeAgain();
    await until(
      async () => watched.bytes().length,
      (length) => length > old + 1e6,
    );
    console.log(`encoder away for 6 s; 1 MB at the same player ${(performance.now() - restarted).toFixed(0)} ms after`);
    expect(await play(lab, viewer, b.live, 3)).toBe('');
    expect(await stands()).toEqual(before);
  });

  function expectEqualBytes(): void {
    const found = findExcerpt(withoutNulls(Buffer.concat(walk.fed)), withoutNulls(watched.bytes()), TABLES);
    if (typeof found === 'string') throw new Error(`not what the encoder gave: ${found}`);
    console.log(
      `equal: ${found.packets} packets in one piece, from packet ${found.from} of what the encoder gave, after ${found.tables} tables`,
    );
  }
}

function readByOurselves(stream: Uint8Array): StreamReader['stats'] {
  const reader = new StreamReader();
  for (let at = 0; at + 188 <= stream.length; at += 188) reader.read(stream, at);
  return reader.stats;
}

/** Longest time between two datagrams in a row of which one came in this time. */
function longestGap(arrived: readonly Captured[], from: number, to: number): number {
  return arrived.reduce((longest, { at }, i) => {
    const next = arrived[i + 1]?.at ?? at;
    return next > from && at < to ? Math.max(longest, next - at) : longest;
  }, 0);
}

function told(counter: Counter): string {
  const { packets, bytes } = counter.read();
  return `${packets} datagrams, ${megabytes(bytes)}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
