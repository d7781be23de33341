/** Where the pages of one maker's routers have what matters to us, in the words that stand there. */
export interface Menus {
  /** Empty where nobody knows it. */
  readonly maker: string;
  /** The switch that lets programs open ports. */
  readonly mapping: string;
  /** Where a person opens one. */
  readonly forward: string;
  /** What makes a router behind another one a plain access point. */
  readonly accessPoint: string;
}

const ANY: Menus = {
  maker: '',
  mapping: 'UPnP (or NAT-PMP, or PCP; often in Advanced or NAT)',
  forward: 'Port Forwarding (or Virtual Server, or NAT; often in Advanced or Internet)',
  accessPoint: 'Access Point Mode (often in Advanced or Administration)',
};

/** By what gateways say of themselves over UPnP. Only words that stand in what makers publish; the rest is that of most routers. */
const KNOWN: readonly (readonly [RegExp, Pick<Menus, 'maker'> & Partial<Menus>])[] = [
  [
    /fritz!?\s?box|\bavm\b/i,
    {
      maker: 'FRITZ!Box',
      mapping:
        'Home Network > Network > Network Connections > Edit (the pencil beside this device) > Permit independent port sharing',
      forward: 'Internet > Permit Access > Port Sharing',
    },
  ],
  [
    /openwrt|luci|miniupnpd/i,
    {
      maker: 'OpenWrt',
      mapping: 'Services > UPnP (of the package luci-app-upnp)',
      forward: 'Network > Firewall > Port Forwards',
    },
  ],
  [
    /tp-?link|\barcher\b/i,
    {
      maker: 'TP-Link',
      mapping: 'Advanced > NAT Forwarding > UPnP',
      forward: 'Advanced > NAT Forwarding > Virtual Servers (Port Forwarding on newer ones)',
      accessPoint: 'Operation Mode > Access Point',
    },
  ],
  [
    /netgear|nighthawk/i,
    {
      maker: 'NETGEAR',
      mapping: 'ADVANCED > Advanced Setup > UPnP > Turn UPnP On',
      forward: 'ADVANCED > Advanced Setup > Port Forwarding / Port Triggering',
    },
  ],
  [
    /\basus|\brt-a[cx]/i,
    {
      maker: 'ASUS',
      mapping: 'WAN > Internet Connection > Enable UPnP',
      forward: 'WAN > Virtual Server / Port Forwarding',
      accessPoint: 'Administration > Operation Mode > Access Point',
    },
  ],
  [/speedport/i, { maker: 'Speedport', forward: 'Internet > Portfreischaltungen' }],
  [/livebox/i, { maker: 'Livebox' }],
  [/vodafone|easybox/i, { maker: 'Vodafone Station' }],
  [/unifi|ubiquiti|\budm\b|\busg\b/i, { maker: 'UniFi', forward: 'Settings > Policy Engine > Port Forwarding' }],
];

/** The menus of a gateway by its own name; words that fit most where the name is unknown. */
export function menusOf(name: string | undefined): Menus {
  return { ...ANY, ...KNOWN.find(([words]) => words.test(name ?? ''))?.[1] };
}
