import { type Millis, ms, seconds } from '../../../agent/base/time.ts';
import type { Edge, KindName } from '../../../agent/sim/kinds.ts';
import type { AccessShape } from '../../../agent/sim/link.ts';
import { Nat } from '../../../agent/sim/nat.ts';
import type { World } from '../../../agent/sim/world.ts';
import type { Side } from '../../punch/meeting.ts';

/** The way between any two of the three: the households and the rendezvous are all equally far from each other. */
export interface Path {
  /** One way, without the jitter. */
  readonly delay: Millis;
  /** Per household and direction: between two households a datagram runs this risk twice. */
  readonly loss: number;
  /** What the home router needs for each datagram that leaves. */
  readonly perPacket?: Millis;
}

/** Two households, and the way between them. */
export interface Scene {
  readonly asks: KindName | Edge;
  readonly listens: KindName | Edge;
  readonly path: Path;
  /** Where both live, when it is not a home each. */
  readonly home?: (world: World, access: AccessShape) => readonly [Side, Side];
  /** Called the moment the introduction is asked for: what has been read of the NATs by then need not be true any more. */
  readonly change?: (world: World, sides: readonly [Side, Side]) => void;
  readonly patience?: Millis;
  /** False where only the punch is of interest. */
  readonly relay?: false;
}

/** Spread of the delay, each way of each household. */
const JITTER = ms(5);

/** The lines of a household and of the rendezvous. */
export function lines({ delay, loss }: Path): { readonly access: AccessShape; readonly server: AccessShape } {
  const half = ms(delay / 2);
  return { access: { delay: half, jitter: JITTER, loss }, server: { delay: half } };
}

/** Where the two live, as far as it is not two plain homes. With a slow router each home has a LAN that lets one datagram through at a time. */
export function homes({ asks, listens, home, path: { perPacket } }: Scene): Pick<Scene, 'home'> {
  if (home !== undefined) return { home };
  if (perPacket === undefined) return {};
  const slow = (world: World, kind: KindName | Edge, access: AccessShape): Side => {
    if (typeof kind === 'string' || kind.kind !== 'nat') return world.household(kind, { access });
    const [shape = {}] = kind.nats;
    const nat = world.nat(shape, { access });
    const lan = { up: { spacing: perPacket, queue: seconds(2) }, down: {} };
    return { host: world.host({ behind: nat, access: lan }), boxes: [nat] };
  };
  return { home: (world, access) => [slow(world, asks, access), slow(world, listens, access)] };
}

/** How many mappings each of its boxes has made so far. */
export function mapped({ boxes }: Side): number[] {
  return boxes.map((box) => (box instanceof Nat ? box.counters.mapped : 0));
}
