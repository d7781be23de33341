import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StateFolder, writeWhole } from '../../agent/io/files.ts';
import { openLog } from '../../agent/io/log.ts';
import { readConfigText } from '../../agent/io/uci.ts';

let folder = '';
let lines: string[] = [];
const log = openLog({ format: 'text', level: 'debug' }, (line) => lines.push(line));
const path = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearth-files-'));
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

describe('writing a file as a whole', () => {
  test('replaces it and leaves nothing else behind', async () => {
    await writeWhole(path('a'), Uint8Array.of(1));
    await writeWhole(path('a'), Uint8Array.of(2));
    expect([...readFileSync(path('a'))]).toEqual([2]);
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('leaves the old file alone when it cannot be done', async () => {
    await writeWhole(path('a'), Uint8Array.of(1));
    await mkdir(path('a.tmp'));
    await expect(writeWhole(path('a'), Uint8Array.of(2))).rejects.toThrow('EISDIR');
    expect([...readFileSync(path('a'))]).toEqual([1]);
  });

  test('is for its owner only, even over the left-over of a crash', async () => {
    writeFileSync(path('a.tmp'), 'half', { mode: 0o644 });
    await writeWhole(path('a'), Uint8Array.of(1));
    expect(statSync(path('a')).mode & 0o777).toBe(0o600);
  });
});

describe('a key', () => {
  test('is made once and is the same ever after', async () => {
    const first = await StateFolder.open(path('new/state'), log);
    expect(await first.key('node.key', () => key(7))).toEqual(key(7));
    const second = await StateFolder.open(path('new/state'), log);
    expect(await second.key('node.key', () => key(8))).toEqual(key(7));
    expect(statSync(path('new/state/node.key')).mode & 0o777).toBe(0o600);
    expect(statSync(path('new/state')).mode & 0o777).toBe(0o700);
    expect(lines).toEqual([]);
  });

  test.each(['', 'not a key\n', 'zw4k6ck7yqtsvkwz5uzyd4gn7k5gqjcmu2wnrzzhbbt3cdv2tnw\n'])(
    'that is damaged (%j) is set aside with a message, and a new one made',
    async (damaged) => {
      writeFileSync(path('node.key'), damaged);
      const state = await StateFolder.open(folder, log);
      expect(await state.key('node.key', () => key(9))).toEqual(key(9));
      expect(readFileSync(path('node.key.damaged'), 'utf8')).toBe(damaged);
      expect(lines.join('')).toContain('a damaged file was set aside');
    },
  );

  test('that cannot be read is no reason to become somebody else', async () => {
    await mkdir(path('node.key'));
    const state = await StateFolder.open(folder, log);
    await expect(state.key('node.key', () => key(9))).rejects.toThrow('EISDIR');
  });
});

describe('what was learned', () => {
  test('is there after a restart, the newest value', async () => {
    const state = await StateFolder.open(folder, log);
    state.learn('knowledge.json', 'old');
    state.learn('knowledge.json', 'new');
    await state.close();
    expect(await state.learned('knowledge.json', text)).toBe('new');
    expect(await state.learned('leases.json', text)).toBeUndefined();
    expect(lines).toEqual([]);
  });

  test('is written at most once a minute', async () => {
    const state = await StateFolder.open(folder, log);
    state.learn('knowledge.json', 'first');
    await state.close();
    state.learn('knowledge.json', 'second');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await state.learned('knowledge.json', text)).toBe('first');
    await state.close();
    expect(await state.learned('knowledge.json', text)).toBe('second');
  });

  test.each(['{"half":', '7', ''])('and is damaged (%j) is set aside with a message', async (damaged) => {
    writeFileSync(path('knowledge.json'), damaged);
    const state = await StateFolder.open(folder, log);
    expect(await state.learned('knowledge.json', text)).toBeUndefined();
    expect(readdirSync(folder)).toEqual(['knowledge.json.damaged']);
    expect(lines.join('')).toContain('a damaged file was set aside');
  });

  test('and cannot be written costs a warning, nothing more', async () => {
    const state = await StateFolder.open(path('gone'), log);
    rmSync(path('gone'), { recursive: true });
    state.learn('knowledge.json', 'x');
    await state.close();
    expect(lines.join('')).toContain('cannot keep what was learned');
  });
});

describe('the text of a configuration file', () => {
  test('is given as it stands', async () => {
    writeFileSync(path('hearth'), "config agent 'küche'\n");
    expect(await readConfigText(path('hearth'))).toEqual({ text: "config agent 'küche'\n" });
  });

  test.each<[string, (name: string) => void, RegExp]>([
    ['that is missing', () => {}, /cannot be read .*ENOENT/],
    ['that is a folder', (name) => mkdirSync(name), /is not a file/],
    ['that is far too large', (name) => writeFileSync(name, 'x'.repeat(300_000)), /larger than 256 kB/],
  ])('%s gives a reason instead', async (_what, make, reason) => {
    make(path('hearth'));
    expect(await readConfigText(path('hearth'))).toEqual({ problem: expect.stringMatching(reason) as string });
  });
});
