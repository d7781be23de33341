import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FLAGS } from '../../firmware-scripts/flags.ts';

test('from a checkout Node is started with the flags of the packed program', () => {
  const script = readFileSync(join(import.meta.dirname, '../../firmware-scripts/hearth.sh'), 'utf8');
  expect(/^exec "\$node" (--.*) "\$here\/agent\/main\.ts"/m.exec(script)?.[1]).toBe(FLAGS.join(' '));
});
