import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StateFolder } from '../../agent/io/files.ts';
import { openLog } from '../../agent/io/log.ts';
import type { SavedLease } from '../../agent/portmap/saved.ts';
import { openDoorman } from '../../agent/roles/doorman.ts';

const LEASE: SavedLease = {
  protocol: 'natpmp',
  gateway: '192.168.1.1',
  own: '192.168.1.2',
  internal: 41_001,
  external: 41_001,
};

test('A mapping is written down once, however often it comes and goes, and what is over is struck out at the end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-doorman-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'leases.json');
  const state = await StateFolder.open(folder, openLog({ format: 'text', level: 'error' }));
  const doorman = await openDoorman(state, () => {});
  const keep = async (...leases: SavedLease[]): Promise<unknown> => {
    doorman.act({ kind: 'keep', leases });
    await state.close();
    return JSON.parse(readFileSync(file, 'utf8'));
  };
  expect(await keep(LEASE)).toEqual([LEASE]);
  const { ino } = statSync(file);
  for (let i = 0; i < 10; i++) await keep(...(i % 2 === 0 ? [] : [LEASE]));
  // Each writing makes another file.
  expect(statSync(file).ino).toBe(ino);
  const other = { ...LEASE, external: 41_002 };
  expect(await keep(other)).toEqual([other]);
  await keep();
  doorman.stop();
  doorman.act({ kind: 'left' });
  await doorman.left();
  await state.close();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual([]);
});
