import { type Address, key } from '../../agent/base/address.ts';
import { GatewayTable } from './gateway-table.ts';
import { answerNatPmp } from './gateway-natpmp.ts';
import { answerPcp, pcpAnnouncement } from './gateway-pcp.ts';
import { answerSearch, answerSoap, type Upnp, upnpDescription } from './gateway-upnp.ts';

/** A home router's port mapping, as a value without sockets: what comes in, what goes out, and its table. */
export interface GatewayOptions {
  /** Its address on the LAN. */
  readonly ip: string;
  /** The address that it names as its own over IPv6, where that is another one than `ip`. */
  readonly named?: string;
  /** Its outside address; private or shared where another NAT is in front, `0.0.0.0` while the line is down. */
  readonly wan?: string;
  readonly pcp?: boolean;
  readonly natpmp?: boolean;
  readonly upnp?: Upnp;
  /** How long every answer takes, ms. */
  readonly delay?: number;
  /** Grants everything and does nothing. */
  readonly lying?: boolean;
  /** External ports that others have. */
  readonly taken?: readonly number[];
  /** Seconds; what a mapping gets at the most. */
  readonly longest?: number;
  /** Its clock of the time since its start counts on over restarts. */
  readonly systemUptime?: boolean;
}

export interface Sent {
  /** The port it leaves from. */
  readonly from: number;
  readonly to: Address;
  readonly bytes: Uint8Array;
}

export interface HttpIn {
  readonly method: string;
  readonly path: string;
  readonly soapAction: string;
  readonly body: string;
  readonly from: string;
}

export interface HttpOut {
  readonly status: number;
  readonly body: string;
}

const PCP_PORT = 5351;
const SSDP_PORT = 1900;
export const GROUPS = {
  announcements: { ip: '224.0.0.1', port: 5350 },
  ssdp: { ip: '239.255.255.250', port: SSDP_PORT },
  ssdp6: { ip: 'ff02::c', port: SSDP_PORT },
};

export class Gateway {
  readonly table: GatewayTable;
  readonly options: GatewayOptions;
  /** How often it was asked what: `pcp`, `natpmp`, `ssdp`, `GET path`, the names of actions. */
  readonly asked = new Map<string, number>();
  wan: string;
  /** Says nothing at all. */
  silent = false;
  #bootId = 1;
  #httpPort = 5000;
  /** Seconds on its clock when the count of the epoch began. */
  #epochFrom = 0;

  constructor(options: GatewayOptions) {
    this.options = options;
    this.wan = options.wan ?? '203.0.113.80';
    this.table = new GatewayTable(options);
  }

  /** Where its description is; another port after a restart, as with many real ones. */
  get httpPort(): number {
    return this.#httpPort;
  }

  set httpPort(port: number) {
    this.#httpPort = port;
  }

  /** A datagram to one of its ports, from a host of the LAN. `now` in ms. */
  datagram(port: number, from: Address, bytes: Uint8Array, now: number): readonly Sent[] {
    if (this.silent) return [];
    if (port === SSDP_PORT) return this.#search(from, bytes);
    if (port !== PCP_PORT) return [];
    const version = bytes[0];
    const { pcp = false, natpmp = false } = this.options;
    if (!pcp && !natpmp) return [];
    this.#count(version === 0 ? 'natpmp' : 'pcp');
    const scene = { table: this.table, wan: this.wan, epoch: this.#epoch(now), now, from: from.ip };
    const answer =
      version === 0 && natpmp ? answerNatPmp(bytes, scene) : pcp ? answerPcp(bytes, scene) : answerNatPmp(bytes, scene);
    return answer === undefined ? [] : [{ from: PCP_PORT, to: from, bytes: answer }];
  }

  http(request: HttpIn, now: number): HttpOut | undefined {
    const { upnp } = this.options;
    if (this.silent || upnp === undefined) return undefined;
    const action = request.soapAction.replaceAll('"', '').split('#')[1];
    this.#count(action ?? `${request.method} ${request.path}`);
    if (request.method === 'GET') {
      const known = request.path === '/rootDesc.xml';
      return {
        status: known ? 200 : 404,
        body: known ? upnpDescription(upnp, this.options.named ?? this.options.ip, this.#httpPort) : '',
      };
    }
    const scene = { table: this.table, wan: this.wan, now, from: request.from, upnp };
    return answerSoap(request, scene);
  }

  /** Loses its table; what it tells everybody afterwards. */
  reboot(now: number): readonly Sent[] {
    this.table.clear();
    this.#bootId++;
    if (this.options.systemUptime !== true) this.#epochFrom = Math.floor(now / 1000);
    return [...this.#announce(now), ...this.notify('ssdp:alive')];
  }

  /** Its line comes back with another address. */
  redial(wan: string, now: number): readonly Sent[] {
    this.wan = wan;
    return this.#announce(now);
  }

  notify(nts: 'ssdp:alive' | 'ssdp:byebye'): readonly Sent[] {
    if (this.options.upnp === undefined) return [];
    const { version } = this.options.upnp;
    const target = `urn:schemas-upnp-org:device:InternetGatewayDevice:${version}`;
    const lines = [
      'NOTIFY * HTTP/1.1',
      'HOST: 239.255.255.250:1900',
      'CACHE-CONTROL: max-age=120',
      ...(nts === 'ssdp:alive' ? [`LOCATION: ${this.location}`, `BOOTID.UPNP.ORG: ${this.#bootId}`] : []),
      `NT: ${target}`,
      `NTS: ${nts}`,
      `USN: uuid:00000000-0000-0000-0000-000000000000::${target}`,
      '',
      '',
    ];
    return [{ from: SSDP_PORT, to: GROUPS.ssdp, bytes: Buffer.from(lines.join('\r\n')) }];
  }

  get location(): string {
    const { ip, named = ip } = this.options;
    return `http://${key({ ip: named, port: this.#httpPort })}/rootDesc.xml`;
  }

  #announce(now: number): readonly Sent[] {
    const { pcp = false, natpmp = false } = this.options;
    const epoch = this.#epoch(now);
    const all: Uint8Array[] = [];
    const address = answerNatPmp(Uint8Array.of(0, 0), { table: this.table, wan: this.wan, epoch, now, from: '' });
    if (natpmp && address !== undefined) all.push(address);
    if (pcp) all.push(pcpAnnouncement(epoch));
    return all.map((bytes) => ({ from: PCP_PORT, to: GROUPS.announcements, bytes }));
  }

  #search(from: Address, bytes: Uint8Array): readonly Sent[] {
    const { upnp } = this.options;
    if (upnp === undefined) return [];
    this.#count('ssdp');
    const answer = answerSearch(Buffer.from(bytes).toString(), upnp, this.location, this.#bootId);
    return answer === undefined ? [] : [{ from: SSDP_PORT, to: from, bytes: Buffer.from(answer) }];
  }

  #epoch(now: number): number {
    return Math.floor(now / 1000) - this.#epochFrom;
  }

  #count(what: string): void {
    this.asked.set(what, (this.asked.get(what) ?? 0) + 1);
  }
}
