import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { askHomePort } from '../../agent/io/home-port.ts';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** A program on a port of this machine. */
async function serve(answer: RequestListener): Promise<number> {
  const started = createServer(answer);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  const address = started.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Writes the same again and again, until the other end has had enough. */
function drip(response: ServerResponse, text: string, everyMs: number): void {
  const timer = setInterval(() => response.write(text), everyMs);
  response.on('close', () => clearInterval(timer));
}

describe('the port for the house', () => {
  it('is free where nobody has it', async () => {
    const port = await serve(() => {});
    await new Promise((resolve) => server?.close(resolve));
    expect(await askHomePort(port, [], 500)).toEqual({ homePort: 'free', status: undefined });
  });

  it('is the agent where one answers, and its status is told', async () => {
    const status = { node: 'abc', channels: [] };
    const port = await serve((_, response) => response.end(JSON.stringify(status)));
    expect(await askHomePort(port, [], 500)).toEqual({ homePort: 'agent', status });
  });

  it.each<[string, RequestListener]>([
    ['says something else', (_, response) => response.end('<html>')],
    ['says nothing', () => {}],
    ['says no', (_, response) => response.writeHead(404).end('{}')],
    ['never stops', (_, response) => drip(response, 'x'.repeat(65_536), 1)],
    ['speaks slowly', (_, response) => drip(response, '{', 50)],
  ])('is another program where that one %s', async (_, answer) => {
    const port = await serve(answer);
    expect(await askHomePort(port, [], 300)).toEqual({ homePort: 'other', status: undefined });
  });
});
