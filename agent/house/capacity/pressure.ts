import { after, type Instant, type Millis, ms, seconds, since } from '../../base/time.ts';

/** One session as its transport tells of it. */
export interface Sight {
  readonly pairId: number;
  readonly isChild: boolean;
  /** Acknowledged so far, packets with all that is around them. */
  readonly deliveredBytes: number;
  readonly sentPackets: number;
  readonly lostPackets: number;
  readonly rtt: Millis;
  /** Not sent yet. */
  readonly waitingBytes: number;
}

export interface Weather {
  /** The line out has more to carry than it can. */
  readonly isFull: boolean;
  /** What waits in it, of any session: how much longer a round trip takes than it did. */
  readonly queue: Millis;
  /** Bytes per millisecond that arrived of late. */
  readonly delivered: number;
  /** What waits in us for children, in time of the stream. */
  readonly backlog: Millis;
}

/** Two looks: one may be chance. */
const FULL_FOR = ms(400);
/** A new child gets the last seconds faster than they were made, and fills the line with them on purpose. */
const CATCHES_UP = seconds(4);
/** More than Wi-Fi and busy computers add, less than a viewer's cushion by far. */
const QUEUE = ms(40);
const BACKLOG = ms(150);
/** Of what went to every child: radio loses a few in a hundred, and loses them alike full or empty. */
const [LOSSY, LOST] = [0.03, 0.1];
/** The shortest round trip is forgotten by half in a minute and a half: paths change. */
const FORGETS = 0.002;
/** What arrived is counted over so long. */
const SPAN = seconds(1);

interface Track {
  floor: number;
  delivered: number;
  sent: number;
  lost: number;
  loss: number;
  since: Instant;
  isChild: boolean;
}

/**
 * Whether the line out of the house is full. All sessions leave by it, so what all of them feel at once is its doing, and what
 * one alone feels is the doing of its own way.
 */
export class Pressure {
  readonly #tracks = new Map<number, Track>();
  #totals: { readonly at: Instant; readonly bytes: number }[] = [];
  #bytes = 0;
  #fullSince: Instant | undefined;

  /** `need`: bytes per millisecond that all children take together; `isLate`: our own stream comes late. */
  look(sights: readonly Sight[], need: number, isLate: boolean, now: Instant): Weather {
    for (const sight of sights) this.#track(sight, now);
    const here = new Set(sights.map(({ pairId }) => pairId));
    for (const pairId of this.#tracks.keys()) if (!here.has(pairId)) this.#tracks.delete(pairId);
    const delivered = this.#rate(now);
    const queue = this.#queue(sights);
    const children = sights.filter(({ isChild }) => isChild);
    const waiting = children.reduce((sum, { waitingBytes }) => sum + waitingBytes, 0);
    const backlog = ms(need === 0 ? 0 : waiting / need);
    const loss = Math.min(1, ...children.map(({ pairId }) => this.#tracks.get(pairId)?.loss ?? 0));
    const suffers = backlog >= BACKLOG || loss >= LOSSY || isLate;
    const isPressed = children.length > 0 && ((queue >= QUEUE && suffers) || (children.length > 1 && loss >= LOST));
    if (!isPressed) this.#fullSince = undefined;
    else this.#fullSince ??= now;
    const isCatching = children.some(({ pairId }) => since(this.#tracks.get(pairId)?.since ?? now, now) < CATCHES_UP);
    const patience = isCatching ? CATCHES_UP : FULL_FOR;
    const isFull = this.#fullSince !== undefined && since(this.#fullSince, now) >= patience;
    return { isFull, queue, delivered, backlog };
  }

  #track({ pairId, isChild, deliveredBytes, sentPackets, lostPackets, rtt }: Sight, now: Instant): void {
    const before = this.#tracks.get(pairId);
    if (before === undefined) {
      const facts = { floor: rtt, delivered: deliveredBytes, sent: sentPackets, lost: lostPackets };
      this.#tracks.set(pairId, { ...facts, loss: 0, since: now, isChild });
      return;
    }
    if (isChild && !before.isChild) before.since = now;
    before.isChild = isChild;
    before.floor = rtt < before.floor ? rtt : before.floor + (rtt - before.floor) * FORGETS;
    this.#bytes += Math.max(0, deliveredBytes - before.delivered);
    const sent = sentPackets - before.sent;
    if (sent > 0) before.loss += ((lostPackets - before.lost) / sent - before.loss) / 2;
    [before.delivered, before.sent, before.lost] = [deliveredBytes, sentPackets, lostPackets];
  }

  #rate(now: Instant): number {
    this.#totals.push({ at: now, bytes: this.#bytes });
    while (this.#totals.length > 2 && after(this.#totals[1]?.at ?? now, SPAN) <= now) this.#totals.shift();
    const [first] = this.#totals;
    const span = first === undefined ? 0 : since(first.at, now);
    return first === undefined || span <= 0 ? 0 : (this.#bytes - first.bytes) / span;
  }

  /** A single child is believed only as far as somebody else feels the same. */
  #queue(sights: readonly Sight[]): Millis {
    const grown = ({ pairId, rtt }: Sight): number => Math.max(0, rtt - (this.#tracks.get(pairId)?.floor ?? rtt));
    const children = sights.filter(({ isChild }) => isChild).map(grown);
    const others = sights.filter(({ isChild }) => !isChild).map(grown);
    if (children.length === 0) return ms(0);
    // Little is said to the others, so theirs is measured seldom and follows slowly.
    const bound = children.length > 1 || others.length === 0 ? Infinity : 2 * Math.max(...others);
    return ms(Math.min(bound, ...children));
  }
}
