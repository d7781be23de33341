import { createSocket } from 'node:dgram';
import { afterEach, expect, it } from 'vitest';
import type { Machine } from '../../agent/base/machine.ts';
import type { NetEffect, NetInput } from '../../agent/base/net.ts';
import { after, type Instant, ms } from '../../agent/base/time.ts';
import { Drive } from '../../agent/io/drive.ts';

type Said = { readonly kind: 'said'; readonly what: string };

/** Opens a socket, repeats what it hears to where it came from, and ticks once. */
class Echo implements Machine<NetInput | { kind: 'go'; port: number }, NetEffect | Said> {
  #tickAt: Instant | undefined;

  step(input: NetInput | { kind: 'go'; port: number }, now: Instant): readonly (NetEffect | Said)[] {
    switch (input.kind) {
      case 'go':
        return [{ kind: 'open', socket: 1, ip: '127.0.0.1', port: input.port }];
      case 'opened':
        this.#tickAt = after(now, ms(5));
        return [{ kind: 'said', what: `opened ${input.local.ip}:${input.local.port}` }];
      case 'failed':
        return [{ kind: 'said', what: `failed ${input.reason}` }];
      case 'datagram':
        return [{ kind: 'send', socket: input.socket, to: input.from, bytes: input.bytes, ttl: 3 }];
      case 'tick':
        this.#tickAt = undefined;
        return [{ kind: 'said', what: 'tick' }];
    }
  }

  wake(): Instant | undefined {
    return this.#tickAt;
  }
}

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

function start(): { drive: Drive<{ kind: 'go'; port: number }, Said>; heard: (what: RegExp) => Promise<string> } {
  const said: string[] = [];
  const waiting: { what: RegExp; resolve: (text: string) => void }[] = [];
  const drive = new Drive<{ kind: 'go'; port: number }, Said>(new Echo(), (effect) => {
    said.push(effect.what);
    for (const one of waiting) if (one.what.test(effect.what)) one.resolve(effect.what);
  });
  stops.push(() => drive.stop());
  const heard = (what: RegExp): Promise<string> =>
    new Promise((resolve) => {
      const already = said.find((text) => what.test(text));
      if (already === undefined) waiting.push({ what, resolve });
      else resolve(already);
    });
  return { drive, heard };
}

it('a machine gets its socket, its tick and its datagrams, and its answers leave', async () => {
  const { drive, heard } = start();
  drive.give({ kind: 'go', port: 0 });
  const port = Number((await heard(/^opened/)).split(':')[1]);
  await heard(/^tick/);
  const other = createSocket('udp4');
  stops.push(() => other.close());
  const answer = new Promise<string>((resolve) => other.once('message', (bytes) => resolve(bytes.toString())));
  other.send('hello', port, '127.0.0.1');
  expect(await answer).toBe('hello');
  expect(drive.counters()).toMatchObject({ sent: 1, received: 1, refused: 0 });
});

it('a port that is taken is told to the machine as something that happened', async () => {
  const first = start();
  first.drive.give({ kind: 'go', port: 0 });
  const port = Number((await first.heard(/^opened/)).split(':')[1]);
  const second = start();
  second.drive.give({ kind: 'go', port });
  expect(await second.heard(/^failed/)).toContain('EADDRINUSE');
});
