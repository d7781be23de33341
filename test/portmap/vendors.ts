/**
 * What routers are known to do differently, each as a description of the kind that shows it. Written for these tests after
 * public bug reports and manuals of open-source clients; no device's own text.
 */
export interface Vendor {
  readonly name: string;
  readonly quirk: string;
  /** Where the search was told the description is. */
  readonly location: string;
  readonly description: string;
  /** What should be asked, in order: type and path. */
  readonly asked: readonly string[];
}

interface ServiceWords {
  readonly type: string;
  readonly control: string;
}

const service = ({ type, control }: ServiceWords): string =>
  `<service><serviceType>${type}</serviceType><serviceId>urn:upnp-org:serviceId:x</serviceId><controlURL>${control}</controlURL>` +
  '<eventSubURL>/e</eventSubURL><SCPDURL>/s.xml</SCPDURL></service>';

const services = (...all: readonly ServiceWords[]): string => `<serviceList>${all.map(service).join('')}</serviceList>`;

const device = (type: string, inner: string): string =>
  `<device><deviceType>urn:schemas-upnp-org:device:${type}</deviceType><friendlyName>Router</friendlyName>` +
  `<manufacturer>Maker</manufacturer><modelName>Model</modelName>${inner}</device>`;

const igd = (version: number, ...all: readonly ServiceWords[]): string =>
  device(
    `InternetGatewayDevice:${version}`,
    `<deviceList>${device(`WANDevice:${version}`, `<deviceList>${device(`WANConnectionDevice:${version}`, services(...all))}</deviceList>`)}</deviceList>`,
  );

const root = (inner: string, base = ''): string =>
  `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">${base}<specVersion><major>1</major><minor>0</minor></specVersion>${inner}</root>`;

const IP1 = 'urn:schemas-upnp-org:service:WANIPConnection:1';
const IP2 = 'urn:schemas-upnp-org:service:WANIPConnection:2';
const PPP1 = 'urn:schemas-upnp-org:service:WANPPPConnection:1';
const COMMON = 'urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1';
const FORWARDING = 'urn:schemas-upnp-org:service:Layer3Forwarding:1';
const SIX = 'urn:schemas-upnp-org:service:WANIPv6FirewallControl:1';

