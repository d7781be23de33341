import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { parseAddress } from '../../agent/base/address.ts';
import { fromBase32 } from '../../agent/base/text32.ts';
import { nodeCipher, secureRandom } from '../../agent/io/crypto.ts';
import { Drive } from '../../agent/io/drive.ts';
import type { ClientEffect, ClientInput, Server } from '../../agent/rendezvous/client.ts';
import { Guest, PROFILE } from './town.ts';

const MAIN = join(import.meta.dirname, '../../agent/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'hearth-rendezvous-'));
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Running {
  readonly child: ChildProcess;
  readonly line: string;
  readonly server: Server;
}

/** The program itself, until it has said that it is ready. */
async function rendezvous(listen: string): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, 'rendezvous', '--listen', listen, '--state', folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  ends.push(() => void child.kill('SIGKILL'));
  let text = '';
  for await (const part of child.stdout) {
    text += String(part);
    if (text.includes('\n')) break;
  }
  const [, where = '', key = ''] = /^rendezvous ready (\S+) key (\S+)$/m.exec(text) ?? [];
  const address = parseAddress(where);
  const public_ = fromBase32(key);
  if (address === undefined || public_ === undefined) throw new Error(`not ready: ${text}`);
  return { child, line: text.trim(), server: { address, key: public_ } };
}

/** A household on a real socket, and what it is told. */
function guest(server: Server) {
  const cipher = nodeCipher();
  const identity = cipher.pair();
  const machine = new Guest({
    cipher,
    random: secureRandom,
    identity,
    servers: [server],
    networkSecret: new Uint8Array(0),
    ip: '127.0.0.1',
    children: 2,
    profile: PROFILE,
    room: () => 0,
  });
  const told: ClientEffect[] = [];
  const drive = new Drive<ClientInput, ClientEffect>(machine, (effect) => void told.push(effect));
  ends.push(() => drive.stop());
  drive.give({ kind: 'tick' });
  const hear = async <K extends ClientEffect['kind']>(kind: K): Promise<Extract<ClientEffect, { kind: K }>> => {
    for (;;) {
      const found = told.find((effect) => effect.kind === kind);
      if (found !== undefined) return found as Extract<ClientEffect, { kind: K }>;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  return { id: identity.publicKey, drive, told, hear };
}

it('the program introduces two households over real sockets', async () => {
  const { server } = await rendezvous('127.0.0.1:0,127.0.0.1:0');
  const [one, two] = [guest(server), guest(server)];
  const registered = await one.hear('registered');
  await two.hear('registered');
  expect(registered.observers).toHaveLength(2);
  one.drive.give({ kind: 'introduce', request: 1, node: two.id });
  const [mine, theirs] = [await one.hear('introduction'), await two.hear('introduction')];
  expect(Buffer.from(mine.secret)).toEqual(Buffer.from(theirs.secret));
  expect(mine.candidates[0]?.ip).toBe('127.0.0.1');
  one.drive.give({ kind: 'probe', socket: 0, observer: 1, index: 3 });
  expect(await one.hear('observed')).toMatchObject({ index: 3, observer: 1, external: registered.observed });
});

it('the program stops in order, and starts again with the same key and with the tickets it gave', async () => {
  const first = await rendezvous('127.0.0.1:0');
  const [, where] = first.line.split(' ').slice(1);
  first.child.kill('SIGTERM');
  expect((await once(first.child, 'exit'))[0]).toBe(0);
  expect(readdirSync(folder).toSorted()).toEqual(['node.key', 'tickets.json']);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  const second = await rendezvous(where ?? '');
  expect(second.line).toBe(first.line);
});

it('the program says which address it cannot have', async () => {
  const { server } = await rendezvous('127.0.0.1:0');
  const taken = `127.0.0.1:${server.address.port}`;
  const child = spawn(process.execPath, [MAIN, 'rendezvous', '--listen', taken, '--state', folder]);
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said += part.toString()));
  expect((await once(child, 'close'))[0]).toBe(1);
  expect(said).toContain(`cannot listen on ${taken}`);
});
