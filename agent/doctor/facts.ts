import type { Address } from '../base/address.ts';
import type { Bait } from '../base/bait.ts';
import type { Millis } from '../base/time.ts';
import type { Terrain } from '../uplink/terrain.ts';
import type { Sight } from './sight.ts';

/**
 * How a TCP connection to a rendezvous went. `closed`: taken, and ended without a byte, as a rendezvous does with strangers; `other`: taken by
 * somebody who behaves otherwise; `silent`: no answer at all.
 */
export type Greeting = 'closed' | 'other' | 'refused' | 'silent' | 'unreachable';

/** What the system's resolvers say of a name; `empty`: an answer, and no address in it. */
export type NameAnswer = 'address' | 'empty' | 'silent';

/** One connection of a line test as we saw it. */
export interface LineTried {
  readonly bait: Bait;
  /** `echoed`: all of it came back as it left; `altered`: something else did; `refused`: there was no connection. */
  readonly end: 'echoed' | 'altered' | 'reset' | 'closed' | 'silence' | 'refused';
}

/** A household that a running agent of this machine is connected with. */
export interface PeerSeen {
  readonly part: 'parent' | 'child';
  readonly method: string | undefined;
  readonly rtt: Millis | undefined;
  /** Share of packets. */
  readonly loss: number | undefined;
}

/** What the agent here says of its line out. */
export interface RoomSeen {
  /** That it can send, fractions included. */
  readonly streams: number;
  /** kbit/s; undefined while the line has not shown it. */
  readonly kbits: number | undefined;
}

/** Who has the port for the house's own devices. */
export type HomePort = 'free' | 'agent' | 'other';

/** What the machine itself is and has. */
export interface MachineSeen {
  readonly cpu: string;
  readonly cores: number;
  /** MB. */
  readonly memory: number;
  readonly memoryFree: number;
  readonly flashFree: number | undefined;
  /** Bytes of the longest packet of the link that the internet is reached by. */
  readonly mtu: number | undefined;
  readonly table: { readonly used: number; readonly most: number } | undefined;
}

/** All that was seen; whatever could not be looked at, or not in time, is undefined. */
export interface Facts {
  readonly sight: Sight;
  /** Undefined: this machine does not tell. */
  readonly terrain: Terrain | undefined;
  /** Addresses of our own that others could write to. */
  readonly own: readonly string[];
  readonly greetings: readonly { readonly to: Address; readonly greeting: Greeting }[] | undefined;
  readonly lines: readonly LineTried[] | undefined;
  /** Milliseconds since 1970 by our own clock, and by that of the rendezvous at the same moment, where it told. */
  readonly clock: { readonly own: number; readonly theirs: number | undefined };
  /** What the system's resolvers say of a name that there is, and of one that there is not. */
  readonly names: { readonly known: NameAnswer; readonly invented: NameAnswer } | undefined;
  readonly homePort: HomePort | undefined;
  readonly peers: readonly PeerSeen[] | undefined;
  readonly room: RoomSeen | undefined;
  readonly machine: MachineSeen | undefined;
}
