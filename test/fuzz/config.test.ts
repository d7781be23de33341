import { expect, test } from 'vitest';
import { bytesOf, textOf } from '../../agent/base/bytes.ts';
import { readArguments } from '../../agent/config/arguments.ts';
import { load, problemsIn } from '../../agent/config/load.ts';
import { configFiles } from '../../firmware-scripts/make-config.ts';
import { hammer } from './hammer.ts';

const files = [...configFiles().values()].map((text) =>
  bytesOf(text.replaceAll(/^#\t/gm, '\t').replaceAll(/^\t#.*\n/gm, '')),
);

test('a configuration file of any bytes is read or refused in words', () => {
  hammer(files, (bytes) => void problemsIn({ name: 'hearth', text: textOf(bytes) }));
});

test('a command line of any words is read or refused in words', () => {
  const line = bytesOf(
    '--rendezvous 1.2.3.4:5#aa --lan=off --no-loop --channel x,y --config f --children 2 --log-level loud word',
  );
  hammer([line], (bytes) => {
    const loaded = load('agent', readArguments('agent', textOf(bytes).split(' ')));
    expect('problems' in loaded).toBe(true);
  });
});
