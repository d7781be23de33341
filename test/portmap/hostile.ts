import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gateway } from './gateway.ts';

/** A web server that pretends to hold a gateway's description, and one beside it that nobody should ever ask. */
export interface Hostile {
  readonly location: string;
  /** Requests to the other one. */
  readonly elsewhere: () => number;
  stop(): Promise<void>;
}

export type Attack = (response: ServerResponse, elsewhere: string, location: string) => void;

const MEGABYTE = 'x'.repeat(1024 * 1024);

/** A description that is good but for what is put in. */
const description = (location: string, change: (text: string) => string): string => {
  const { hostname, port } = new URL(location);
  const gateway = new Gateway({ ip: hostname, upnp: { version: 1 } });
  gateway.httpPort = Number(port);
  const request = { method: 'GET', path: '/rootDesc.xml', soapAction: '', body: '', from: '' };
  return change(gateway.http(request, 0)?.body ?? '');
};

const BOMB = `<!DOCTYPE root [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 9 }, (_, i) => {
  const [before, name] = ['abcdefghij'[i], 'abcdefghij'[i + 1]];
  return `<!ENTITY ${name} "${`&${before};`.repeat(10)}">`;
}).join('')}]>`;

/** What hostile gateways were tried with, and the word it should be refused with; undefined for what is harmless. */
export const ATTACKS: Readonly<Record<string, { readonly attack: Attack; readonly refused: string | undefined }>> = {
  'a redirect to another host': {
    attack: (response, elsewhere) => response.writeHead(302, { Location: elsewhere }).end(),
    refused: 'bad-status',
  },
  'a description of 200 MB': {
    attack: (response) => {
      let left = 200;
      const write = (): void => {
        while (left > 0 && !response.destroyed) {
          left--;
          if (!response.write(MEGABYTE)) {
            response.once('drain', write);
            return;
          }
        }
        response.end();
      };
      response.on('error', () => {});
      write();
    },
    refused: 'too-long',
  },
  'a description that never ends': {
    attack: (response) => {
      response.write('<root>');
      const drip = setInterval(() => response.write(' '), 50);
      response.on('close', () => clearInterval(drip));
    },
    refused: 'too-slow',
  },
  '20,000 tags in each other': {
    attack: (response) => response.end('<a>'.repeat(20_000)),
    refused: 'too-deep',
  },
  'an entity that grows to a gigabyte': {
    attack: (response, _elsewhere, location) =>
      response.end(
        description(location, (text) => text.replace('<root', `${BOMB}<root`).replace('Emulated router', '&j;')),
      ),
    refused: 'doctype',
  },
  'tags named __proto__': {
    attack: (response) =>
      response.end('<root><__proto__><polluted>1</polluted></__proto__><device><constructor/></device></root>'),
    refused: undefined,
  },
  'a control address at another host': {
    attack: (response, elsewhere, location) =>
      response.end(description(location, (text) => text.replace('/control/0', elsewhere))),
    refused: 'elsewhere',
  },
  'a base address at another host': {
    attack: (response, elsewhere, location) =>
      response.end(
        description(location, (text) =>
          text.replace(/<URLBase>.*?<\/URLBase>/, `<URLBase>${elsewhere}</URLBase>`).replace('/control/0', 'control'),
        ),
      ),
    refused: 'not-an-answer',
  },
};

export async function startHostile(ip: string, other: string, attack: Attack): Promise<Hostile> {
  let count = 0;
  const neighbour = createServer((_request, response) => {
    count++;
    response.end('ouch');
  });
  const elsewhere = `http://${other}:${await listen(neighbour, other)}/ouch`;
  let location = '';
  const server = createServer((_request, response) => attack(response, elsewhere, location));
  location = `http://${ip}:${await listen(server, ip)}/rootDesc.xml`;
  return {
    location,
    elsewhere: () => count,
    stop: async () => {
      for (const one of [server, neighbour]) {
        one.closeAllConnections();
        await new Promise((resolve) => one.close(resolve));
      }
    },
  };
}

async function listen(server: Server, ip: string): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, ip, resolve);
  });
  return (server.address() as AddressInfo).port;
}
