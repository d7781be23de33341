import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { key, withoutZone } from '../base/address.ts';
import type { HttpAnswer, HttpFault, HttpOrder } from '../portmap/client.ts';

/**
 * Carries out one HTTP request to a gateway. Never rejects, follows nothing, reads no more than was allowed, and is over when
 * its time is over, however slowly the gateway speaks.
 */
export async function askGateway(order: HttpOrder): Promise<HttpAnswer> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let asking: ClientRequest | undefined;
    const end = (answer: HttpAnswer): void => {
      clearTimeout(timer);
      resolve(answer);
      asking?.destroy();
    };
    const fail = (reason: HttpFault): void => end({ kind: 'http-failed', request: order.request, reason });
    try {
      asking = request(options(order));
    } catch {
      fail('unreachable');
      return;
    }
    timer = setTimeout(() => fail('too-slow'), order.within);
    asking.on('error', () => fail('unreachable'));
    asking.on('response', (response) => read(response, order, end, fail));
    asking.end(order.body);
  });
}

function options({ to, from, method, path, headers, body }: HttpOrder) {
  return {
    host: to.ip,
    port: to.port,
    localAddress: from,
    family: to.ip.includes(':') ? 6 : 4,
    method,
    path,
    headers: {
      Host: key({ ...to, ip: withoutZone(to.ip) }),
      Connection: 'close',
      ...(method === 'POST' && { 'Content-Length': Buffer.byteLength(body) }),
      ...Object.fromEntries(headers),
    },
    // One request on a connection of its own: nothing of one answer can be taken for another's.
    agent: false,
    // Routers write headers that no standard knows. What is lenient here is only how the head is read, and it is bounded.
    insecureHTTPParser: true,
    maxHeaderSize: 8 * 1024,
  };
}

function read(
  response: IncomingMessage,
  order: HttpOrder,
  end: (answer: HttpAnswer) => void,
  fail: (reason: HttpFault) => void,
): void {
  const pieces: Buffer[] = [];
  let length = 0;
  const whole = (): void => {
    const body = new Uint8Array(Buffer.concat(pieces));
    end({ kind: 'http-answered', request: order.request, status: response.statusCode ?? 0, body });
  };
  response.on('data', (piece: Buffer) => {
    length += piece.length;
    if (length > order.limit) fail('too-long');
    else pieces.push(piece);
  });
  response.on('end', whole);
  // A length that was announced too large is a common fault; whether what came is enough is for its reader to say.
  response.on('error', whole);
}