export const VENDORS: readonly Vendor[] = [
  {
    name: 'miniupnpd on OpenWrt',
    quirk: 'version 1 by default, absolute paths',
    location: 'http://192.168.1.1:5000/rootDesc.xml',
    description: root(igd(1, { type: IP1, control: '/ctl/IPConn' })),
    asked: [`${IP1} /ctl/IPConn`],
  },
  {
    name: 'miniupnpd on OPNsense and pfSense',
    quirk: 'version 2, and a firewall for IPv6 beside it',
    location: 'http://192.168.1.1:2189/rootDesc.xml',
    description: root(igd(2, { type: IP2, control: '/ctl/IPConn' }, { type: SIX, control: '/ctl/IP6FCtl' })),
    asked: [`${IP2} /ctl/IPConn`],
  },
  {
    name: 'AVM FRITZ!Box',
    quirk: 'IP and PPP services of the same line, the description in a folder, types of its own domain among them',
    location: 'http://192.168.1.1:49000/igddesc.xml',
    description: root(
      device(
        'InternetGatewayDevice:1',
        services({ type: 'urn:schemas-any-com:service:Any:1', control: '/igdupnp/control/any' }) +
          `<deviceList>${device('WANDevice:1', `${services({ type: COMMON, control: '/igdupnp/control/WANCommonIFC1' })}<deviceList>${device('WANConnectionDevice:1', services({ type: IP1, control: '/igdupnp/control/WANIPConn1' }, { type: PPP1, control: '/igdupnp/control/WANPPPConn1' }))}</deviceList>`)}</deviceList>`,
      ),
    ),
    asked: [`${IP1} /igdupnp/control/WANIPConn1`, `${PPP1} /igdupnp/control/WANPPPConn1`],
  },
  {
    name: 'NETGEAR',
    quirk: 'a base without the slash at its end, relative control addresses',
    location: 'http://192.168.1.1:5555/rootDesc.xml',
    description: root(igd(1, { type: IP1, control: 'WANIPConn1' }), '<URLBase>http://192.168.1.1:5555</URLBase>'),
    asked: [`${IP1} /WANIPConn1`],
  },
  {
    name: 'Linksys of the WRT54G years',
    quirk: 'a base with another port than the description; it serves both, we stay where we are',
    location: 'http://192.168.1.1:2869/igd.xml',
    description: root(
      igd(1, { type: IP1, control: '/uuid:0000-0000/WANIPConnection:1' }),
      '<URLBase>http://192.168.1.1:5431/</URLBase>',
    ),
    asked: [`${IP1} /uuid:0000-0000/WANIPConnection:1`],
  },
  {
    name: 'D-Link',
    quirk: 'whole addresses as control addresses',
    location: 'http://192.168.1.1:65530/root.sxml',
    description: root(igd(1, { type: IP1, control: 'http://192.168.1.1:65530/WANIPConnection' })),
    asked: [`${IP1} /WANIPConnection`],
  },
  {
    name: 'Huawei DSL and 5G gateways',
    quirk: 'a service for each of several WANs, with the same type; the one in use is not the first',
    location: 'http://192.168.1.1:37215/upnpdev.xml',
    description: root(
      igd(
        1,
        { type: PPP1, control: '/ctrlt/WANPPPConnection_1' },
        { type: PPP1, control: '/ctrlt/WANPPPConnection_2' },
        { type: IP1, control: '/ctrlt/WANIPConnection_1' },
      ),
    ),
    asked: [
      `${IP1} /ctrlt/WANIPConnection_1`,
      `${PPP1} /ctrlt/WANPPPConnection_1`,
      `${PPP1} /ctrlt/WANPPPConnection_2`,
    ],
  },
  {
    name: 'Technicolor',
    quirk: 'PPP only, with a colon and digits in the path',
    location: 'http://192.168.1.1:80/upnp/IGD.xml',
    description: root(igd(1, { type: PPP1, control: '/upnp/WANPPPConnection:1:0' })),
    asked: [`${PPP1} /upnp/WANPPPConnection:1:0`],
  },
  {
    name: 'ZyXEL',
    quirk: 'namespace prefixes on every element, line breaks inside of them',
    location: 'http://192.168.1.1:49153/desc.xml',
    description: root(igd(1, { type: `\r\n  ${IP1}\r\n`, control: '\n/ctl/1\n' })).replaceAll(/<(\/?)(?!\?)/g, '<$1d:'),
    asked: [`${IP1} /ctl/1`],
  },
  {
    name: 'TP-Link',
    quirk: 'a model name with a bare ampersand, and an empty control address on one service',
    location: 'http://192.168.1.1:1900/igd.xml',
    description: root(
      igd(1, { type: PPP1, control: '' }, { type: IP1, control: '/ipc' }).replaceAll('Model', 'Gigabit R&D Router'),
    ),
    asked: [`${IP1} /ipc`],
  },
  {
    name: 'ASUS',
    quirk: 'a NUL and line breaks behind the document',
    location: 'http://192.168.1.1:56688/rootDesc.xml',
    description: `${root(igd(1, { type: IP1, control: '/ctl/IPConn' }))}\r\n\r\n\u0000`,
    asked: [`${IP1} /ctl/IPConn`],
  },
  {
    name: 'MikroTik RouterOS',
    quirk: 'a description per internal network, with the same line behind each',
    location: 'http://192.168.1.1:2828/gateway_description.xml',
    description: root(
      igd(
        1,
        { type: IP1, control: '/upnp/control/wanip-1' },
        { type: IP1, control: '/upnp/control/wanip-1' },
        { type: IP1, control: '/upnp/control/wanip-2' },
      ),
    ),
    asked: [`${IP1} /upnp/control/wanip-1`, `${IP1} /upnp/control/wanip-2`],
  },
  {
    name: 'Ubiquiti EdgeOS',
    quirk: 'comments and CDATA, and element names in other letters',
    location: 'http://192.168.1.1:35000/rootDesc.xml',
    description: root(igd(1, { type: `<![CDATA[${IP1}]]>`, control: '<!-- here -->/ctl/IPConn' })).replaceAll(
      'controlURL',
      'controlUrl',
    ),
    asked: [`${IP1} /ctl/IPConn`],
  },
  {
    name: 'ARRIS and other cable gateways',
    quirk: 'the service sits on the outer device; a byte order mark comes first',
    location: 'http://192.168.1.1:5000/rootDesc.xml',
    description: `\ufeff${root(device('InternetGatewayDevice:1', services({ type: FORWARDING, control: '/l3f' }, { type: IP1, control: '/wan?if=1' })))}`,
    asked: [`${IP1} /wan?if=1`],
  },
  {
    name: 'Sagemcom',
    quirk: 'relative control addresses under a folder, without a base',
    location: 'http://192.168.1.1:49152/0/gateway.xml',
    description: root(igd(1, { type: IP1, control: 'upnp/control?WANIPConnection' })),
    asked: [`${IP1} /0/upnp/control?WANIPConnection`],
  },
];

const envelope = (inner: string, prefix = 's'): string =>
  `<?xml version="1.0"?><${prefix}:Envelope xmlns:${prefix}="http://schemas.xmlsoap.org/soap/envelope/"><${prefix}:Body>${inner}</${prefix}:Body></${prefix}:Envelope>`;

const error = (code: string): string =>
  `<UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>${code}</errorCode></UPnPError>`;

/** Faults, and the number that should be read; 0 where there is none. */
export const FAULTS: readonly (readonly [string, string, number])[] = [
  [
    'as the standard has it',
    envelope(
      `<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>${error('718')}</detail></s:Fault>`,
    ),
    718,
  ],
  [
    'with another prefix',
    envelope(`<SOAP-ENV:Fault><detail>${error('725')}</detail></SOAP-ENV:Fault>`, 'SOAP-ENV'),
    725,
  ],
  [
    'with line breaks around the number',
    envelope(`<s:Fault><detail>${error('\r\n 402 \r\n')}</detail></s:Fault>`),
    402,
  ],
  ['without the detail', envelope(`<s:Fault>${error('501')}</s:Fault>`), 501],
  ['without UPnPError', envelope('<s:Fault><detail><errorCode>606</errorCode></detail></s:Fault>'), 606],
  [
    'with letters of another size',
    envelope('<s:Fault><Detail><upnpError><ErrorCode>714</ErrorCode></upnpError></Detail></s:Fault>'),
    714,
  ],
  [
    'with words for people only',
    envelope('<s:Fault><faultcode>s:Server</faultcode><faultstring>Invalid Action</faultstring></s:Fault>'),
    0,
  ],
  ['with a number that is none', envelope(`<s:Fault><detail>${error('-1')}</detail></s:Fault>`), 0],
  ['with a comment in front', `<!-- soap -->${envelope(`<s:Fault><detail>${error('728')}</detail></s:Fault>`)}`, 728],
];
