/** Where the pages of one maker's routers have what matters to us, in the words that stand there. */
export interface Menus {
  readonly maker: string;
  /** The switch that lets programs open ports. */
  readonly mapping: string;
  /** Where a person opens one. */
  readonly forward: string;
  /** What turns a router into a plain modem, or hands the public address on. */
  readonly bridge: string;
}

const ANY: Menus = {
  maker: '',
  mapping: 'UPnP (or NAT-PMP, or PCP), often under Advanced or NAT',
  forward: 'Port Forwarding (or Virtual Server), often under Advanced or NAT',
  bridge: 'Bridge Mode (or Modem Mode, or DMZ host)',
};

/** By what gateways say of themselves over UPnP. From what the makers publish; versions differ in a word or two. */
const KNOWN: readonly (readonly [RegExp, Menus])[] = [
  [
    /fritz!?box|\bavm\b/i,
    {
      maker: 'FRITZ!Box',
      mapping:
        'Home Network > Network > Network Connections > (pencil beside this device) > Permit independent port sharing',
      forward: 'Internet > Permit Access > Port Sharing > Add Device for Sharing',
      bridge: 'Internet > Permit Access > Port Sharing > Exposed Host',
    },
  ],
  [
    /openwrt|luci|miniupnpd/i,
    {
      maker: 'OpenWrt',
      mapping: 'Services > UPnP IGD & PCP (package luci-app-upnp)',
      forward: 'Network > Firewall > Port Forwards',
      bridge: 'Network > Interfaces > Devices',
    },
  ],
  [
    /tp-?link|archer|deco/i,
    {
      maker: 'TP-Link',
      mapping: 'Advanced > NAT Forwarding > UPnP',
      forward: 'Advanced > NAT Forwarding > Port Forwarding (Virtual Servers)',
      bridge: 'Advanced > Operation Mode, or Advanced > NAT Forwarding > DMZ',
    },
  ],
  [
    /netgear|nighthawk|orbi/i,
    {
      maker: 'NETGEAR',
      mapping: 'ADVANCED > Advanced Setup > UPnP > Turn UPnP On',
      forward: 'ADVANCED > Advanced Setup > Port Forwarding / Port Triggering',
      bridge: 'ADVANCED > Advanced Setup > Router / AP Mode',
    },
  ],
  [
    /\basus|rt-a[cx]/i,
    {
      maker: 'ASUS',
      mapping: 'WAN > Internet Connection > Enable UPnP',
      forward: 'WAN > Virtual Server / Port Forwarding',
      bridge: 'Administration > Operation Mode, or WAN > DMZ',
    },
  ],
  [
    /speedport|telekom/i,
    {
      maker: 'Speedport',
      mapping: 'Heimnetzwerk > Netzwerk > UPnP (not every Speedport has it)',
      forward: 'Internet > Portfreischaltung > Port-Umleitungen und Port-Weiterleitungen',
      bridge: 'Internet > Modem-Betrieb (not every Speedport has it)',
    },
  ],
  [
    /livebox|orange|sagemcom/i,
    {
      maker: 'Livebox',
      mapping: 'Paramètres avancés > Réseau > UPnP',
      forward: 'Paramètres avancés > Réseau > NAT/PAT',
      bridge: 'Paramètres avancés > Réseau > DMZ',
    },
  ],
  [
    /vodafone|easybox/i,
    {
      maker: 'Vodafone Station',
      mapping: 'Internet > UPnP (after Expert Mode)',
      forward: 'Internet > Port Forwarding (after Expert Mode)',
      bridge: "Settings > Bridge Mode, or the provider's customer pages",
    },
  ],
  [
    /unifi|ubiquiti|\budm\b|\busg\b/i,
    {
      maker: 'UniFi',
      mapping: 'Settings > Internet > (the WAN) > UPnP',
      forward: 'Settings > Policy Engine > Port Forwarding (Routing > Port Forwarding before version 9)',
      bridge: 'the bridge mode of the modem in front',
    },
  ],
];

/** The menus of a gateway by its own name; words that fit most where the name is unknown. */
export function menusOf(name: string | undefined): Menus {
  return KNOWN.find(([words]) => words.test(name ?? ''))?.[1] ?? ANY;
}
