import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readArguments } from '../../agent/config/arguments.ts';
import { load } from '../../agent/config/load.ts';
import { nodeCipher } from '../../agent/io/crypto.ts';
import { StateFolder } from '../../agent/io/files.ts';
import { openLog } from '../../agent/io/log.ts';
import { channel } from '../../agent/roles/channel.ts';
import { channelToken } from '../../agent/roles/token.ts';

const cipher = nodeCipher();
let folder = '';
let logged: string[] = [];
const log = openLog({ format: 'text', level: 'debug' }, (line) => logged.push(line));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearth-channel-'));
  logged = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What `hearth channel VERB` prints. */
async function said(verb: string): Promise<readonly string[]> {
  const loaded = load('channel', readArguments('channel', [verb, '--state', folder]));
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
  const lines: string[] = [];
  await channel(loaded.config, { line: (text) => lines.push(text) }, log);
  return lines;
}

const tokenAt = async (isPrivate: boolean): Promise<Uint8Array | undefined> =>
  channelToken(isPrivate, await StateFolder.open(folder, log), cipher, log);

test('a channel has a token once it was started as private, and keeps it whatever the option says later', async () => {
  expect(await tokenAt(false)).toBeUndefined();
  const token = await tokenAt(true);
  expect(token).toHaveLength(32);
  expect(await tokenAt(true)).toEqual(token);
  expect(await tokenAt(false)).toEqual(token);
  expect(statSync(join(folder, 'channel.token')).mode & 0o777).toBe(0o600);
});

test('a damaged token is replaced: the channel does not turn public', async () => {
  writeFileSync(join(folder, 'channel.token'), 'half a tok');
  const token = await tokenAt(false);
  expect(token).toHaveLength(32);
  expect(await tokenAt(false)).toEqual(token);
  expect(readFileSync(join(folder, 'channel.token.damaged'), 'utf8')).toBe('half a tok');
});

test('what members are given is shown on request, made anew on request, and never logged', async () => {
  const [id = ''] = await said('key');
  expect(await said('info')).toEqual([`channel ${id}`, 'starts  0']);
  await tokenAt(true);
  const [, , shown = ''] = await said('info');
  expect(shown).toMatch(new RegExp(`^private ${id}:[a-z2-7]{52}$`));
  const [made = ''] = await said('token');
  expect(made).toMatch(new RegExp(`^${id}:[a-z2-7]{52}$`));
  expect(shown).not.toContain(made);
  expect((await said('info'))[2]).toBe(`private ${made}`);
  const household = load(
    'agent',
    readArguments('agent', ['--channel', made, '--rendezvous', `1.2.3.4:5#${id}`, '--state', folder]),
  );
  expect('config' in household && household.config.channels[0]?.token).toEqual(await tokenAt(true));
  const tokens = [shown, made].map((text) => text.split(':')[1] ?? '');
  expect(logged.filter((line) => tokens.some((token) => line.includes(token)))).toEqual([]);
});

test('there is no token without a channel', async () => {
  expect((await said('token')).join()).toMatch(/no channel key in .* hearth channel key --state .* makes one/);
});
