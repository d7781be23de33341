import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSource } from '../../agent/media/source.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1000);

test.each([
  ['-', { kind: 'stdin' }],
  ['clip.ts', { kind: 'file', path: 'clip.ts', loop: false }],
  ['/srv/a b.ts', { kind: 'file', path: '/srv/a b.ts', loop: false }],
  ['file:///srv/a.ts', { kind: 'file', path: '/srv/a.ts', loop: false }],
  ['udp://127.0.0.1:5000', { kind: 'udp', ip: '127.0.0.1', port: 5000, via: undefined, from: undefined }],
  ['udp://:5000', { kind: 'udp', ip: '0.0.0.0', port: 5000, via: undefined, from: undefined }],
  ['udp://@239.1.1.1:1234', { kind: 'udp', ip: '239.1.1.1', port: 1234, via: undefined, from: undefined }],
  [
    'rtp://232.1.1.1:5004?via=192.168.1.2&from=10.0.0.1',
    { kind: 'udp', ip: '232.1.1.1', port: 5004, via: '192.168.1.2', from: '10.0.0.1' },
  ],
  ['udp://[ff02::1]:5000', { kind: 'udp', ip: 'ff02::1', port: 5000, via: undefined, from: undefined }],
  ['http://host/live.ts?x=1', { kind: 'http', url: 'http://host/live.ts?x=1' }],
  ['https://u:p@host:8443/a', { kind: 'http', url: 'https://u:p@host:8443/a' }],
  [
    'listen:http://0.0.0.0:8100/live',
    { kind: 'http-listen', ip: '0.0.0.0', port: 8100, path: '/live', login: undefined },
  ],
  ['listen:http://me:pw@127.0.0.1:0', { kind: 'http-listen', ip: '127.0.0.1', port: 0, path: '/', login: 'me:pw' }],
  ['tcp://encoder.lan:5000', { kind: 'tcp', host: 'encoder.lan', port: 5000 }],
  ['tcp://0.0.0.0:5000?listen', { kind: 'tcp-listen', ip: '0.0.0.0', port: 5000 }],
  ['tcp://:5000?listen=1', { kind: 'tcp-listen', ip: '0.0.0.0', port: 5000 }],
])('%s names a source', (text, source) => {
  expect(parseSource(text)).toEqual(source);
});

test('a file is looped when that is asked for', () => {
  expect(parseSource('clip.ts', true)).toEqual({ kind: 'file', path: 'clip.ts', loop: true });
});

test.each([
  ['', /no source given/],
  ['udp://239.1.1.1', /write udp:\/\/ADDR:PORT/],
  ['udp://host.name:5000', /in figures/],
  ['udp://1.2.3.4:5000?via=eth0', /"eth0".*in figures/],
  ['udp://1.2.3.4:99999', /no address/],
  ['tcp://host', /write tcp:\/\/HOST:PORT/],
  ['tcp://:5000', /no host/],
  ['tcp://host:5000?listen', /own IP address/],
  ['srt://host:5000', /ffmpeg -i srt:\/\/host:5000/],
  ['rtmp://host/app', /ffmpeg/],
  ['gopher://host', /not known: use -/],
  ['listen:8100', /listen:http:\/\/0.0.0.0:8100/],
  ['listen:https://0.0.0.0:1/', /only listen:http/],
  ['listen:http://0.0.0.0/live', /no port/],
  ['listen:http://name:8100/', /own IP address/],
])('%s is refused with the way to mend it', (text, problem) => {
  expect(parseSource(text)).toEqual({ problem: expect.stringMatching(problem) });
});

test('any text is a source or a problem', () => {
  const texts = fc.oneof(
    fc.string(),
    fc
      .tuple(fc.constantFrom('udp://', 'rtp://@', 'listen:http://', 'tcp://', 'http://['), fc.string())
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const source = parseSource(text);
      expect('kind' in source || source.problem.length > 10).toBe(true);
    }),
    { numRuns: RUNS },
  );
});
