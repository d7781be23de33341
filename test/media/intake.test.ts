import { expect, test } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { Intake, type IntakeEffect, type IntakeInput } from '../../agent/media/intake.ts';
import type { Source } from '../../agent/media/source.ts';
import { continuityFaults, join, show } from './stream.ts';

/** No jitter: a backoff is exactly its plain length. */
const middle = (below: number): number => Math.floor(below / 2);

const FILE: Source = { kind: 'file', path: 'clip.ts', loop: true };
const UDP: Source = { kind: 'udp', ip: '0.0.0.0', port: 1, via: undefined, from: undefined };
const PULL: Source = { kind: 'http', url: 'http://host/' };
const PUSH: Source = { kind: 'http-listen', ip: '0.0.0.0', port: 1, path: '/', login: undefined };

const stream = show({ seconds: 2, pictures: 25, gop: 25 });

/** An intake on a clock that the test moves; every effect is written down. */
class Bench {
  readonly intake: Intake;
  now = 0;
  readonly log: IntakeEffect[] = [];

  constructor(source: Source) {
    this.intake = new Intake(source, middle);
    this.give({ kind: 'start' });
  }

  give(input: IntakeInput): readonly IntakeEffect[] {
    const effects = this.intake.step(input, at(this.now));
    this.log.push(...effects);
    return effects;
  }

  /** Lets time pass, ticking whenever the intake asks for it. */
  pass(span: number, act: (effect: IntakeEffect) => void = () => undefined): readonly IntakeEffect[] {
    const from = this.log.length;
    const end = this.now + span;
    for (let wake = this.intake.wake(); wake !== undefined && wake <= end; wake = this.intake.wake()) {
      this.now = Math.max(this.now, wake);
      for (const effect of this.give({ kind: 'tick' })) act(effect);
    }
    this.now = end;
    return this.log.slice(from);
  }

  words(): readonly string[] {
    return this.log.filter(({ kind }) => kind !== 'packets').map(({ kind }) => kind);
  }

  packets(): Uint8Array {
    return join(this.log.flatMap((effect) => (effect.kind === 'packets' ? [effect.bytes] : [])));
  }
}

test('a file is looped in real time without a fault at the seam', () => {
  const bench = new Bench(FILE);
  let position = 0;
  let flowing = true;
  const read = (): void => {
    while (flowing) {
      const piece = stream.subarray(position, position + 10_000);
      position += piece.length;
      const effects = bench.give(
        piece.length > 0 ? { kind: 'bytes', bytes: piece } : { kind: 'ended', reason: 'over' },
      );
      effects.forEach(act);
    }
  };
  const act = (effect: IntakeEffect): void => {
    if (effect.kind === 'pause') flowing = false;
    if (effect.kind === 'resume') flowing = true;
    if (effect.kind !== 'open') return;
    position = 0;
    bench.give({ kind: 'opened' }).forEach(act);
  };
  bench.give({ kind: 'opened' });
  read();
  for (let i = 0; i < 700; i++) {
    bench.pass(10, act);
    read();
  }
  const out = bench.packets();
  expect(continuityFaults(out)).toBe(0);
  // 7 s of a clip of 2 s.
  expect(Math.abs(out.length / stream.length - 3.5)).toBeLessThan(0.1);
  expect(bench.log.filter(({ kind }) => kind === 'up')).toHaveLength(1);
  expect(bench.words()).not.toContain('down');
});

test('a file that is not looped plays to its end and is over', () => {
  const bench = new Bench({ kind: 'file', path: 'clip.ts', loop: false });
  bench.give({ kind: 'opened' });
  bench.give({ kind: 'bytes', bytes: stream });
  bench.give({ kind: 'ended', reason: 'over' });
  bench.pass(3000);
  expect(bench.packets()).toEqual(stream);
  expect(bench.log.at(-1)).toEqual({ kind: 'down', reason: 'the file is over', again: 'over' });
  expect(bench.pass(60_000)).toEqual([]);
});

test('a file without MPEG-TS in it is said to be so, and looked at again later', () => {
  const bench = new Bench(FILE);
  bench.give({ kind: 'opened' });
  bench.give({ kind: 'bytes', bytes: new Uint8Array(5000) });
  expect(bench.give({ kind: 'ended', reason: 'over' })).toEqual([
    { kind: 'down', reason: 'there is no MPEG-TS in the file', again: 'tried' },
  ]);
  expect(bench.pass(500)).toEqual([{ kind: 'open' }]);
});

test('a file too short to be looped does not spin', () => {
  const bench = new Bench(FILE);
  bench.give({ kind: 'opened' });
  bench.give({ kind: 'bytes', bytes: stream.subarray(0, 188 * 8) });
  expect(bench.give({ kind: 'ended', reason: 'over' }).at(-1)).toMatchObject({
    kind: 'down',
    reason: 'the file is too short to be looped',
  });
});

