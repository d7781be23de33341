import type { Filtering, NatKind, PortRange } from '../base/nat-profile.ts';

/** What the demo's page shows: the JSON of `/api/v1/demo`, and of each event of `/api/v1/demo/events`. */
export interface DemoState {
  /** Since the demo began; the times of events count from there too. */
  readonly uptimeMs: number;
  readonly channel: { readonly id: string; readonly name: string };
  readonly origin: DemoOrigin;
  readonly rendezvous: DemoRendezvous;
  readonly households: readonly DemoHousehold[];
  /** Paths in use, one for each household that is fed. */
  readonly links: readonly DemoLink[];
  /** The last ones, oldest first; 50 are enough. */
  readonly events: readonly DemoEvent[];
  /** Kinds of NAT that can be put in front of a new household; none hides the form. */
  readonly choices: readonly DemoChoice[];
  /** More than this many households are refused. */
  readonly most: number;
}

export interface DemoOrigin {
  readonly id: string;
  readonly name: string;
  readonly sentBytes: number;
  /** What the source gives, in kilobits per second. */
  readonly rateKbps: number;
}

export interface DemoRendezvous {
  readonly address: string;
  /** Households it knows now. */
  readonly households: number;
  readonly introductions: number;
  /** Bytes it had to carry itself for want of a direct path. */
  readonly relayedBytes: number;
}

/** `finding`: known, without the picture yet. `repairing`: has lost its parent and looks for another. `cut`: switched off by a visitor. */
export type DemoHouseholdState = 'starting' | 'finding' | 'watching' | 'repairing' | 'cut';

export interface DemoHousehold {
  readonly id: string;
  readonly name: string;
  readonly state: DemoHouseholdState;
  /** What its own probes found out. */
  readonly natKind: NatKind;
  readonly filtering: Filtering;
  /** How the path to the parent was won: METHOD of the command line's contract. */
  readonly method: string | null;
  /** Id of a household or of the origin. */
  readonly parent: string | null;
  /** 1 = fed by the origin. */
  readonly depth: number;
  /** From the origin's cut of a block to its play-out on this LAN. */
  readonly lagMs: number | null;
  readonly rttMs: number | null;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Players on its LAN. */
  readonly viewers: number;
  /** URL of its live MPEG-TS, `http://127.0.0.1:PORT/live/ID.ts`; null while it has no LAN side. */
  readonly lan: string | null;
}

export interface DemoLink {
  readonly from: string;
  readonly to: string;
  readonly method: string;
  readonly rttMs: number | null;
  /** Media and control down this path so far. */
  readonly sentBytes: number;
}

/** The page puts these into words, so that they read alike. `seq` grows by one with each. */
export type DemoEvent = { readonly seq: number; readonly atMs: number } & (
  | { readonly kind: 'switched-on'; readonly household: string; readonly nat: string }
  | {
      readonly kind: 'classified';
      readonly household: string;
      readonly natKind: NatKind;
      readonly filtering: Filtering;
    }
  | { readonly kind: 'introduced'; readonly household: string; readonly peer: string }
  | {
      readonly kind: 'reached';
      readonly household: string;
      readonly peer: string;
      readonly method: string;
      readonly tookMs: number;
    }
  | { readonly kind: 'not-reached'; readonly household: string; readonly peer: string; readonly reason: string }
  | { readonly kind: 'picture'; readonly household: string; readonly from: string; readonly tookMs: number }
  | { readonly kind: 'lost-parent'; readonly household: string; readonly parent: string }
  | { readonly kind: 'moved'; readonly household: string; readonly to: string; readonly gapMs: number }
  | { readonly kind: 'cut'; readonly household: string }
  | { readonly kind: 'back'; readonly household: string }
  | { readonly kind: 'note'; readonly text: string }
);

export interface DemoChoice {
  /** What `/api/v1/demo/add` is given. */
  readonly nat: string;
  /** For people: "Carrier NAT, new port for every peer". */
  readonly label: string;
}

/** One punch, told afterwards: the JSON of `/api/v1/demo/punch?asks=KIND&listens=KIND&seed=N`. Times count from the question. */
export interface PunchFilm {
  /** The same seed gives the same film. */
  readonly seed: number;
  readonly asks: FilmedNat;
  readonly listens: FilmedNat;
  /** The line `hearth ping` prints. */
  readonly result: string;
  readonly endMs: number;
  /** In order of time. */
  readonly marks: readonly PunchMark[];
  readonly steps: readonly PunchStep[];
}

export interface FilmedNat {
  /** What was put there, by its name in `choices`. */
  readonly kind: string;
  readonly words: string;
  /** What the household's own probes made of it. */
  readonly found: NatKind;
  readonly step: number;
  readonly ports: PortRange | null;
  readonly confidence: number;
}

/** Something that happened at an outside port of one of the two NATs. */
export interface PunchMark {
  readonly atMs: number;
  readonly nat: 'asks' | 'listens';
  readonly port: number;
  /**
   * `probed`, `opened`: a new mapping, towards the rendezvous or the other household. `seen`: the rendezvous saw a datagram
   * from there. `refused`, `admitted`: a datagram of the other household came to this port.
   */
  readonly what: 'probed' | 'opened' | 'seen' | 'refused' | 'admitted';
}

/** Something that was said or decided, by its name in the log. */
export interface PunchStep {
  readonly atMs: number;
  readonly who: 'asks' | 'rendezvous';
  readonly what: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}
