import { key, scope } from '../../agent/base/address.ts';
import type { HttpIn, HttpOut } from './gateway.ts';
import { answerFirewall, FIREWALL, type Firewall } from './gateway-firewall.ts';
import type { GatewayTable } from './gateway-table.ts';

/** How a gateway speaks UPnP. */
export interface Upnp {
  readonly version: 1 | 2;
  /** Services of the WAN side, in the order of the description; one that is connected by default. */
  readonly services?: readonly WanService[];
  /** Errors that these actions always end in. */
  readonly faults?: Readonly<Record<string, number>>;
  /** Leases that end are unknown to it. */
  readonly permanentOnly?: boolean;
  /** External and internal port have to be the same. */
  readonly samePort?: boolean;
  /** Answers searches only when everybody is asked. */
  readonly deafToUnicast?: boolean;
  /** Instead of what it would say of itself. */
  readonly description?: string;
  /** Maps ports though another NAT is in front, as careless ones do. */
  readonly careless?: boolean;
  /** How it keeps strangers out of IPv6, where it can be asked about that. */
  readonly firewall?: Firewall;
  /** An address that it names instead of its own. */
  readonly location?: string;
}

export interface WanService {
  readonly kind: 'IP' | 'PPP';
  readonly connected: boolean;
}

export interface UpnpScene {
  readonly table: GatewayTable;
  readonly wan: string;
  readonly now: number;
  readonly from: string;
  readonly upnp: Upnp;
}

const ONE: readonly WanService[] = [{ kind: 'IP', connected: true }];

const typeOf = ({ kind }: WanService, version: number): string =>
  `urn:schemas-upnp-org:service:WAN${kind}Connection:${kind === 'IP' ? version : 1}`;

