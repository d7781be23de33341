import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Child } from './child.ts';
import { judgeContinuity } from './continuity.ts';
import { type Household, Lab, type Space } from './lab.ts';
import { foundInMemory } from './memory.ts';
import { describeInLab } from './missing.ts';
import { codecsOf, encoder, record, type Recording } from './picture.ts';
import {
  type ChannelStatus,
  fetchText,
  hearth,
  logsOf,
  pause,
  type Rendezvous,
  startHousehold,
  startRendezvous,
  States,
  statusOf,
  until,
} from './programs.ts';

const TESTCARD = fileURLToPath(new URL('../../agent/web/testcard.mpegts', import.meta.url));
const LINE = { delayMs: 10 };
const START_MS = 20_000;
/** Of the stream, looked for in the memory of households: well inside its packets, so that none is all filling. */
const EXCERPTS = 40;
const EXCERPT = 96;

/** What a household's page says of a private channel, besides what it says of any. */
interface Private extends ChannelStatus {
  readonly id: string;
  readonly epoch: number | null;
  readonly private: boolean | null;
  readonly token: string | null;
  readonly shown: boolean | null;
  readonly viewers: readonly unknown[];
}

interface Home {
  readonly house: Household;
  readonly child: Child;
  readonly node: string;
  readonly url: string;
  readonly state: string;
}

describeInLab('A private channel and a public one, through a household that has no token', through, [
  'ffmpeg',
  'ffprobe',
  'curl',
]);

