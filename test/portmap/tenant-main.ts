import { createSocket, type Socket } from 'node:dgram';
import { createInterface } from 'node:readline';
import type { Address } from '../../agent/base/address.ts';
import type { Door } from '../../agent/portmap/client.ts';
import type { SavedLease } from '../../agent/portmap/saved.ts';
import { Tenant } from './tenant.ts';

/**
 * A chain of leases as a program, for a namespace; its argument is `Words` as JSON. It listens on the door's port, has an observer outside say
 * where it comes from and try to come in, and prints what it has as lines of JSON. On stdin: `stop` ends it in order,
 * `later S` puts its clock so many seconds ahead.
 */
export interface Words {
  readonly door: Door;
  /** Where the observer listens. */
  readonly observer?: Address;
  readonly saved?: readonly SavedLease[];
  readonly seed?: number;
}

/** What it prints whenever it changes. Times in ms since the start. */
export interface Told {
  readonly mapping?: Tenant['mapping'];
  readonly heldAfter?: number;
  readonly verifiedAfter?: number;
  readonly kept: readonly SavedLease[];
  readonly standings?: Tenant['standings'];
  readonly gateways: Tenant['chain']['gateways'];
  /** Renewals, and everything else that had somebody outside try. */
  readonly tries: number;
}

let ahead = 0;
const clock = performance.now.bind(performance);
performance.now = () => clock() + ahead;

const words = JSON.parse(process.argv[2] ?? '') as Words;
const { door, observer } = words;

/** How long somebody who comes in may take: twice 100 ms and a second try. */
const PATIENCE_MS = 600;

const family = door.own.includes(':') ? 'udp6' : 'udp4';
const bound = async (port: number, onMessage: (bytes: Buffer) => void): Promise<Socket> => {
  const socket = createSocket(family);
  socket.on('message', onMessage);
  await new Promise<void>((resolve) => {
    socket.bind(port, door.own, resolve);
  });
  return socket;
};

const waiting = new Set<() => void>();
await bound(door.port, () => {
  for (const come of waiting) come();
});
const asking = await bound(0, (bytes) => tenant.give({ kind: 'observed', ip: bytes.toString() }));
const ask = (what: string): void => {
  if (observer !== undefined) asking.send(what, observer.port, observer.ip, () => {});
};

let tries = 0;
const judge = async ({ ip, port }: Address): Promise<boolean> => {
  tries++;
  return new Promise<boolean>((resolve) => {
    const again = setInterval(() => ask(`${ip} ${port}`), 200);
    const end = (open: boolean) => (): void => {
      clearInterval(again);
      clearTimeout(timer);
      waiting.delete(come);
      resolve(open);
    };
    const come = end(true);
    const timer = setTimeout(end(false), PATIENCE_MS);
    waiting.add(come);
    ask(`${ip} ${port}`);
  });
};

const started = performance.now();
const tenant = new Tenant({ ...words, judge: observer === undefined ? undefined : judge });
ask('who');
setInterval(() => ask('who'), 500);

let last = '';
let verifiedAfter: number | undefined;
const tell = (): void => {
  const { mapping, heldAfter, kept, standings, chain } = tenant;
  if (mapping?.state === 'verified') verifiedAfter ??= performance.now() - started;
  const told = {
    mapping,
    heldAfter,
    verifiedAfter,
    kept,
    standings,
    gateways: chain.gateways,
    tries,
  };
  const text = JSON.stringify(told satisfies { [Name in keyof Told]: unknown });
  if (text === last) return;
  last = text;
  process.stdout.write(`${text}\n`);
};
setInterval(tell, 5);

createInterface({ input: process.stdin }).on('line', (line) => {
  const [word = '', seconds = '0'] = line.split(' ');
  if (word === 'later') {
    ahead += Number(seconds) * 1000;
    tenant.give({ kind: 'tick' });
  }
  if (word !== 'stop') return;
  void tenant.stop().then(() => {
    tell();
    process.stdout.write('', () => process.exit(0));
  });
});
