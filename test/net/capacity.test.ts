import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Child } from './child.ts';
import { judgeContinuity } from './continuity.ts';
import { type Counter, type Household, Lab } from './lab.ts';
import { describeInLab } from './missing.ts';
import {
  channelOf,
  fetchText,
  hearth,
  logsOf,
  pause,
  type Rendezvous,
  startHousehold,
  startRendezvous,
  States,
  until,
} from './programs.ts';

const TESTCARD = fileURLToPath(new URL('../../agent/web/testcard.mpegts', import.meta.url));
const LINE = { delayMs: 10 };
/** The test card takes 0.3 Mbit/s: two such streams fit well. */
const UP_KBITS = 2000;
const SHARE = 60;
/** What another device sends: more than the line takes, for so long. */
const [FLOOD_KBITS, FLOOD_S] = [3000, 12];

describeInLab('A household that feeds two by a narrow line', () => {
  const states = new States();
  const programs: Record<string, Child> = {};
  let lab: Lab;
  let rendezvous: Rendezvous;
  let feeder: Household;
  let channel = '';

  beforeAll(async () => {
    lab = await Lab.create();
    rendezvous = await startRendezvous(lab, await lab.internet({ addresses: 2, line: LINE }), states);
    const studio = await lab.internet({ line: LINE });
    const words = ['--rendezvous', rendezvous.place, '--channel', 'Narrow', '--in', TESTCARD, '--loop'];
    const origin = hearth(lab, studio, ['origin', ...words, '--children', '3', '--state', states.next()]);
    [, channel = ''] = await origin.line(/^channel ready ([a-z2-7]{52})$/, 20_000);
    feeder = await lab.household({ nat: 'full-cone', line: LINE, hosts: 2 });
    feeder.line?.change({ ...LINE, rateBps: UP_KBITS * 1000, queueMs: 200 }, LINE);
    programs['origin'] = origin;
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.log(logsOf(programs));
  });

  afterAll(async () => {
    await lab?.close();
    states.remove();
  });

  test('never sends more than its share, and lets both go when somebody at home uploads; no picture is lost', async () => {
    const home = async (name: string, house: Household, more: readonly string[]) => {
      const place = name === 'feeder' ? house.gateway : house.host;
      const started = await startHousehold(lab, place, rendezvous.place, channel, states, more);
      programs[name] = started.child;
      const view = async () => channelOf(lab, place, started.url);
      await until(view, ({ block }) => block !== null);
      const pieces: Buffer[] = [];
      lab.run(place, ['curl', '-sSN', `${started.url}live/${channel}.ts`], { onBytes: (bytes) => pieces.push(bytes) });
      const capacity = async () =>
        (JSON.parse(await fetchText(lab, place, `${started.url}api/v1/status`)) as Status).capacity;
      return { ...started, house, pieces, view, capacity };
    };
    const limits = ['--upload', String(UP_KBITS), '--upload-share', String(SHARE)];
    const first = await home('feeder', feeder, limits);
    const houses = [await lab.household({ line: LINE }), await lab.household({ line: LINE })];
    const counters = houses.map(({ address }) => lab.counter(feeder.address, address));
    const meter = measure(counters);
    await pause(3000);
    const [one, two] = houses as [Household, Household];
    const children = [await home('one', one, ['--children', '0']), await home('two', two, ['--children', '0'])];
    await until(first.view, ({ children: left }) => left.length === 2);
    await pause(8000);
    const busiest = meter.stop();
    const fed = await first.view();
    console.log(
      `a share of ${(UP_KBITS * SHARE) / 100} kbit/s; in its busiest second it sent ${busiest.toFixed(0)} kbit/s to ${fed.children.length}`,
    );
    expect(busiest).toBeLessThanOrEqual((1.05 * UP_KBITS * SHARE) / 100);

    // From the LAN, through the same line.
    const device = feeder.hosts[1] ?? feeder.host;
    const began = performance.now();
    const flood = lab.run(device, ['node', '-e', FLOOD, rendezvous.space.addresses[0] ?? '']);
    expect(fed.children).toHaveLength(2);
    await until(first.view, ({ children: left }) => left.length === 0);
    const shed = performance.now() - began;
    // The children may have noticed before it was counted here.
    const isSeen = ({ streams, others_kbits }: Status['capacity']): boolean =>
      streams === 0 && (others_kbits ?? 0) > 500;
    const during = await until(first.capacity, isSeen, (FLOOD_S * 1000) / 2);
    await flood.ended;
    await pause(1500);
    console.log(
      `nobody was fed there any more ${shed.toFixed(0)} ms after the upload began; ${JSON.stringify(during)}`,
    );
    for (const { view, pieces } of [first, ...children]) {
      expect((await view()).skipped_blocks).toBe(0);
      expect(judgeContinuity(Buffer.concat(pieces)).errors).toEqual([]);
    }
  });
});

interface Status {
  readonly capacity: { readonly streams: number; readonly others_kbits: number | null };
}

/** A device that sends datagrams to somebody who does not listen. */
const FLOOD = `
const socket = require('node:dgram').createSocket('udp4');
const bytes = Buffer.alloc(1200);
const until = performance.now() + ${FLOOD_S * 1000};
let sent = 0, began = performance.now();
const timer = setInterval(() => {
  const now = performance.now();
  if (now > until) { clearInterval(timer); socket.close(); return; }
  for (; sent * 1228 * 8 < (now - began) * ${FLOOD_KBITS}; sent++) socket.send(bytes, 9, process.argv[1]);
}, 5);
`;

/** The most that these counters saw together in a second, in kbit/s; read five times a second. */
function measure(counters: readonly Counter[]): { stop(): number } {
  const seen: { readonly at: number; readonly bytes: number }[] = [];
  const timer = setInterval(() => {
    seen.push({ at: performance.now(), bytes: counters.reduce((sum, counter) => sum + counter.read().bytes, 0) });
  }, 200);
  return {
    stop: () => {
      clearInterval(timer);
      let most = 0;
      for (const [i, { at, bytes }] of seen.entries()) {
        const later = seen.slice(i + 1).find((one) => one.at >= at + 1000);
        if (later !== undefined) most = Math.max(most, ((later.bytes - bytes) * 8) / (later.at - at));
      }
      return most;
    },
  };
}
