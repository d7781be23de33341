import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatUci, parseUci } from '../../agent/config/uci.ts';

const only = (text: string) => {
  const { sections, problems } = parseUci(text);
  expect(problems).toEqual([]);
  return sections.map(({ type, name, options }) => ({
    type,
    name,
    options: Object.fromEntries(options.map((option) => [option.name, option.values])),
  }));
};

test.each<[string, string, object]>([
  ['plain words', 'config agent home\n option lan off\n', { type: 'agent', name: 'home', options: { lan: ['off'] } }],
  [
    'quotes of both kinds',
    `config 'agent' "home"\n\toption lan "o"'ff'\n`,
    { type: 'agent', name: 'home', options: { lan: ['off'] } },
  ],
  ['a section without a name', 'config agent\n', { type: 'agent', name: '', options: {} }],
  [
    'a list with several values',
    "config agent\nlist a '1'\nlist a '2'\n",
    { type: 'agent', name: '', options: { a: ['1', '2'] } },
  ],
  [
    'a later option, which replaces',
    "config agent\noption a '1'\noption a '2'\n",
    { type: 'agent', name: '', options: { a: ['2'] } },
  ],
  [
    'comments and empty lines',
    '# x\n\nconfig agent # y\n option a b#c\n',
    { type: 'agent', name: '', options: { a: ['b#c'] } },
  ],
  [
    'statements parted by semicolons',
    'config agent; option a b; option c d',
    { type: 'agent', name: '', options: { a: ['b'], c: ['d'] } },
  ],
  [
    'an escaped quote as uci export writes it',
    String.raw`config agent${'\n'}option a 'it'\''s'`,
    { type: 'agent', name: '', options: { a: ["it's"] } },
  ],
  [
    'a backslash in double quotes',
    String.raw`config agent${'\n'}option a "say \"hi\""`,
    { type: 'agent', name: '', options: { a: ['say "hi"'] } },
  ],
  ['an empty value', "config agent\noption a ''", { type: 'agent', name: '', options: { a: [''] } }],
  ['lines of Windows', 'config agent\r\noption a b\r\n', { type: 'agent', name: '', options: { a: ['b'] } }],
])('reads %s', (_what, text, section) => {
  expect(only(text)).toEqual([section]);
});

test.each([
  ['option a b', 1, /option before any section/],
  ['config agent\n\nopton a b', 3, /not a line of UCI/],
  ['config agent\noption a', 2, /not a line of UCI/],
  ['config agent\noption a b c', 2, /not a line of UCI/],
  ["config agent\noption a 'b\n", 2, /never closed/],
  ['config', 1, /not a line of UCI/],
  ['config agent\noption a.b c', 2, /not a line of UCI/],
])('names the line and the fault of %j', (text, line, message) => {
  const { problems } = parseUci(text);
  expect(problems).toEqual([{ line, text: expect.stringMatching(message) as string }]);
});

test('a value over several lines does not shift the numbers of the lines after it', () => {
  expect(parseUci("config agent\noption a 'b\nc'\nwrong").problems[0]?.line).toBe(4);
});

test('what is written is read back the same, whatever the values', () => {
  const name = fc.stringMatching(/^[a-z]\w{0,9}$/);
  const entry = fc.record({ name, values: fc.array(fc.string(), { minLength: 1, maxLength: 3 }) });
  const section = fc.record({
    type: name,
    name,
    options: fc.uniqueArray(entry, { selector: (one) => one.name, maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(section, { maxLength: 3 }), (sections) => {
      const text = formatUci(
        sections.map((one) => ({ ...one, options: one.options.map((option) => ({ ...option, line: 0 })) })),
      );
      expect(only(text)).toEqual(
        sections.map(({ options, ...rest }) => ({
          ...rest,
          options: Object.fromEntries(options.map((option) => [option.name, option.values])),
        })),
      );
    }),
  );
});
