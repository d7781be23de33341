import { concat } from '../base/bytes.ts';
import type { Random } from '../base/random.ts';
import type { Instant } from '../base/time.ts';
import { encode } from '../wire/codec.ts';
import type { Beat } from '../wire/messages.ts';
import { type Line, PADDING } from './line.ts';
import type { ClientEffect, ClientInput } from './orders.ts';

/** Body of the largest answer to a probe: it must not be longer than the probe. */
const OBSERVED_LENGTH = 3 + 4 + 1 + 1 + 4 + 19 + 8;
/** Body of a knock. */
const KNOCKED_LENGTH = 3 + 4 + 1 + 1 + 8;
const VOLLEY_PADDING = 32;

type Probe = Extract<ClientInput, { kind: 'probe' }>;
type FilterTest = Extract<ClientInput, { kind: 'filter-test' }>;
type TryDoor = Extract<ClientInput, { kind: 'try-door' }>;

/** Asks an observer how a socket of ours looks from outside. */
export function probe(line: Line, order: Probe, random: Random, now: Instant): ClientEffect[] {
  const { socket, observer, index, volley } = order;
  const to = line.up?.observers[observer];
  if (to === undefined) return [];
  const body = encode({ kind: 'probe', id: socket, index, volley });
  // A volley's bytes are counted: its probes are no longer than its knocks.
  const padding = random(volley === undefined ? PADDING : VOLLEY_PADDING);
  return line.send(body, OBSERVED_LENGTH - body.length + padding, to, socket, now);
}

/** Asks an observer to have another one answer: does our NAT let that in? */
export function filterTest(line: Line, order: FilterTest, random: Random, now: Instant): ClientEffect[] {
  const { socket, observer, answerer, index, token } = order;
  const to = line.up?.observers[observer];
  if (to === undefined) return [];
  const test = { kind: 'filter-test', id: socket, index, observer: answerer, token } as const;
  return line.send(encode(test), random(PADDING), to, socket, now);
}

/**
 * Has an observer knock at an address of ours: do strangers get in? The answer to the beat beside it shows that the question was heard,
 * so that silence means a shut door, and not a rendezvous that is away.
 */
export function tryDoor(
  line: Line,
  { observer, index, at }: TryDoor,
  beat: Beat,
  random: Random,
  now: Instant,
): ClientEffect[] {
  const body = concat([{ kind: 'try-door', id: 0, index, observer, at } as const, beat].map(encode));
  const padding = Math.max(0, KNOCKED_LENGTH - body.length) + random(PADDING);
  return line.ask(body, padding, now);
}

/** A probe that fills its datagram: does one of this length get there? */
export function stretch(line: Line, order: Extract<ClientInput, { kind: 'stretch' }>, now: Instant): ClientEffect[] {
  const { socket, observer, index, filler } = order;
  const to = line.up?.observers[observer];
  if (to === undefined) return [];
  return line.send(encode({ kind: 'stretch', id: socket, index, filler }), 0, to, socket, now);
}
