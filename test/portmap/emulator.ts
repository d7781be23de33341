import { createSocket, type Socket } from 'node:dgram';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gateway, type GatewayOptions, GROUPS, type Sent } from './gateway.ts';

/** Does what the table says, to real packets. */
export type CarryOut = (table: ReturnType<Gateway['table']['entries']>) => void;

/** A gateway on real sockets: PCP and NAT-PMP on 5351, SSDP on 1900, HTTP where the description is. */
export class Emulator {
  readonly gateway: Gateway;
  readonly #sockets = new Map<number, Socket>();
  readonly #server: Server;
  readonly #carryOut: CarryOut;
  #carriedOut = '';

  /** `multicast`: the address is on a network, so that everybody can be heard and told there. */
  static async start(
    options: GatewayOptions,
    { multicast = false, carryOut }: { readonly multicast?: boolean; readonly carryOut?: CarryOut | undefined } = {},
  ): Promise<Emulator> {
    const emulator = new Emulator(new Gateway(options), carryOut);
    await Promise.all([5351, 1900].map((port) => emulator.#bind(port, multicast)));
    await emulator.#listen();
    return emulator;
  }

  private constructor(gateway: Gateway, carryOut: CarryOut = () => {}) {
    this.gateway = gateway;
    this.#carryOut = carryOut;
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        const { method = '', url = '', headers, socket } = request;
        const soapAction = String(headers['soapaction'] ?? '');
        const from = socket.remoteAddress ?? '';
        setTimeout(() => {
          const answer = this.gateway.http({ method, path: url, soapAction, body, from }, now());
          this.#carry();
          if (answer === undefined) return;
          response.writeHead(answer.status, { 'Content-Type': 'text/xml', Connection: 'close' });
          response.end(answer.body);
        }, this.#delay);
      });
    });
  }

  /** Its table as text: `external>ip:internal`. */
  get table(): readonly string[] {
    return this.gateway.table.entries(now()).map(({ external, ip, internal }) => `${external}>${ip}:${internal}`);
  }

  reboot(): void {
    this.#tell(this.gateway.reboot(now()));
  }

  redial(wan: string): void {
    this.#tell(this.gateway.redial(wan, now()));
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get #delay(): number {
    return this.gateway.options.delay ?? 0;
  }

  /** Before anybody is told. */
  #carry(): void {
    const text = this.table.join(' ');
    if (text === this.#carriedOut) return;
    this.#carriedOut = text;
    this.#carryOut(this.gateway.table.entries(now()));
  }

  #tell(said: readonly Sent[]): void {
    for (const { from, to, bytes } of said) this.#sockets.get(from)?.send(bytes, to.port, to.ip);
  }

  async #bind(port: number, multicast: boolean): Promise<void> {
    const { ip } = this.gateway.options;
    const socket = createSocket({ type: 'udp4', reuseAddr: multicast });
    socket.on('error', () => {});
    socket.on('message', (bytes, { address, port: theirs }) => {
      const answers = this.gateway.datagram(port, { ip: address, port: theirs }, bytes, now());
      this.#carry();
      if (answers.length > 0) setTimeout(() => this.#tell(answers), this.#delay);
    });
    this.#sockets.set(port, socket);
    const everywhere = multicast && port === GROUPS.ssdp.port;
    await new Promise<void>((resolve) => {
      socket.bind(port, everywhere ? '0.0.0.0' : ip, resolve);
    });
    if (multicast) socket.setMulticastInterface(ip);
    if (everywhere) socket.addMembership(GROUPS.ssdp.ip, ip);
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, this.gateway.options.ip, resolve);
    });
    this.gateway.httpPort = (this.#server.address() as AddressInfo).port;
  }
}

const now = (): number => performance.now();

async function text(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const piece of request) body += String(piece);
  return body;
}