/** The answer to a search, or none. */
export function answerSearch(asked: string, upnp: Upnp, location: string, bootId: number): string | undefined {
  const target = /^ST: *(.*?)\r?$/im.exec(asked)?.[1] ?? '';
  const everybody = /^HOST: *(?:239\.|\[ff02:)/im.test(asked);
  if (!asked.startsWith('M-SEARCH ') || (upnp.deafToUnicast === true && !everybody)) return undefined;
  const device = /InternetGatewayDevice:(\d)$/.exec(target)?.[1];
  if (target !== 'upnp:rootdevice' && target !== 'ssdp:all' && Number(device) > upnp.version) return undefined;
  if (target !== 'upnp:rootdevice' && target !== 'ssdp:all' && device === undefined && !target.includes('WAN'))
    return undefined;
  return [
    'HTTP/1.1 200 OK',
    'CACHE-CONTROL: max-age=120',
    `ST: ${target}`,
    `USN: uuid:00000000-0000-0000-0000-000000000000::${target}`,
    'EXT:',
    'SERVER: Emulated/1.0 UPnP/1.1 Gateway/1.0',
    `LOCATION: ${upnp.location ?? location}`,
    `BOOTID.UPNP.ORG: ${bootId}`,
    '',
    '',
  ].join('\r\n');
}

export function upnpDescription(upnp: Upnp, ip: string, port: number): string {
  if (upnp.description !== undefined) return upnp.description;
  const { version, services = ONE } = upnp;
  const list = services.map(
    (service, i) =>
      `<service><serviceType>${typeOf(service, version)}</serviceType>` +
      `<serviceId>urn:upnp-org:serviceId:WAN${service.kind}Conn${i + 1}</serviceId>` +
      `<SCPDURL>/scpd${i}.xml</SCPDURL><controlURL>/control/${i}</controlURL><eventSubURL>/event/${i}</eventSubURL></service>`,
  );
  const device = (type: string, inner: string): string =>
    `<device><deviceType>urn:schemas-upnp-org:device:${type}:${version}</deviceType>` +
    `<friendlyName>Emulated router</friendlyName><manufacturer>hearth</manufacturer><modelName>Gateway</modelName>` +
    `<modelNumber>${version}</modelNumber><UDN>uuid:00000000-0000-0000-0000-000000000000</UDN>${inner}</device>`;
  const six =
    upnp.firewall === undefined
      ? ''
      : `<service><serviceType>${FIREWALL}</serviceType><serviceId>urn:upnp-org:serviceId:WANIPv6Firewall1</serviceId>` +
        '<SCPDURL>/six.xml</SCPDURL><controlURL>/control/six</controlURL><eventSubURL>/event/six</eventSubURL></service>';
  const connection = device('WANConnectionDevice', `<serviceList>${list.join('')}${six}</serviceList>`);
  // Other control points take it for no gateway without this one.
  const common =
    `<service><serviceType>${COMMON}</serviceType><serviceId>urn:upnp-org:serviceId:WANCommonIFC1</serviceId>` +
    '<SCPDURL>/common.xml</SCPDURL><controlURL>/control/common</controlURL><eventSubURL>/event/common</eventSubURL></service>';
  const wan = device('WANDevice', `<serviceList>${common}</serviceList><deviceList>${connection}</deviceList>`);
  return (
    '<?xml version="1.0"?>\r\n<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>' +
    (version === 1 ? `<URLBase>http://${key({ ip, port })}</URLBase>` : '') +
    device('InternetGatewayDevice', `<deviceList>${wan}</deviceList>`) +
    '</root>\r\n'
  );
}

const COMMON = 'urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1';
const LINK: Values = [
  ['NewWANAccessType', 'Ethernet'],
  ['NewLayer1UpstreamMaxBitRate', 10_000_000],
  ['NewLayer1DownstreamMaxBitRate', 100_000_000],
  ['NewPhysicalLinkStatus', 'Up'],
];

export type Values = readonly (readonly [string, string | number])[];

/** Carries out an action; answers as the standards say, or with the error that this gateway has for it. */
export function answerSoap(request: HttpIn, scene: UpnpScene): HttpOut {
  const { services = ONE, faults = {}, version } = scene.upnp;
  const [type = '', action = ''] = request.soapAction.replaceAll('"', '').split('#');
  if (type === COMMON && action === 'GetCommonLinkProperties') return done(type, action, LINK);
  if (type === FIREWALL && request.path === '/control/six') {
    const forced = faults[action];
    const outcome = forced ?? answerFirewall(action, valuesIn(request.body), scene);
    return typeof outcome === 'number' ? fault(outcome) : done(type, action, outcome);
  }
  const service = services[Number(/^\/control\/(\d)$/.exec(request.path)?.[1] ?? -1)];
  if (service === undefined) return { status: 404, body: '' };
  if (type !== typeOf(service, version)) return fault(401);
  const forced = faults[action];
  if (forced !== undefined) return fault(forced);
  const outcome = act(action, valuesIn(request.body), service, scene);
  return typeof outcome === 'number' ? fault(outcome) : done(type, action, outcome);
}

function valuesIn(body: string): ReadonlyMap<string, string> {
  return new Map([...body.matchAll(/<([A-Z]\w+)>([^<]*)<\//g)].map(([, name = '', text = '']) => [name, text]));
}

function done(type: string, action: string, values: Values): HttpOut {
  return {
    status: 200,
    body: envelope(`<u:${action}Response xmlns:u="${type}">${body(values)}</u:${action}Response>`),
  };
}

/** The values of the answer, or the number of the error. */
function act(
  action: string,
  values: ReadonlyMap<string, string>,
  service: WanService,
  scene: UpnpScene,
): Values | number {
  const { table, wan, now, upnp } = scene;
  const external = Number(values.get('NewExternalPort') ?? Number.NaN);
  switch (action) {
    case 'GetStatusInfo': {
      const status = service.connected ? 'Connected' : 'Disconnected';
      return [
        ['NewConnectionStatus', status],
        ['NewLastConnectionError', 'ERROR_NONE'],
        ['NewUptime', 100],
      ];
    }
    case 'GetExternalIPAddress':
      return [['NewExternalIPAddress', service.connected ? wan : '']];
    case 'AddPortMapping':
      return add(values, external, scene);
    case 'AddAnyPortMapping': {
      if (upnp.version < 2) return 401;
      const [ip, internal] = [values.get('NewInternalClient') ?? '', Number(values.get('NewInternalPort'))];
      const free = table.nextFree(external, ip, internal, now);
      const added = add(values, free, scene);
      return typeof added === 'number' ? added : [['NewReservedPort', free]];
    }
    case 'DeletePortMapping':
      return table.delete(external) ? [] : 714;
    case 'GetSpecificPortMappingEntry': {
      const entry = table.at(external, now);
      return entry === undefined ? 714 : entryValues(entry);
    }
    case 'GetGenericPortMappingEntry': {
      const entry = table.entries(now)[Number(values.get('NewPortMappingIndex'))];
      if (entry === undefined) return 713;
      return [
        ['NewRemoteHost', ''],
        ['NewExternalPort', entry.external],
        ['NewProtocol', 'UDP'],
        ...entryValues(entry),
      ];
    }
  }
  return 401;
}

function add(values: ReadonlyMap<string, string>, external: number, scene: UpnpScene): Values | number {
  const { table, wan, now, from, upnp } = scene;
  const [ip, internal] = [values.get('NewInternalClient') ?? '', Number(values.get('NewInternalPort'))];
  const lifetime = Number(values.get('NewLeaseDuration') ?? Number.NaN);
  if (values.get('NewProtocol') !== 'UDP' || ![external, internal, lifetime].every(Number.isInteger)) return 402;
  if (ip !== from) return upnp.version === 2 ? 606 : 718;
  if (external === 0) return 716;
  if (scope(wan) !== 'public' && upnp.careless !== true) return 501;
  if (upnp.permanentOnly === true && lifetime !== 0) return 725;
  if (upnp.samePort === true && external !== internal) return 724;
  if (!table.isFree(external, ip, internal, now)) return 718;
  table.put({ external, ip, internal, lifetime, description: values.get('NewPortMappingDescription') ?? '' }, now);
  return [];
}

function entryValues({
  ip,
  internal,
  description,
  lifetime,
  expires,
}: ReturnType<GatewayTable['entries']>[number]): Values {
  return [
    ['NewInternalPort', internal],
    ['NewInternalClient', ip],
    ['NewEnabled', 1],
    ['NewPortMappingDescription', description],
    ['NewLeaseDuration', expires === Infinity ? 0 : lifetime],
  ];
}

function fault(code: number): HttpOut {
  const inner =
    '<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>' +
    `<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>${code}</errorCode>` +
    '<errorDescription>no</errorDescription></UPnPError></detail></s:Fault>';
  return { status: 500, body: envelope(inner) };
}

function body(values: Values): string {
  return values.map(([name, value]) => `<${name}>${value}</${name}>`).join('');
}

function envelope(inner: string): string {
  return (
    '<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    `s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>${inner}</s:Body></s:Envelope>\r\n`
  );
}
