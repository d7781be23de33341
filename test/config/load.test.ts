import { describe, expect, test } from 'vitest';
import { base32 } from '../../agent/base/text32.ts';
import { readArguments } from '../../agent/config/arguments.ts';
import { type ConfigFile, effective, load, problemsIn, reread } from '../../agent/config/load.ts';
import type { Config, RoleName } from '../../agent/config/schema.ts';
import { formatUci } from '../../agent/config/uci.ts';

const KEY = 'zw4k6ck7yqtsvkwz5uzyd4gn7k5gqjcmu2wnrzzhbbt3cdv2tnwa';
const TOKEN = 'mfrggzdfmztwq2lknnwg23tpobyxe43uov3ho6dzpiydcmrtgq2q';
const OTHER = 'ge3tsnjxha4tgmrwgm2dqnrzgyzdsnrrhe2dmnjrga4dkmbxgi3q';
const SERVER = `203.0.113.10:3478#${KEY}`;
const NEEDED = `--rendezvous ${SERVER} --state /tmp/s`;

const given = (role: RoleName, line: string, file?: ConfigFile) =>
  load(
    role,
    readArguments(
      role,
      line.split(' ').filter((word) => word !== ''),
    ),
    file,
  );

const good = (role: RoleName, line: string, file?: ConfigFile): Config => {
  const loaded = given(role, line, file);
  if ('problems' in loaded) throw new Error(loaded.problems.join('\n'));
  return loaded.config;
};

const bad = (role: RoleName, line: string, file?: ConfigFile): readonly string[] => {
  const loaded = given(role, line, file);
  return 'problems' in loaded ? loaded.problems : [];
};

const uci = (text: string): ConfigFile => ({ name: 'hearth', text });

