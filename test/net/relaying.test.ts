import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Child } from './child.ts';
import { type Household, Lab } from './lab.ts';
import { describeInLab } from './missing.ts';
import {
  channelOf,
  hearth,
  logsOf,
  pause,
  type Rendezvous,
  type Running,
  startAgent,
  startHousehold,
  startRendezvous,
  States,
  until,
} from './programs.ts';

const TESTCARD = fileURLToPath(new URL('../../agent/web/testcard.mpegts', import.meta.url));
const LINE = { delayMs: 10 };

describeInLab('Two houses without a knowable port, and one that everybody can reach', () => {
  const states = new States();
  let lab: Lab;
  let rendezvous: Rendezvous;
  let relay: Running;
  const houses = {} as Record<'a' | 'b' | 'c', Household>;
  const programs: Record<string, Child> = {};

  beforeAll(async () => {
    lab = await Lab.create();
    rendezvous = await startRendezvous(lab, await lab.internet({ addresses: 2, line: LINE }), states);
    houses.a = await lab.household({ nat: 'random', line: LINE });
    houses.b = await lab.household({ nat: 'random', line: LINE });
    houses.c = await lab.household({ nat: 'full-cone', line: LINE });
    relay = await startAgent(lab, houses.c.host, rendezvous.place, states, ['--lan', 'off']);
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.log(logsOf(programs));
  });

  afterAll(async () => {
    await lab?.close();
    states.remove();
  });

  test('The stream goes through the third house, and over the rendezvous again when that one is cut off', async () => {
    const studio = await lab.internet({ line: LINE });
    const words = ['--rendezvous', rendezvous.place, '--channel', 'Relayed', '--in', TESTCARD, '--loop'];
    const more = ['--children', '1', '--state', states.next()];
    const origin = hearth(lab, studio, ['origin', ...words, ...more]);
    const [, channel = ''] = await origin.line(/^channel ready ([a-z2-7]{52})$/, 20_000);
    const home = async (house: Household) => {
      const started = await startHousehold(lab, house.host, rendezvous.place, channel, states);
      const view = () => channelOf(lab, house.host, started.url);
      await until(view, ({ block }) => block !== null);
      return { ...started, view };
    };
    const a = await home(houses.a);
    const b = await home(houses.b);
    Object.assign(programs, { a: a.child, b: b.child, c: relay.child, rendezvous: rendezvous.child });
    await until(b.view, ({ parent }) => parent?.method === 'relay-household');
    const server = rendezvous.space.addresses[0] ?? '';
    const [through, past] = [lab.counter(houses.a.address, houses.c.address), lab.counter(houses.a.address, server)];
    await pause(2000);
    const [carried, beside] = [through.read(), past.read()];
    console.log(`in 2 s A sent ${carried.bytes} bytes to C and ${beside.bytes} to the rendezvous`);
    expect(carried.bytes).toBeGreaterThan(50_000);
    // Beats.
    expect(beside.packets).toBeLessThan(10);
    const before = await b.view();
    relay.child.signal('SIGKILL');
    const after = await until(b.view, ({ parent }) => parent?.method === 'relay-rendezvous');
    await pause(1000);
    const last = await b.view();
    expect(last.block).toBeGreaterThan(after.block ?? Infinity);
    expect(last.parent?.node).toBe(before.parent?.node);
    expect([last.skipped_blocks, last.lost_blocks]).toEqual([before.skipped_blocks, before.lost_blocks]);
  });
});