test('a server that is away is asked again, at growing intervals', () => {
  const bench = new Bench(PULL);
  const asked: number[] = [];
  const fail = (): void => {
    bench.give({ kind: 'failed', reason: 'nobody answers' });
  };
  fail();
  bench.pass(60_000, (effect) => {
    if (effect.kind !== 'open') return;
    asked.push(bench.now);
    fail();
  });
  expect(asked.slice(0, 7)).toEqual([500, 1500, 3500, 7500, 15_500, 25_500, 35_500]);
});

test('after a steady time a server that breaks off is asked again at once', () => {
  const bench = new Bench(PULL);
  for (let i = 0; i < 6; i++) bench.give({ kind: 'failed', reason: 'x' });
  bench.pass(10_000);
  bench.give({ kind: 'opened' });
  for (let second = 0; second < 12; second++) {
    bench.give({ kind: 'bytes', bytes: stream.subarray(0, 188 * 10) });
    bench.pass(1000);
  }
  bench.give({ kind: 'ended', reason: 'broke off' });
  expect(bench.pass(500)).toEqual([{ kind: 'open' }]);
});

test('a connection that stands but says nothing is dropped and made anew', () => {
  const bench = new Bench(PULL);
  bench.give({ kind: 'opened' });
  bench.give({ kind: 'bytes', bytes: stream.subarray(0, 1880) });
  const effects = bench.pass(10_600);
  expect(effects.map(({ kind }) => kind)).toEqual(['close', 'down', 'open']);
});

test('a pusher that goes is waited for, and the next one is a new beginning', () => {
  const bench = new Bench(PUSH);
  bench.give({ kind: 'opened' });
  bench.give({ kind: 'bytes', bytes: stream });
  bench.give({ kind: 'ended', reason: 'the encoder ended its push' });
  expect(bench.log.at(-1)).toMatchObject({ kind: 'down', again: 'waited-for' });
  bench.pass(60_000);
  bench.give({ kind: 'opened' });
  bench.give({ kind: 'bytes', bytes: stream });
  expect(bench.words()).toEqual(['open', 'up', 'pause', 'down', 'up', 'pause']);
});

test('a pusher of something else is sent away', () => {
  const bench = new Bench(PUSH);
  bench.give({ kind: 'opened' });
  for (let i = 0; i < 11; i++) bench.give({ kind: 'bytes', bytes: new Uint8Array(100_000) });
  expect(bench.words()).toEqual(['open', 'close', 'down']);
});

test('an encoder that runs faster than real time is held back, and is not silent meanwhile', () => {
  const bench = new Bench(PUSH);
  const long = show({ seconds: 20, pictures: 25, gop: 25 });
  bench.give({ kind: 'opened' });
  bench.give({ kind: 'bytes', bytes: long });
  expect(bench.words()).toEqual(['open', 'up', 'pause']);
  bench.pass(15_000);
  expect(bench.words()).toEqual(['open', 'up', 'pause']);
  bench.pass(4000);
  expect(bench.words()).toEqual(['open', 'up', 'pause', 'resume']);
  expect(bench.packets()).toEqual(long);
});

const rtp = (sequence: number, payload: Uint8Array): Uint8Array =>
  join([Uint8Array.of(0x80, 33, sequence >> 8, sequence & 255, 0, 0, 0, 0, 0, 0, 0, 1), payload]);

test('datagrams are taken with and without RTP, whatever the address says', () => {
  const pieces = Array.from({ length: 20 }, (_, i) => stream.subarray(i * 1316, (i + 1) * 1316));
  for (const wrap of [(bytes: Uint8Array) => bytes, (bytes: Uint8Array, i: number) => rtp(i, bytes)]) {
    const bench = new Bench(UDP);
    bench.give({ kind: 'opened' });
    for (const [index, bytes] of pieces.entries()) bench.give({ kind: 'datagram', bytes: wrap(bytes, index) });
    expect(bench.packets()).toEqual(join(pieces));
  }
});

test('swapped RTP datagrams are put in order, a lost one costs 50 ms', () => {
  const bench = new Bench(UDP);
  const piece = (i: number): Uint8Array => stream.subarray(i * 1316, (i + 1) * 1316);
  bench.give({ kind: 'opened' });
  for (const i of [0, 2, 1, 3, 5]) bench.give({ kind: 'datagram', bytes: rtp(i, piece(i)) });
  expect(bench.packets()).toEqual(stream.subarray(0, 4 * 1316));
  bench.pass(50);
  expect(bench.packets()).toEqual(join([stream.subarray(0, 4 * 1316), piece(5)]));
  expect(bench.intake.stats).toMatchObject({ rtpLost: 1 });
});

test('a sender that never begins is told of too', () => {
  const bench = new Bench(UDP);
  bench.give({ kind: 'opened' });
  expect(bench.pass(30_000)).toEqual([{ kind: 'down', reason: 'no datagrams come', again: 'waited-for' }]);
});

test('silence of datagrams is told once and ends with the next datagram', () => {
  const bench = new Bench(UDP);
  bench.give({ kind: 'opened' });
  bench.give({ kind: 'datagram', bytes: stream.subarray(0, 1316) });
  bench.pass(30_000);
  bench.give({ kind: 'datagram', bytes: stream.subarray(0, 1316) });
  expect(bench.words()).toEqual(['open', 'up', 'down', 'up']);
});
