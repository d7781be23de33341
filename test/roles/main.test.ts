import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const KEY = 'zw4k6ck7yqtsvkwz5uzyd4gn7k5gqjcmu2wnrzzhbbt3cdv2tnwa';
const folder = mkdtempSync(join(tmpdir(), 'hearth-main-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Program {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  /** Waits until standard output and error hold this. */
  said(text: string): Promise<void>;
  readonly ended: Promise<number | null>;
}

function start(script: string, args: readonly string[]): Program {
  const child = spawn(process.execPath, [join(ROOT, script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.err += text));
  return {
    child,
    out: () => texts.out,
    err: () => texts.err,
    said: async (text) => {
      while (!(texts.out + texts.err).includes(text)) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`ended without saying ${text}: ${texts.err}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    ended: once(child, 'close').then(([code]) => code as number | null),
  };
}

const hearth = (...args: readonly string[]): Program => start('agent/main.ts', args);

describe('a command that ends by itself', () => {
  test.each<[readonly string[], number, RegExp, RegExp]>([
    [['version'], 0, /^hearth \d+\.\d+\.\d+ \(node v\d+\.\d+\.\d+, \w+ \w+\)\n$/, /^$/],
    [['--version'], 0, /^hearth \d/, /^$/],
    [['--help'], 0, /^hearth: a whole household/, /^$/],
    [['config', '--help'], 0, /^hearth config check\|show FILE/, /^$/],
    [[], 2, /^$/, /^hearth: a whole household/],
    [['agnet'], 2, /^$/, /no role is called agnet/],
    [['config', 'chek', '--lan', '1'], 2, /^$/, /--lan.*\n.*chek: not check or show\n.*FILE is missing/],
    [['config', 'check', '/nowhere'], 2, /cannot be read/, /^$/],
    [['config', 'check', join(ROOT, 'config/agent.example.config')], 0, /good for agent/, /^$/],
    [
      ['config', 'show', join(ROOT, 'config/agent.example.json')],
      0,
      /^config agent 'agent'\n\toption enabled 'on'/,
      /^$/,
    ],
  ])('hearth %j ends with %d', async (args, code, out, err) => {
    const program = hearth(...args);
    expect(await program.ended).toBe(code);
    expect(program.out()).toMatch(out);
    expect(program.err()).toMatch(err);
  });
});

describe('a role that runs', () => {
  const needed = ['--rendezvous', `127.0.0.1:1#${KEY}`, '--state', folder];
  const patient = (...args: readonly string[]): Program =>
    start('test/roles/patient.ts', ['agent', ...needed, ...args]);

  test.each(['SIGTERM', 'SIGINT'] as const)('stops in order on %s and ends with 0', async (signal) => {
    const program = patient();
    await program.said('ready');
    program.child.kill(signal);
    expect(await program.ended).toBe(0);
    expect(program.out()).toBe('ready\nstopped\n');
  });

  test('ends at once on the second signal', async () => {
    const program = patient('--name', 'forever');
    await program.said('ready');
    program.child.kill('SIGTERM');
    await program.said('stopping');
    program.child.kill('SIGTERM');
    expect(await program.ended).toBe(1);
  });

  test('says so when it could not stop in order', async () => {
    const program = patient('--name', 'broken');
    await program.said('ready');
    program.child.kill('SIGTERM');
    expect(await program.ended).toBe(1);
    expect(program.err()).toContain('did not stop in order');
  });

  test('that cannot start says why and ends with 1', async () => {
    const program = patient('--name', 'refuse', '--log', 'json');
    expect(await program.ended).toBe(1);
    expect(JSON.parse(program.err())).toMatchObject({ level: 'error', event: 'cannot run', reason: 'port taken' });
  });

  test('reads its file again on SIGHUP, and keeps what it had when the file is bad', async () => {
    const file = join(folder, 'hearth');
    const write = (children: string, lan: string): void =>
      writeFileSync(file, `config agent\noption children '${children}'\noption lan '${lan}'\n`);
    write('3', '127.0.0.1:1');
    const program = patient('--config', file);
    await program.said('ready');
    write('many', 'off');
    program.child.kill('SIGHUP');
    await program.said('the new configuration was refused');
    write('4', 'off');
    program.child.kill('SIGHUP');
    await program.said('reread children=4 lan=false');
    expect(program.err()).toContain('taken=children waits_for_restart=lan');
    program.child.kill('SIGTERM');
    expect(await program.ended).toBe(0);
  });

  test('that is switched off in its file does not start', async () => {
    const file = join(folder, 'off');
    writeFileSync(file, "config agent\noption enabled '0'\n");
    const program = patient('--config', file);
    expect(await program.ended).toBe(0);
    expect(program.out()).toBe('');
    expect(program.err()).toContain('switched off');
  });
});
