import type { Line, LineShape } from './line.ts';
import type { Nat } from './nats.ts';
import type { Captured } from './pcap.ts';
import type { Input } from './rules.ts';
import type { Watch } from './watch.ts';

/** A namespace: a computer of its own as far as the network is concerned. */
export interface Space {
  readonly netns: string;
  /** Its addresses; of a router, the outside ones. */
  readonly addresses: readonly string[];
}

/** Seconds. */
export interface Expiry {
  readonly unanswered: number;
  readonly answered: number;
}

/** A namespace that others hang on to: the internet, or a carrier. */
export interface Hub {
  readonly netns: string;
  readonly gateway: string;
  /** What its customers' addresses begin with. */
  readonly network: string;
  customers: number;
}

export interface HouseholdOptions {
  /** `open`: a public address; `firewall`: the same with a stateful filter; else a router with this NAT. */
  readonly nat?: Nat;
  /** For NATs of the kernel; `accept` makes others lose their port to an early stranger in the same way. */
  readonly input?: Input;
  /** Hosts on the LAN; each is 192.168.1.2 and up, in every household. */
  readonly hosts?: number;
  /** The line to the internet, or the carrier; a plain wire when left out. */
  readonly line?: LineShape;
  readonly behind?: Carrier;
  /** A /64 of its own besides, behind a stateful filter; on a plain wire only. */
  readonly ipv6?: boolean;
  /** Outside addresses of a NAT of nat.c; one, or as many as its kind has. */
  readonly addresses?: number;
  /** Seconds a mapping lives, without and with an answer; the kernel has 30 and 120. */
  readonly expiry?: Expiry;
}

/** A household: its router (for open ones and firewalls the only host) and the hosts on its LAN. */
export interface Household {
  readonly router: Space;
  readonly hosts: readonly Space[];
  /** The first host: where the agent of a household behind its router runs. */
  readonly host: Space;
  /**
   * The router as the place where an agent runs, with the address that its own sockets have. A kernel NAT is the router's
   * own: the address is public, what the router sends passes the same rules as what it forwards (a masquerade keeps its
   * port, the others give it another), and its input policy decides what may come in. A NAT of nat.c is the box in front,
   * as a provider's modem or a carrier is: the router has a private address and is translated like its hosts. Of an
   * open household and a firewall it is the only host.
   */
  readonly gateway: Space;
  /** Where the internet sees it. */
  readonly address: string;
  /** Its line; NATs of nat.c always have one. */
  readonly line: Line | undefined;
  /** Every flow moves to another outside port with its next datagram out; for kernel NATs that keep a port, and all others. */
  rebind(): Promise<void>;
  /** Begins to count mappings, flows and datagrams; it needs a line. */
  watch(): Promise<Watch>;
}

/** A carrier's NAT that households can be behind. */
export interface Carrier {
  readonly router: Space;
  readonly hub: Hub;
  readonly line: Line | undefined;
  watch(): Promise<Watch>;
}

/** Datagrams counted in the middle of the internet. */
export interface Counter {
  read(): { readonly packets: number; readonly bytes: number };
}

/** A running tcpdump. */
export interface Capture {
  /** Ends it and answers with all UDP it saw. */
  stop(): Promise<readonly Captured[]>;
}