describe('a command line', () => {
  test('gives values in the units of the program, presets for the rest', () => {
    const config = good('agent', `${NEEDED} --ring-seconds 4 --cushion-ms 250 --children 3`);
    expect(config).toMatchObject({
      ring: 4000,
      cushion: 250,
      children: 3,
      lan: { ip: '0.0.0.0', port: 8480 },
      ringMb: 8,
    });
    expect(config.rendezvous[0]?.address).toEqual({ ip: '203.0.113.10', port: 3478 });
    expect(config.rendezvous[0]?.key.length).toBe(32);
  });

  test.each([
    ['--loop', true],
    ['--loop on', true],
    ['--loop=off', false],
    ['--no-loop', false],
    ['', false],
  ])('takes the flag %j as %j', (flag, loop) => {
    expect(good('origin', `${NEEDED} --channel TV --in - ${flag}`).loop).toBe(loop);
  });

  test('takes lists as commas or repeated, and hyphens or underscores in names', () => {
    const repeated = good('agent', `${NEEDED} --rendezvous ${SERVER},${SERVER} --log_level debug`);
    expect(repeated.rendezvous.length).toBe(3);
    expect(repeated.logLevel).toBe('debug');
  });

  test('means the channel by identity for a household, by name for an origin', () => {
    const [taken] = good('agent', `${NEEDED} --channel ${KEY}`).channels;
    expect(taken?.id.length).toBe(32);
    expect(taken?.token).toBeUndefined();
    expect(good('origin', `${NEEDED} --in - --channel Harbour`).channelName).toBe('Harbour');
  });

  test('takes the token of a private channel behind its identity', () => {
    const [taken] = good('agent', `${NEEDED} --channel ${KEY}:${TOKEN}`).channels;
    expect(taken?.token?.length).toBe(32);
    expect(taken?.token).not.toEqual(taken?.id);
  });

  test('takes eight channels at most', () => {
    const ids = Array.from({ length: 9 }, (_, i) => base32(new Uint8Array(32).fill(i)));
    expect(good('agent', `${NEEDED} --channel ${ids.slice(1).join(',')}`).channels).toHaveLength(8);
    expect(bad('agent', `${NEEDED} --channel ${ids.join(',')}`).join()).toMatch(/is 9 channels; .* takes 8 at most/);
  });

  test.each([
    `${KEY}:${TOKEN}a`,
    `${KEY}:${TOKEN}:${TOKEN}`,
    `${KEY}${TOKEN}`,
    `${KEY};${TOKEN}`,
    `${KEY}x:${TOKEN}`,
    `short:${TOKEN}`,
    `${KEY},${KEY.slice(1)}:${TOKEN}`,
  ])('says what is wrong with %s and shows no token', (text) => {
    for (const problems of [
      bad('agent', `${NEEDED} --channel ${text}`),
      bad('agent', '', { name: 'f', text: `config agent\n\toption channel '${text}'\n` }),
    ]) {
      expect(problems.join('\n')).toMatch(/not a channel identity of 52 letters and digits, nor ID:TOKEN/);
      expect(problems.join('\n')).not.toContain(TOKEN.slice(1));
    }
  });

  test('shows no token that stands apart from its channel', () => {
    expect(bad('agent', `${NEEDED} --channel ${KEY} ${TOKEN}`).join('\n')).not.toContain(TOKEN);
    const file = { name: 'f', text: `config agent\n\tlist channel '${KEY}:${TOKEN}'\n\tlist channel '${OTHER}'\n` };
    const shown = effective('agent', file).options.find(({ name }) => name === 'channel');
    expect(shown?.values).toEqual([`${KEY}:(hidden)`, OTHER]);
  });

  test('keeps the words of the role', () => {
    expect(good('ping', `${KEY} --rendezvous ${SERVER}`).words).toEqual([KEY]);
  });

  test('tells all that is wrong at once, each with the fix', () => {
    expect(
      bad('agent', '--lan 8480 --chanel x --in - --patience 3 --children 99 --log-level loud word --state'),
    ).toEqual([
      '--chanel: hearth agent has no such option; did you mean --channel?',
      '--in: not an option of hearth agent but of origin; leave it out',
      '--patience: not an option of hearth agent but of ping; leave it out',
      '--state: needs a value; write for example --state /etc/hearth/state',
      'word: one word too many; leave it out, or quote a value that has spaces',
      '--lan 8480: not ADDR:PORT or off; write for example --lan 192.168.1.1:8480',
      '--children 99: not a whole number from 0 to 8; write for example --children 2',
      '--log-level loud: not error, warn, info or debug; write for example --log-level debug',
      expect.stringMatching(/^--rendezvous is missing \(the servers to ask/) as string,
      expect.stringMatching(/^--state is missing/) as string,
    ]);
  });

  test.each<[RoleName, string, RegExp]>([
    ['agent', `--rendezvous 203.0.113.10:3478`, /not ADDR:PORT#KEY/],
    ['agent', `--rendezvous 203.0.113.10:0#${KEY}`, /not ADDR:PORT#KEY/],
    ['agent', `--rendezvous example.org:3478#${KEY}`, /with an IP address/],
    ['agent', `--channel ${KEY}a`, /not a channel identity/],
    ['agent', `--channel ${KEY},${KEY}:${KEY}`, /names a channel twice/],
    ['agent', '--lan off --lan off', /given 2 times/],
    ['agent', '--ring-seconds 1e1', /not a number of s from 2 to 60/],
    ['agent', '--ring-seconds 61', /from 2 to 60/],
    ['agent', '--children -1', /not a whole number/],
    ['origin', '--in ftp://x', /not one of udp:\/\//],
    ['origin', '--loop=maybe', /not on or off/],
    ['ping', 'nobody', /nobody: not a NODE-ID/],
    ['ping', '', /NODE-ID is missing; write hearth ping NODE-ID/],
    ['demo', '--config x', /no such option/],
    ['rendezvous', '--listen 0.0.0.0', /not ADDR:PORT/],
    ['rendezvous', '--listen 127.0.0.1:9-8', /not ADDR:PORT or ADDR:PORT-PORT/],
    ['rendezvous', '--listen 127.0.0.1:65530-65540', /ADDR:PORT-PORT/],
    ['rendezvous', '--listen 127.0.0.1:1000-1024', /ADDR:PORT-PORT/],
    ['rendezvous', '--listen 127.0.0.1:0-3', /ADDR:PORT-PORT/],
  ])('refuses for hearth %s: %s', (role, line, message) => {
    expect(bad(role, line).join('\n')).toMatch(message);
  });
});

test('a range of ports is one address for each of them', () => {
  const { listen } = good('rendezvous', '--listen 203.0.113.10:3478-3480,[2001:db8::1]:7-8 --state /tmp/s');
  expect(listen.map(({ ip, port }) => `${ip} ${port}`)).toEqual([
    '203.0.113.10 3478',
    '203.0.113.10 3479',
    '203.0.113.10 3480',
    '2001:db8::1 7',
    '2001:db8::1 8',
  ]);
});

describe('a configuration file', () => {
  const text = `config agent 'agent'\n\tlist rendezvous '${SERVER}'\n\toption state '/tmp/s'\n\toption lan 'off'\n`;

  test('gives what the command line leaves open, and an option beats it', () => {
    expect(good('agent', '', uci(text)).lan).toBe('off');
    expect(good('agent', '--lan 10.0.0.1:80', uci(text)).lan).toEqual({ ip: '10.0.0.1', port: 80 });
  });

  test('may be JSON just as well', () => {
    const json = JSON.stringify({
      agent: { rendezvous: [SERVER], state: '/tmp/s', children: 4, shy_first_byte: true },
    });
    expect(good('agent', '', uci(json))).toMatchObject({ children: 4, shyFirstByte: true });
  });

  test('may be incomplete while it is switched off', () => {
    expect(good('agent', '', uci("config agent\noption enabled '0'")).enabled).toBe(false);
  });

  test.each([
    [
      'an unknown option, with its line',
      `${text}\toption chldren 3\n`,
      /^hearth:5: agent has no option chldren; did you mean children\?/,
    ],
    [
      'a wrong value, with its line',
      `${text}\toption children 99\n`,
      /^hearth:5: children '99': not a whole number from 0 to 8; write for example option children '2'/,
    ],
    ['a section of no role', `${text}config agnt\n`, /^hearth:5: no role is called agnt/],
    ['a second section', `${text}${text}`, /^hearth:5: a second section for agent/],
    ['no section of the role', "config origin\noption enabled '0'", /^hearth: has no section for agent/],
    ['broken JSON', '{"agent": ', /^hearth: not JSON/],
    ['JSON of another shape', '{"agent": {"lan": {"a": 1}}}', /^hearth: agent.lan is not text/],
    ['nothing', '', /^hearth: has no section for agent/],
  ])('is refused for %s', (_what, content, message) => {
    expect(bad('agent', '', uci(content)).some((problem) => message.test(problem))).toBe(true);
  });

  test('is judged for every role it speaks of', () => {
    expect(
      problemsIn(uci(`${text}config origin\noption in -\noption lop 1\n`)).map((problem) => problem.slice(0, 30)),
    ).toEqual([
      'hearth:7: origin has no option',
      expect.stringContaining('--rendezvous is missing') as string,
      expect.stringContaining('--channel is missing') as string,
      expect.stringContaining('--state is missing') as string,
    ]);
  });

  test('never shows a secret, neither in a problem nor when it is printed', () => {
    const secret = uci(`${text}\toption network_secret 'hush\u0007'\n`);
    expect(bad('agent', '', secret).join('\n')).toMatch(/network_secret.*hidden.*control characters/);
    expect(bad('agent', '', secret).join('\n')).not.toContain('hush');
    expect(formatUci([effective('agent', secret)])).not.toContain('hush');
  });

  test('that is not JSON is not quoted: there may be a token where it breaks', () => {
    const problems = bad('agent', '', uci(`{"agent": {"channel": ["${KEY}", hushhushhush]}}`)).join('\n');
    expect(problems).toMatch(/^hearth: not JSON: Unexpected token 'h'/);
    expect(problems).not.toContain('hush');
  });

  test('shown with its presets is a file that comes to the same', () => {
    const shown = formatUci([effective('agent', uci(text))]);
    expect(good('agent', '', uci(shown))).toEqual(good('agent', '', uci(text)));
  });
});

test('a reread takes the live options and says which ones wait for a restart', () => {
  const before = good('agent', NEEDED);
  const after = good('agent', `${NEEDED} --children 5 --lan off`);
  const { config, taken, waiting } = reread('agent', before, after);
  expect({ taken, waiting }).toEqual({ taken: ['children'], waiting: ['lan'] });
  expect({ children: config.children, lan: config.lan }).toEqual({ children: 5, lan: before.lan });
});
