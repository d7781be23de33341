import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readArguments } from '../../agent/config/arguments.ts';
import { load } from '../../agent/config/load.ts';
import { monotonic } from '../../agent/io/drive.ts';
import { StateFolder } from '../../agent/io/files.ts';
import { openLog } from '../../agent/io/log.ts';
import { type Fleet, openFleet } from '../../agent/roles/fleet.ts';
import { openMemory } from '../../agent/roles/memory.ts';
import { reading, settle } from '../rendezvous/knowledge/fleet.ts';

let folder = '';
let lines: string[] = [];
const log = openLog({ format: 'text', level: 'info' }, (line) => lines.push(line));
const path = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearth-fleet-'));
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

async function open(words: readonly string[] = []): Promise<Fleet> {
  const given = ['--listen', '127.0.0.1:0', '--state', path('state'), ...words];
  const loaded = load('rendezvous', readArguments('rendezvous', given));
  if ('problems' in loaded) throw new Error(loaded.problems.join('; '));
  return openFleet(loaded.config, await StateFolder.open(loaded.config.state, log), log);
}

describe('what a rendezvous knows of carriers', () => {
  test('is in its state directory after it stopped, and is there again at the next start', async () => {
    const before = await open();
    settle(before.knowledge, 'random-block', 30, monotonic());
    const carrier = before.knowledge.carrier('203.0.113.200', monotonic());
    await before.stop();
    expect(readdirSync(path('state'))).toEqual(['knowledge.json']);
    const after = await open();
    expect(after.knowledge.carrier('203.0.113.200', monotonic())).toMatchObject({ kind: 'block-random' });
    expect(carrier?.kind).toBe('block-random');
    await after.stop();
  });

  test('is in a file of its own where one is named', async () => {
    const fleet = await open(['--knowledge', path('elsewhere/carriers.json')]);
    settle(fleet.knowledge, 'sequential', 30, monotonic());
    await fleet.stop();
    expect(JSON.parse(readFileSync(path('elsewhere/carriers.json'), 'utf8'))).toMatchObject({ version: 1 });
    expect(readdirSync(path('state'))).toEqual([]);
  });

  test('is not written where nothing was learned', async () => {
    await (await open()).stop();
    expect(readdirSync(path('state'))).toEqual([]);
  });

  test.each(['', '{"format":"hearth-knowl', '{"format":"hearth-knowledge","version":1,"keys":[{"step":"address"}]}'])(
    'that is damaged (%j) is set aside with a message, and the fleet learns anew',
    async (damaged) => {
      writeFileSync(path('carriers.json'), damaged);
      const fleet = await open(['--knowledge', path('carriers.json')]);
      expect(fleet.knowledge.sizes().fleet).toBe(0);
      await fleet.stop();
      expect(readFileSync(path('carriers.json.damaged'), 'utf8')).toBe(damaged);
      expect(lines.join('\n')).toContain('a damaged file was set aside');
    },
  );

  test('spans the prefixes of an operator where a table says so', async () => {
    writeFileSync(path('operators.csv'), '203.0.113.0/24,Example Mobile\n198.51.100.0/24,Example Mobile\n');
    const fleet = await open(['--operators', path('operators.csv')]);
    for (let i = 0; i < 30; i++) {
      const ip = `${i % 2 === 0 ? '203.0.113' : '198.51.100'}.${i}`;
      const profile = reading('sequential', ip);
      fleet.knowledge.learn({ kind: 'profile', by: `home ${i}`, ip, profile, primed: false }, monotonic());
    }
    await fleet.stop();
    const { keys } = JSON.parse(readFileSync(path('state/knowledge.json'), 'utf8')) as { keys: { key: string }[] };
    expect(keys.map(({ key }) => key)).toContain('Example Mobile');
  });

  test.each([
    ['is not there', undefined, /operators.csv: cannot be read/],
    ['has wrong lines', '203.0.113.0/24\n', /operators.csv line 1: not PREFIX,LABEL as in/],
  ])('does not start with a table of operators that %s, and says why', async (_what, text, reason) => {
    if (text !== undefined) writeFileSync(path('operators.csv'), text);
    await expect(open(['--operators', path('operators.csv')])).rejects.toThrow(reason);
  });
});

describe('what a household remembers of its NAT', () => {
  test('is there at the next start, and a damaged file is set aside', async () => {
    const state = await StateFolder.open(path('state'), log);
    const memory = await openMemory(state);
    expect(memory.known).toBe(undefined);
    const nat = reading('sequential', '203.0.113.7');
    memory.keep(nat);
    memory.keep({ ...nat, confidence: 0.3 });
    await state.close();
    expect((await openMemory(state)).known).toEqual(nat);
    writeFileSync(path('state/knowledge.json'), 'half');
    expect((await openMemory(state)).known).toBe(undefined);
    expect(readdirSync(path('state'))).toEqual(['knowledge.json.damaged']);
  });
});
