import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../agent/base/version.ts';
import { bundle } from '../../firmware-scripts/bundle.ts';
import { Program } from './program.ts';

const ROOT = join(import.meta.dirname, '../..');
const OUT = join(ROOT, 'out');
const SYSROOT = '/usr/aarch64-linux-gnu';
const EMULATOR = 'qemu-aarch64-static';

/** What starts an arm64 program here: itself, or the emulator with Debian's arm64 libraries; undefined without them. */
const arm64: readonly string[] | undefined =
  process.arch === 'arm64'
    ? []
    : existsSync(join(SYSROOT, 'lib/libstdc++.so.6')) && spawnSync(EMULATOR, ['-version']).status === 0
      ? [EMULATOR, '-L', SYSROOT]
      : undefined;

/** A folder with nothing in it but a copy of the packed program, as on a router. */
const empty = mkdtempSync(join(tmpdir(), 'hearth-pack-'));
afterAll(() => rmSync(empty, { recursive: true }));

const script = (name: string, ...args: readonly string[]): string =>
  execFileSync(process.execPath, [join(ROOT, 'firmware-scripts', name), ...args], { cwd: ROOT, encoding: 'utf8' });

beforeAll(() => void script('bundle.ts'));

test('the bundle carries the assets inside', async () => {
  const entry = join(empty, 'entry.ts');
  const file = join(empty, 'assets.cjs');
  writeFileSync(
    entry,
    `import { asset } from ${JSON.stringify(join(ROOT, 'agent/io/assets.ts'))};
     process.stdout.write(asset('mpegts.js'));
     try { asset('../package.json'); process.exitCode = 1; } catch {}`,
  );
  await bundle(entry, file);
  rmSync(entry);
  const { stdout, status } = spawnSync(process.execPath, [file], { cwd: empty, maxBuffer: 2 ** 24 });
  rmSync(file);
  expect(status).toBe(0);
  expect(stdout.equals(readFileSync(join(ROOT, 'node_modules/mpegts.js/dist/mpegts.js')))).toBe(true);
});

describe.runIf(process.arch === 'x64')('the packed x64 program', () => {
  const hearth = join(empty, 'hearth');
  const start = (...args: readonly string[]): Program => new Program(hearth, empty, args);

  beforeAll(() => {
    script('pack.ts', 'x64');
    copyFileSync(join(OUT, 'hearth-linux-x64'), hearth);
  });

  test('answers its version, refuses a wrong word, and leaves nothing in its folder', () => {
    const run = (...args: readonly string[]) => spawnSync(hearth, args, { cwd: empty, env: {}, encoding: 'utf8' });
    const stdout = expect.stringContaining(`hearth ${VERSION} (node v24`) as string;
    expect(run('version')).toMatchObject({ status: 0, stderr: '', stdout });
    expect(run('nothing')).toMatchObject({ status: 2, stdout: '' });
    expect(readdirSync(empty)).toEqual(['hearth']);
  });

  test('runs the demo with its page and its player', async () => {
    const demo = start('demo', '--port', '0');
    const url = await demo.said(/^demo ready (http\S+)$/m);
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<html');
    expect(await demo.stop()).toBe(0);
    expect(readdirSync(empty)).toEqual(['hearth']);
  });

  test('is a rendezvous, a household on the LAN, and a ping that reaches it', async () => {
    const rendezvous = start('rendezvous', '--listen', '127.0.0.1:0,127.0.0.1:0', '--state', 'r');
    const server = (await rendezvous.said(/^rendezvous ready (\S+ key \S+)$/m)).replace(' key ', '#');
    const agent = start('agent', '--rendezvous', server, '--lan', '127.0.0.1:0', '--state', 'a');
    const lan = await agent.said(/^lan ready (http\S+)$/m);
    const node = await agent.said(/^agent ready (\w{52})$/m);
    expect(await (await fetch(`${lan}playlist.m3u`)).text()).toContain('#EXTM3U');
    const ping = start('ping', node, '--rendezvous', server);
    expect(await ping.said(/^(connected \w+)/m)).toBe('connected direct');
    expect(await ping.code()).toBe(0);
    expect(await agent.stop()).toBe(0);
    expect(await rendezvous.stop()).toBe(0);
  });
});

// The Node of another architecture is fetched here once, which a slow line makes long.
test.runIf(arm64)('the packed arm64 program answers its version', { timeout: 600_000 }, () => {
  script('pack.ts', 'arm64');
  const [program, ...args] = [...(arm64 ?? []), join(OUT, 'hearth-linux-arm64'), 'version'];
  expect(execFileSync(program, args, { encoding: 'utf8', timeout: 120_000 })).toMatch(/^hearth .* linux arm64\)\n$/);
});
