import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

/*
 * One HyperDHT program, as its README has it, for the same namespaces and NATs as `hearth agent` and `hearth ping`:
 *
 *   hyperdht.ts bootstrap --host IP --port N            prints `ready`
 *   hyperdht.ts node --host IP --port N --boot IP:N     a node that keeps the network alive; prints `ready`
 *   hyperdht.ts server --boot IP:N                      prints `ready KEY`
 *   hyperdht.ts client --boot IP:N --key KEY --patience S
 *                                                       prints `connected after S s` once data came back, or `not connected: WHY`
 */
interface Stream {
  on(event: 'open' | 'close', take: () => void): void;
  on(event: 'data', take: (bytes: Uint8Array) => void): void;
  on(event: 'error', take: (error: Error) => void): void;
  write(bytes: Uint8Array): boolean;
}
interface Server {
  listen(): Promise<void>;
  readonly publicKey: Uint8Array;
}
interface Dht {
  ready(): Promise<void>;
  fullyBootstrapped(): Promise<void>;
  createServer(take: (stream: Stream) => void): Server;
  connect(key: Uint8Array): Stream;
}
const DHT = createRequire(import.meta.url)('hyperdht') as {
  new (options: object): Dht;
  bootstrapper(port: number, host: string): Dht;
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    host: { type: 'string', default: '' },
    port: { type: 'string', default: '49737' },
    boot: { type: 'string', default: '' },
    key: { type: 'string', default: '' },
    patience: { type: 'string', default: '20' },
  },
});
const [host = '', port = ''] = values.boot.split(':');
const bootstrap = [{ host, port: Number(port) }];

const [what = ''] = positionals;

switch (what) {
  case 'bootstrap':
    await DHT.bootstrapper(Number(values.port), values.host).ready();
    console.log('ready');
    break;
  case 'node': {
    const { host: own, port: at } = values;
    const dht = new DHT({ bootstrap, ephemeral: false, firewalled: false, host: own, port: Number(at) });
    await dht.ready();
    await dht.fullyBootstrapped();
    console.log('ready');
    break;
  }
  case 'server': {
    const dht = new DHT({ bootstrap });
    await dht.ready();
    const server = dht.createServer((stream) => {
      stream.on('data', (bytes) => stream.write(bytes));
      stream.on('error', () => {});
    });
    await server.listen();
    console.log(`ready ${Buffer.from(server.publicKey).toString('hex')}`);
    break;
  }
  case 'client': {
    const dht = new DHT({ bootstrap });
    // It too may know its own NAT before the clock starts, as a household does.
    await dht.fullyBootstrapped();
    const asked = performance.now();
    const stream = dht.connect(Buffer.from(values.key, 'hex'));
    const end = (line: string, code: number): void => {
      console.log(line);
      process.exit(code);
    };
    setTimeout(() => end('not connected: timeout', 1), Number(values.patience) * 1000);
    stream.on('error', (error) => end(`not connected: ${error.message}`, 1));
    stream.on('open', () => stream.write(Buffer.from('hello')));
    stream.on('data', () => end(`connected after ${((performance.now() - asked) / 1000).toFixed(3)} s`, 0));
    break;
  }
  default:
    console.error('bootstrap, node, server or client');
    process.exit(2);
}
