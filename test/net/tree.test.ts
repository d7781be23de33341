import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { judgeContinuity } from './continuity.ts';
import { type Grove, mendedAfter, pauseOf, plant, settled, type Tree } from './grove.ts';
import { Lab } from './lab.ts';
import { describeInLab } from './missing.ts';
import { pause, States, until } from './programs.ts';

const KINDS = [
  'masquerade',
  'full-cone',
  'masquerade',
  'offset',
  'address-restricted',
  'sequential',
  'masquerade',
] as const;
const HOMES = Number(process.env['HOMES'] ?? 7);
const NATS = Array.from({ length: HOMES }, (_, i) => KINDS[i % KINDS.length] ?? 'masquerade');
const LINE = { delayMs: 15, loss: 0.002 };
const KILLS = Number(process.env['KILLS'] ?? 10);
const STALLS = Number(process.env['STALLS'] ?? 3);
const LEAVES = Number(process.env['LEAVES'] ?? 5);
/** What happens within this of a kill is the kill's. */
const AFTER_MS = 3000;
/** What a household sent before it died is still arriving for so long: two lines, and what its socket held. */
const IN_FLIGHT_MS = 2 * LINE.delayMs + 50;

describeInLab(`A tree of ${NATS.length} households behind mixed NATs`, growing, ['curl']);

function growing(): void {
  const states = new States();
  let lab: Lab;
  let grove: Grove;

  beforeAll(async () => {
    lab = await Lab.create();
    grove = await plant(lab, states, NATS, LINE);
  });

  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return;
    for (const { name, child } of grove.homes) console.log(`-- ${name}\n${child.errors.slice(-6000)}`);
  });

  afterAll(async () => {
    await lab?.close();
    states.remove();
  });

  /** One that feeds others, another each time. */
  async function innerOne(turn: number): Promise<{ readonly victim: Tree; readonly children: readonly Tree[] }> {
    const views = await settled(grove);
    const inner = grove.homes.filter((_, i) => (views[i]?.children.length ?? 0) > 0);
    const victim = inner[turn % inner.length];
    if (victim === undefined) throw new Error('nobody feeds anybody');
    return { victim, children: grove.homes.filter((_, i) => views[i]?.parent?.node === victim.node) };
  }

  function errorsOf(homes: readonly Tree[]): readonly string[] {
    return homes.flatMap(({ name, watched }) =>
      judgeContinuity(Buffer.concat(watched.pieces.map(({ bytes }) => bytes))).errors.map(
        (error) => `${name}: ${error}`,
      ),
    );
  }

  test('A household that feeds others loses its power: the picture goes on', async () => {
    const repaired: number[] = [];
    const gaps: number[] = [];
    let clean = 0;
    for (let i = 0; i < KILLS; i++) {
      const { victim, children } = await innerOne(i);
      await pause(1500);
      const others = grove.homes.filter((home) => home !== victim);
      const before = errorsOf(others).length;
      const skips = async () =>
        (await Promise.all(others.map(async (home) => home.view()))).map((view) => view.skipped_blocks);
      const skipped = await skips();
      const at = performance.now();
      victim.child.signal('SIGKILL');
      await pause(AFTER_MS);
      const mended = children.map(({ watched }) => mendedAfter(watched, at, IN_FLIGHT_MS));
      const pauses = children.map(({ watched }) => pauseOf(watched, at, at + 2000));
      const errors = errorsOf(others).length - before;
      const now = await skips();
      const lost = now.reduce((sum, count, k) => sum + count - (skipped[k] ?? 0), 0);
      if (errors === 0 && lost === 0) clean++;
      repaired.push(...mended);
      gaps.push(...others.map(({ watched }) => pauseOf(watched, at, at + 2000)));
      console.log(
        `kill ${i + 1}: ${victim.name} (${victim.nat}) with ${children.map(({ name }) => name).join(', ')}; mended after ${told(mended)} ms, pauses of ${told(pauses)} ms; ${errors} errors, ${lost} blocks skipped anywhere`,
      );
      await victim.child.ended;
      await victim.restore();
    }
    console.log(
      `first repaired block p50 ${quantile(repaired, 0.5)} p99 ${quantile(repaired, 0.99)} ms; pauses at all players p50 ${quantile(gaps, 0.5)} p99 ${quantile(gaps, 0.99)} ms; ${clean} of ${KILLS} kills without an error anywhere`,
    );
    expect(clean).toBeGreaterThanOrEqual(Math.floor(0.99 * KILLS));
    expect(Number(quantile(repaired, 0.5))).toBeLessThanOrEqual(300);
  }, 600_000);

  test('A household that feeds others hangs for three seconds: they go on, and it finds its way back', async () => {
    for (let i = 0; i < STALLS; i++) {
      const { victim, children } = await innerOne(i);
      await pause(1000);
      const others = grove.homes.filter((home) => home !== victim);
      const before = errorsOf(others).length;
      const at = performance.now();
      victim.child.signal('SIGSTOP');
      await pause(3000);
      victim.child.signal('SIGCONT');
      await pause(2000);
      const mended = children.map(({ watched }) => mendedAfter(watched, at, IN_FLIGHT_MS));
      const back = await until(
        async () => victim.view(),
        ({ parent }) => parent !== null,
      );
      console.log(
        `stall ${i + 1}: ${victim.name} with ${children.map(({ name }) => name).join(', ')}; mended after ${told(mended)} ms; it is at depth ${back.depth} again`,
      );
      expect(errorsOf(others).length - before).toBe(0);
      // What it missed shows at its own television, and only there.
      await victim.watched.child.stop();
      victim.rewatch();
    }
  }, 300_000);

  test('A household that stops in order: no block is lost', async () => {
    for (let i = 0; i < LEAVES; i++) {
      const { victim, children } = await innerOne(i);
      await pause(1000);
      const others = grove.homes.filter((home) => home !== victim);
      const views = await Promise.all(others.map(async (home) => home.view()));
      const before = errorsOf(others).length;
      const at = performance.now();
      victim.child.signal('SIGTERM');
      await victim.child.ended;
      const took = performance.now() - at;
      await pause(1000);
      const after = await Promise.all(others.map(async (home) => home.view()));
      const lost = after.map(
        (view, k) =>
          view.skipped_blocks - (views[k]?.skipped_blocks ?? 0) + view.lost_blocks - (views[k]?.lost_blocks ?? 0),
      );
      const gaps = children.map(({ watched }) => pauseOf(watched, at, at + took));
      console.log(
        `leave ${i + 1}: ${victim.name} with ${children.map(({ name }) => name).join(', ')} gone after ${took.toFixed(0)} ms; pauses ${told(gaps)} ms`,
      );
      expect(lost).toEqual(others.map(() => 0));
      expect(errorsOf(others).length - before).toBe(0);
      await victim.restore();
    }
  }, 300_000);
}

function told(spans: readonly number[]): string {
  return spans.map((span) => span.toFixed(0)).join(', ');
}

function quantile(values: readonly number[], share: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN).toFixed(0);
}
