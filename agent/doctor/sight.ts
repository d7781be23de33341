import type { Address } from '../base/address.ts';
import type { NatProfile } from '../base/nat-profile.ts';
import type { Millis } from '../base/time.ts';
import type { FilterTrials, Sample } from '../nat/sample.ts';
import type { Standings } from '../portmap/contest.ts';
import type { GatewayReport } from '../portmap/link.ts';
import type { Mapping } from '../portmap/mapping.ts';
import type { LineReady, LineReport } from '../wire/messages.ts';
import type { Trips } from './series.ts';

/** One gateway that was asked for a mapping. */
export interface GatewaySeen extends Pick<GatewayReport, 'address' | 'name' | 'layer' | 'wan'> {
  readonly standings: Standings;
}

/** What was seen of the network over UDP. Whatever was not looked at, or brought nothing, is undefined. */
export interface Sight {
  /** Whether a rendezvous let us in; undefined: none was named. */
  readonly met: boolean | undefined;
  /** Whether any of them said anything over UDP. */
  readonly isHeard: boolean;
  readonly rtt: Millis | undefined;
  /** Where the main socket was seen, and the port that it is bound to. */
  readonly observed: Address | undefined;
  readonly port: number | undefined;
  readonly nat: { readonly profile: NatProfile; readonly samples: readonly Sample[] } | undefined;
  readonly hairpin: boolean | undefined;
  readonly trips: Trips | undefined;
  /** Bytes of the longest packet that went through whole. */
  readonly largest: number | undefined;
  readonly six: { readonly external: Address | undefined; readonly trials: FilterTrials } | undefined;
  /** The nearest first. */
  readonly gateways: readonly GatewaySeen[];
  readonly mapping: Mapping | undefined;
  /** The same over IPv6, where there is a line of it: a firewall is asked to let one port in. */
  readonly pinhole: { readonly gateways: readonly GatewaySeen[]; readonly mapping: Mapping | undefined } | undefined;
  /** Whether a stranger came in where we are seen, with no mapping. */
  readonly isOpen: boolean | undefined;
  readonly lineReady: LineReady | undefined;
  readonly lineReport: LineReport | undefined;
}
