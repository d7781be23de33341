import fc from 'fast-check';
import { expect, test } from 'vitest';
import { playlist } from '../../agent/media/playlist.ts';

test('a playlist names every channel with its URL, number and group', () => {
  const text = playlist(
    [
      { id: 'abc', name: 'Test picture', url: 'http://192.168.1.1:8480/live/abc.ts', number: 1, group: 'hearth' },
      { id: 'def', name: 'Übertragung 2', url: 'http://192.168.1.1:8480/live/def.ts' },
    ],
    'http://192.168.1.1:8480/epg.xml',
  );
  expect(text).toBe(
    [
      '#EXTM3U x-tvg-url="http://192.168.1.1:8480/epg.xml"',
      '#EXTINF:-1 tvg-id="abc" tvg-name="Test picture" tvg-chno="1" group-title="hearth",Test picture',
      'http://192.168.1.1:8480/live/abc.ts',
      '#EXTINF:-1 tvg-id="def" tvg-name="Übertragung 2",Übertragung 2',
      'http://192.168.1.1:8480/live/def.ts',
      '',
    ].join('\n'),
  );
});

test('an empty household has a playlist all the same', () => {
  expect(playlist([])).toBe('#EXTM3U\n');
});

test('a channel without a name is shown by its id', () => {
  expect(playlist([{ id: 'abc', name: ' \n', url: 'http://r/' }])).toContain(',abc\n');
});

test('no channel name can add a line or close an attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, group) => {
      const lines = playlist([{ id: 'abc', name, group, url: 'http://r/' }]).split(/[\n\r\u2028\u2029\u0085]/);
      expect(lines).toHaveLength(4);
      expect(lines[1]?.match(/^#EXTINF:-1 tvg-id="[^"]*" tvg-name="[^"]*" group-title="[^"]*",/)).not.toBeNull();
    }),
  );
});