function through(): void {
  const states = new States();
  const fed: Buffer[] = [];
  const programs: Record<string, Child> = {};
  let lab: Lab;
  let rendezvous: Rendezvous;
  let studio: { readonly space: Space; readonly state: string; child: Child };
  let [id, token, open] = ['', '', ''];
  let relay: Home;
  let end: Home;
  let watched: Recording;

  beforeAll(async () => {
    lab = await Lab.create();
    rendezvous = await startRendezvous(lab, await lab.internet({ addresses: 2, line: LINE }), states);
    const space = await lab.internet({ line: LINE });
    const state = states.next();
    studio = { space, state, child: startOrigin(space, state) };
    encoder(lab, space, (bytes) => {
      fed.push(bytes);
      studio.child.write(bytes);
    });
    [, id = ''] = await studio.child.line(/^channel ready ([a-z2-7]{52})$/, START_MS);
    const place = await lab.internet({ line: LINE });
    const words = [
      '--rendezvous',
      rendezvous.place,
      '--channel',
      'Open',
      '--in',
      TESTCARD,
      '--loop',
      '--children',
      '1',
    ];
    const second = hearth(lab, place, ['origin', ...words, '--state', states.next()]);
    [, open = ''] = await second.line(/^channel ready ([a-z2-7]{52})$/, START_MS);
    [, token = ''] = await channelWord('info').line(new RegExp(`^private ${id}:([a-z2-7]{52})$`));
    const home = async (house: Household, taken: string): Promise<Home> => {
      const started = await startHousehold(lab, house.host, rendezvous.place, `${taken},${open}`, states);
      return { ...started, house, state: states.last };
    };
    relay = await home(await lab.household({ nat: 'masquerade', line: LINE }), id);
    await until(
      () => viewOf(relay),
      ({ block }) => block !== null,
    );
    end = await home(await lab.household({ nat: 'masquerade', line: LINE }), `${id}:${token}`);
    await until(
      () => viewOf(end),
      ({ block, parent }) => block !== null && parent?.node === relay.node,
    );
    Object.assign(programs, { origin: studio.child, relay: relay.child, end: end.child, rendezvous: rendezvous.child });
    watched = record(lab, end.house.host, liveOf(end));
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') console.log(logsOf(programs));
  });

  afterAll(async () => {
    await lab?.close();
    states.remove();
  });

  const startOrigin = (space: Space, state: string): Child => {
    const words = [
      '--rendezvous',
      rendezvous.place,
      '--channel',
      'Members',
      '--in',
      '-',
      '--private',
      '--children',
      '1',
    ];
    return hearth(lab, space, ['origin', ...words, '--state', state, '--log-level', 'debug']);
  };
  const channelWord = (verb: string): Child => hearth(lab, studio.space, ['channel', verb, '--state', studio.state]);
  const liveOf = ({ url }: Home): string => `${url}live/${id}.ts`;
  const viewOf = async ({ house, url }: Home, channel = id): Promise<Private> => {
    const { channels } = await statusOf(lab, house.host, url);
    const view = (channels as readonly Private[]).find((one) => one.id === channel);
    if (view === undefined) throw new Error(`${url} does not take ${channel}`);
    return view;
  };

  /** What the pages of a household answer. */
  async function answerOf(
    { house, url }: Home,
    path: string,
  ): Promise<{ readonly code: string; readonly text: string }> {
    let text = '';
    const words = ['curl', '-sS', '--max-time', '3', '-w', '\n%{http_code}', `${url}${path}`];
    await lab.run(house.host, words, { onBytes: (bytes) => (text += bytes.toString('latin1')) }).ended;
    const cut = text.lastIndexOf('\n');
    return { code: text.slice(cut + 1), text: text.slice(0, cut) };
  }

  test('The household with the token plays it behind one that has none', async () => {
    expect(await codecsOf(lab, end.house.host, liveOf(end))).toEqual(['aac', 'h264']);
    expect(await viewOf(end)).toMatchObject({ private: true, token: 'fits', shown: true });
    await pause(3000);
    const { packets, errors } = judgeContinuity(watched.bytes());
    expect(errors).toEqual([]);
    console.log(`${packets} packets at the end of a private channel, 0 continuity errors`);
  });

  test('The one without says so, has nothing to show, and feeds the other though nobody watches at home', async () => {
    const view = await viewOf(relay);
    expect(view).toMatchObject({ private: true, token: 'missing', shown: false, viewers: [] });
    expect(view.children.map(({ node }) => node)).toEqual([end.node]);
    for (const path of [`live/${id}.ts`, `live/${id}/index.m3u8`]) {
      const { code, text } = await answerOf(relay, path);
      expect([code, text]).toEqual([
        '403',
        expect.stringMatching(/^This channel is private\. .* only passes it on\.\n$/),
      ]);
    }
    const list = await fetchText(lab, relay.house.host, `${relay.url}playlist.m3u`);
    expect(list).toContain(open);
    expect(list).not.toContain(id);
    expect(await fetchText(lab, end.house.host, `${end.url}playlist.m3u`)).toContain(id);
  });

  test('Both play the public channel beside it', async () => {
    const both = [relay, end].map((home) => ({
      home,
      player: record(lab, home.house.host, `${home.url}live/${open}.ts`),
    }));
    await pause(1500);
    for (const { home, player } of both) {
      await player.child.stop();
      expect(await viewOf(home, open)).toMatchObject({ private: false, token: null, shown: true });
      const { packets, errors } = judgeContinuity(player.bytes());
      expect(errors).toEqual([]);
      expect(packets).toBeGreaterThan(200);
    }
  });

  test('Neither the memory nor the disk of the one without holds anything of the picture, and nobody tells the token', async () => {
    const excerpts = excerptsOf(Buffer.concat(fed));
    const [inEnd, inRelay] = [end, relay].map(({ child }) => foundInMemory(child.pid ?? 0, excerpts));
    console.log(
      `of ${EXCERPTS} excerpts of the last seconds, ${inEnd} are in the memory of the end, ${inRelay} in that of the relay`,
    );
    expect(inEnd).toBeGreaterThan(EXCERPTS / 2);
    expect(inRelay).toBe(0);
    const kept = readdirSync(relay.state).map((name) => readFileSync(join(relay.state, name)));
    expect(kept.some((bytes) => excerpts.some((excerpt) => bytes.includes(excerpt)))).toBe(false);
    const texts = await Promise.all(
      ['api/v1/status', 'metrics', 'playlist.m3u'].map((path) => fetchText(lab, end.house.host, `${end.url}${path}`)),
    );
    const told = [
      ...texts,
      end.child.errors,
      studio.child.errors,
      readFileSync(`/proc/${end.child.pid}/cmdline`, 'utf8'),
    ];
    expect(told.filter((text) => text.includes(token))).toEqual([]);
  });

  test('The origin loses its power and is started again: all follow, and the token stays', async () => {
    const before = await viewOf(end);
    await studio.child.stop('SIGKILL');
    studio.child = programs['origin'] = startOrigin(studio.space, studio.state);
    await studio.child.line(/^channel ready /, START_MS);
    const ready = performance.now();
    const had = watched.bytes().length;
    await until(
      async () => watched.bytes().length,
      (length) => length > had + 100_000,
      30_000,
    );
    console.log(`the picture is back ${(performance.now() - ready).toFixed(0)} ms after the origin is`);
    const next = (before.epoch ?? 0) + 1;
    expect(await viewOf(end)).toMatchObject({ epoch: next, token: 'fits', shown: true });
    await until(
      () => viewOf(relay),
      ({ epoch, shown }) => epoch === next && shown === false,
    );
    console.log(`and at both households ${(performance.now() - ready).toFixed(0)} ms after`);
  });

  test('With another token the old one shows nothing any more, and the house is told what to do', async () => {
    await channelWord('token').line(new RegExp(`^${id}:[a-z2-7]{52}$`));
    await studio.child.stop();
    studio.child = programs['origin'] = startOrigin(studio.space, studio.state);
    await until(
      () => viewOf(end),
      (view) => view.token === 'wrong',
      30_000,
    );
    const { code, text } = await answerOf(end, `live/${id}.ts`);
    expect([code, text]).toEqual(['403', expect.stringMatching(/token of this household does not fit/)]);
    await end.child.error(/the token of a private channel does not fit .*ask for the present one/);
  });

  test('An origin that has lost count of its starts is told so, and is not followed', async () => {
    const { epoch } = await viewOf(end);
    await studio.child.stop('SIGKILL');
    rmSync(join(studio.state, 'channel.epoch'));
    studio.child = programs['origin'] = startOrigin(studio.space, studio.state);
    await studio.child.error(/publish-refused .*old-epoch.*channel\.epoch/, START_MS);
    expect((await viewOf(end)).epoch).toBe(epoch);
  });
}

/** Out of the middle of packets that hold something, of what the encoder gave one to four seconds ago (6 Mbit/s). */
function excerptsOf(stream: Buffer): readonly Buffer[] {
  const [first, last] = [stream.length - 3_000_000, stream.length - 750_000].map((at) => Math.floor(at / 188));
  const found: Buffer[] = [];
  for (let i = first ?? 0; i < (last ?? 0) && found.length < EXCERPTS; i += 97) {
    const excerpt = stream.subarray(i * 188 + 60, i * 188 + 60 + EXCERPT);
    if (new Set(excerpt).size > 40) found.push(excerpt);
  }
  return found;
}
