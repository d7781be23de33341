import { get } from 'node:http';
import { createServer } from 'node:net';
import { isObject, parsed } from '../base/json.ts';
import type { HomePort } from '../doctor/facts.ts';

/** A status is some kilobytes; a household with many viewers has this much at most. */
const LONGEST = 256 * 1024;

/** Who has a TCP port of this machine, and what it says of itself where it is an agent of ours. Never rejects. */
export async function askHomePort(
  port: number,
  own: readonly string[],
  withinMs: number,
): Promise<{ readonly homePort: HomePort; readonly status: unknown }> {
  // An agent may listen on the LAN only.
  const four = own.filter((ip) => !ip.includes(':'));
  const answers = await Promise.all(['127.0.0.1', ...four].map((ip) => askStatus(ip, port, withinMs)));
  const status = answers.find((answer) => answer !== undefined);
  if (status !== undefined) return { homePort: 'agent', status };
  return { homePort: (await isFree(port)) ? 'free' : 'other', status };
}

/** The JSON that an agent answers with; undefined for anything else. */
function askStatus(host: string, port: number, withinMs: number): Promise<unknown> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(withinMs);
    const asking = get({ host, port, path: '/api/v1/status', signal, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
        if (text.length > LONGEST) asking.destroy();
      });
      response.on('end', () => resolve(statusOf(text)));
      response.on('error', () => resolve(undefined));
    });
    asking.on('error', () => resolve(undefined));
    asking.on('close', () => resolve(undefined));
  });
}

function statusOf(text: string): unknown {
  const value = parsed(text);
  return isObject(value) && 'node' in value ? value : undefined;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '0.0.0.0', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
