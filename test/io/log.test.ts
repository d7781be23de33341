import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Level, type Log, openLog } from '../../agent/io/log.ts';

const NOON = new Date('2026-05-01T12:00:00.000Z');

function logged(format: 'text' | 'json', level: Level, say: (log: Log) => void): readonly string[] {
  const lines: string[] = [];
  say(
    openLog(
      { format, level },
      (line) => lines.push(line),
      () => NOON,
    ),
  );
  return lines;
}

test('an event is one line of text with its facts', () => {
  const lines = logged('text', 'info', (log) =>
    log.info('parent found', { node: 'abc', rtt_ms: 12.5, nothing: undefined }),
  );
  expect(lines).toEqual(['2026-05-01T12:00:00.000Z info  parent found node=abc rtt_ms=12.5\n']);
});

test('an event is one JSON object when programs read the log', () => {
  const [line = ''] = logged('json', 'info', (log) => log.warn('parent lost', { node: 'abc', ok: false }));
  expect(JSON.parse(line)).toEqual({
    time: NOON.toISOString(),
    level: 'warn',
    event: 'parent lost',
    node: 'abc',
    ok: false,
  });
});

test.each<[Level, readonly string[]]>([
  ['error', ['error']],
  ['warn', ['error', 'warn']],
  ['info', ['error', 'warn', 'info']],
  ['debug', ['error', 'warn', 'info', 'debug']],
])('at level %s only that and what matters more is written', (level, expected) => {
  const lines = logged('text', level, (log) => {
    log.error('error');
    log.warn('warn');
    log.info('info');
    log.debug('debug');
  });
  expect(lines.map((line) => line.trim().split(/\s+/)[2])).toEqual(expected);
});

test("a stranger's text can neither add lines nor facts", () => {
  fc.assert(
    fc.property(fc.constantFrom('text' as const, 'json' as const), fc.string(), fc.string(), (format, event, value) => {
      const lines = logged(format, 'info', (log) => log.info(event, { agent: value, rtt_ms: 1 }));
      expect(lines.length).toBe(1);
      expect(lines[0]?.trimEnd().split(/[\n\r]/).length).toBe(1);
    }),
  );
  const [line = ''] = logged('text', 'info', (log) => log.info('viewer', { agent: 'x" trusted=yes\nerror' }));
  expect(line).toBe('2026-05-01T12:00:00.000Z info  viewer agent="x\\" trusted=yes\\nerror"\n');
});
