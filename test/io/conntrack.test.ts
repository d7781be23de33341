import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readTable } from '../../agent/io/conntrack.ts';

function folder(files: Record<string, string>): string {
  const path = mkdtempSync(join(tmpdir(), 'hearth-conntrack-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

test('what the kernel says of its table', () => {
  const path = folder({ nf_conntrack_count: '731\n', nf_conntrack_max: '16384\n' });
  expect(readTable(path)).toEqual({ kind: 'table', used: 731, most: 16_384 });
});

test.each([
  {},
  { nf_conntrack_count: '731\n' },
  { nf_conntrack_count: '731\n', nf_conntrack_max: '0\n' },
  { nf_conntrack_count: 'many\n', nf_conntrack_max: '16384\n' },
])('nothing is tracked, or not in words we know: %o', (files) => {
  expect(readTable(folder(files as Record<string, string>))).toBeUndefined();
});
