import { after, at, type Instant, type Millis, ms, seconds, since } from '../../base/time.ts';

/** One session as its transport tells of it. */
export interface Sight {
  readonly pairId: number;
  readonly isChild: boolean;
  /** Acknowledged so far, packets with all that is around them. */
  readonly deliveredBytes: number;
  readonly sentPackets: number;
  readonly lostPackets: number;
  /** Of the last packet, not smoothed: a queue is there within a round trip. */
  readonly rtt: Millis;
  /** What the path to it delivers by its transport's reckoning, bytes per millisecond. */
  readonly deliveryRate: number;
  /** Not sent yet. */
  readonly waitingBytes: number;
}

export interface Weather {
  /** The line out has more to carry than it can. */
  readonly isFull: boolean;
  /** Children wait: whether others do too is to be found out. */
  readonly isDoubtful: boolean;
  /** What waits in it, of any session: how much longer a round trip takes than it did. */
  readonly queue: Millis;
  /** Bytes per millisecond that arrived in the last look, or in the last second where that is less. */
  readonly delivered: number;
  /** In the last second; or what the path of a child that catches up was seen to deliver, where that is more. */
  readonly shown: number;
  /** What waits in us for children, in time of the stream. */
  readonly backlog: Millis;
}

/** Two looks: one may be chance. */
const FULL_FOR = ms(400);
/** Children that go while the line is full go because of it: they notice within a quarter of a second. */
const LEFT_LATELY = seconds(1);
/** A new child gets the last seconds faster than they were made, and fills the line with them on purpose. */
const CATCHES_UP = seconds(4);
/** More than Wi-Fi and busy computers add, less than a viewer's cushion by far. */
const QUEUE = ms(40);
const BACKLOG = ms(150);
/** Of what children need: what arrives in a look varies by so much. */
const ENOUGH = 0.85;
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
  /** Bytes per millisecond of late. */
  rate: number;
  since: Instant;
  isChild: boolean;
}

/**
 * Whether the line out of the house is full. All sessions leave by it, so what all of them feel at once is its doing, and what
 * one alone feels is the doing of its own way: a child, or two of them, can't make a house believe that its line is weak, because
 * parent and spares have a say.
 */
export class Pressure {
  readonly #tracks = new Map<number, Track>();
  #totals: { readonly at: Instant; readonly bytes: number }[] = [];
  #bytes = 0;
  #looked: Instant = at(0);
  #fullSince: Instant | undefined;
  /** When a child went last. */
  #leftAt: Instant = at(-Infinity);

  /** `need`: bytes per millisecond that all children take together; `isLate`: our own stream comes late. */
  look(sights: readonly Sight[], need: number, isLate: boolean, now: Instant): Weather {
    const span = Math.max(1, since(this.#looked, now));
    this.#looked = now;
    const others = sights.filter(({ isChild }) => !isChild);
    const children = sights.filter(({ isChild }) => isChild);
    if (this.#hasLost(children)) this.#leftAt = now;
    // Whoever could not wait for us to see it has seen it, if others feel the same.
    const haveLeft = since(this.#leftAt, now) < LEFT_LATELY;
    const before = Math.min(...others.map((one) => this.#grown(one)));
    for (const sight of sights) this.#track(sight, before === Infinity ? 0 : before, span, now);
    const here = new Set(sights.map(({ pairId }) => pairId));
    for (const pairId of this.#tracks.keys()) if (!here.has(pairId)) this.#tracks.delete(pairId);
    const average = this.#average(now);
    const latest = sights.reduce((sum, { pairId }) => sum + (this.#tracks.get(pairId)?.rate ?? 0), 0);
    const waiting = children.reduce((sum, { waitingBytes }) => sum + waitingBytes, 0);
    const backlog = ms(need === 0 ? 0 : waiting / need);
    const loss = Math.min(1, ...children.map(({ pairId }) => this.#tracks.get(pairId)?.loss ?? 0));
    const gets = children.reduce((sum, { pairId }) => sum + (this.#tracks.get(pairId)?.rate ?? 0), 0);
    const suffers = backlog >= BACKLOG || loss >= LOSSY || isLate || gets < ENOUGH * need;
    const isNew = ({ pairId }: Sight): boolean => since(this.#tracks.get(pairId)?.since ?? now, now) < CATCHES_UP;
    const catching = children.filter(isNew);
    const felt = haveLeft ? others : children;
    const theirs = felt.length === 0 ? 0 : Math.min(...felt.map((one) => this.#grown(one)));
    const queue = ms(Math.min(theirs, ...others.map((one) => this.#grown(one))));
    const isPressed = (suffers || haveLeft) && (queue >= QUEUE || (children.length > 1 && loss >= LOST && queue > 0));
    if (!isPressed) this.#fullSince = undefined;
    else this.#fullSince ??= now;
    const patience = catching.length > 0 ? CATCHES_UP : haveLeft ? 0 : FULL_FOR;
    const isFull = this.#fullSince !== undefined && since(this.#fullSince, now) >= patience;
    const shown = Math.max(average, ...catching.map((one) => one.deliveryRate));
    return {
      isFull,
      isDoubtful: haveLeft || (theirs >= QUEUE && suffers),
      queue,
      delivered: Math.min(average, latest),
      shown,
      backlog,
    };
  }

  #hasLost(children: readonly Sight[]): boolean {
    const here = new Set(children.map(({ pairId }) => pairId));
    return [...this.#tracks].some(([pairId, { isChild }]) => isChild && !here.has(pairId));
  }

  /** How much longer a round trip takes than it did. */
  #grown({ pairId, rtt }: Sight): number {
    return Math.max(0, rtt - (this.#tracks.get(pairId)?.floor ?? rtt));
  }

  /** `queue`: what others feel now; who comes while the line is full has known no shorter way. */
  #track(sight: Sight, queue: number, span: number, now: Instant): void {
    const { pairId, isChild, deliveredBytes, sentPackets, lostPackets, rtt } = sight;
    const before = this.#tracks.get(pairId);
    if (before === undefined) {
      const facts = {
        floor: Math.max(1, rtt - queue),
        delivered: deliveredBytes,
        sent: sentPackets,
        lost: lostPackets,
      };
      this.#tracks.set(pairId, { ...facts, loss: 0, rate: 0, since: now, isChild });
      return;
    }
    if (isChild && !before.isChild) before.since = now;
    before.isChild = isChild;
    before.floor = rtt < before.floor ? rtt : before.floor + (rtt - before.floor) * FORGETS;
    const bytes = Math.max(0, deliveredBytes - before.delivered);
    this.#bytes += bytes;
    before.rate += (bytes / span - before.rate) / 2;
    const sent = sentPackets - before.sent;
    if (sent > 0) before.loss += ((lostPackets - before.lost) / sent - before.loss) / 2;
    [before.delivered, before.sent, before.lost] = [deliveredBytes, sentPackets, lostPackets];
  }

  #average(now: Instant): number {
    this.#totals.push({ at: now, bytes: this.#bytes });
    while (this.#totals.length > 2 && after(this.#totals[1]?.at ?? now, SPAN) <= now) this.#totals.shift();
    const [first] = this.#totals;
    const span = first === undefined ? 0 : since(first.at, now);
    return first === undefined || span <= 0 ? 0 : (this.#bytes - first.bytes) / span;
  }
}
