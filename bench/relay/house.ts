/**
 * A process of the relay bench with hearth itself: a rendezvous and an origin, or a household that notes when each
 * verified message comes. The relay between them is not here: it is `hearth agent`.
 */
import { readFileSync } from 'node:fs';
import { key } from '../../agent/base/address.ts';
import type { Machine } from '../../agent/base/machine.ts';
import { base32, fromBase32 } from '../../agent/base/text32.ts';
import { type Instant, ms, seconds } from '../../agent/base/time.ts';
import { readChunk } from '../../agent/blocks/chunk.ts';
import { readManifest } from '../../agent/blocks/manifest.ts';
import { Household, type HouseholdEffect, type HouseholdInput } from '../../agent/house/household.ts';
import { Origin, type OriginEffect, type OriginInput } from '../../agent/house/origin.ts';
import type { EndpointOptions } from '../../agent/house/endpoint.ts';
import { hasAes, nodeCipher, secureRandom } from '../../agent/io/crypto.ts';
import { Drive, monotonic } from '../../agent/io/drive.ts';
import type { Server } from '../../agent/rendezvous/client.ts';
import { Rendezvous, type RendezvousEvent } from '../../agent/rendezvous/server.ts';
import type { Suite } from '../../agent/seal/cipher.ts';
import type { ClientRole } from '../../agent/wire/messages.ts';
import { makeStream } from '../lan/stage.ts';
import { BURST, clock, pace, Pairs } from './pattern.ts';
import type { Answer, Order } from './words.ts';

const LOOPBACK = '127.0.0.1';
/** As an encoder sends them by UDP. */
const PACKETS = 7 * 188;

const say = (answer: Answer): void => void process.send?.(answer);
const times = new Pairs();
/** A sink found itself another parent than it was to have: what it heard tells nothing of the relay. */
let astray = false;
const cipher = nodeCipher();
const suites: readonly Suite[] = hasAes() ? ['aes-128-ocb', 'aes-128-gcm', 'chacha20-poly1305'] : ['chacha20-poly1305'];

function place(role: ClientRole, children: number, server: Server): EndpointOptions {
  return {
    cipher,
    random: secureRandom,
    identity: cipher.pair(),
    servers: [server],
    networkSecret: new Uint8Array(0),
    role,
    children,
    suites,
    firstByte: 'any',
    local: { ip: '0.0.0.0', port: 0 },
    networks: [],
    punch: 'full',
  };
}

/** Answers with what clients are given: ADDR:PORT#KEY. */
function startRendezvous(): Promise<Server> {
  const identity = cipher.pair();
  const machine = new Rendezvous({
    cipher,
    random: secureRandom,
    identity,
    networkSecret: new Uint8Array(0),
    suites,
    listen: [
      { ip: LOOPBACK, port: 0 },
      { ip: LOOPBACK, port: 0 },
    ],
    now: monotonic(),
  });
  return new Promise((resolve) => {
    const drive = new Drive<never, RendezvousEvent>(machine, ({ name, fields }) => {
      if (name !== 'ready') return;
      resolve({ address: { ip: LOOPBACK, port: Number(fields['port']) }, key: identity.publicKey });
    });
    drive.give({ kind: 'tick' });
  });
}

interface Release {
  readonly kind: 'release';
}

/** An origin whose messages to its children leave one by one, as a line would hand them over, and are timed. */
class Line implements Machine<OriginInput | Release, OriginEffect> {
  readonly #origin: Origin;
  readonly #queue: Uint8Array[] = [];
  readonly #forward: Origin['kin']['children']['forward'];

  constructor(origin: Origin) {
    this.#origin = origin;
    const { children } = origin.kin;
    this.#forward = children.forward.bind(children);
    children.forward = (bytes) => {
      if (!BURST) {
        this.#queue.push(bytes);
        return [];
      }
      times.add(numberOf(bytes), clock());
      return this.#forward(bytes);
    };
  }

  get waiting(): number {
    return this.#queue.length;
  }

  step(input: OriginInput | Release, now: Instant): readonly OriginEffect[] {
    if (input.kind !== 'release') return this.#origin.step(input, now);
    const bytes = this.#queue.shift();
    if (bytes === undefined) return [];
    times.add(numberOf(bytes), clock());
    const out: OriginEffect[] = [];
    for (const order of this.#forward(bytes)) {
      for (const effect of this.#origin.endpoint.step(order, now)) if (effect.kind === 'send') out.push(effect);
    }
    return out;
  }

  wake(): Instant | undefined {
    return this.#origin.wake();
  }
}

/** One number for every message of the stream. */
function numberOf(message: Uint8Array): number {
  const chunk = readChunk(message);
  return chunk === undefined ? (readManifest(message)?.number ?? -1) * 32 + 31 : chunk.number * 32 + chunk.index;
}

async function startOrigin({ mbit, children }: Extract<Order, { kind: 'origin' }>): Promise<void> {
  const server = await startRendezvous();
  const channel = cipher.signingPair();
  const machine = new Origin({
    ...place('origin', children, server),
    channel,
    epoch: 1,
    name: 'bench',
    now: monotonic(),
  });
  const line = new Line(machine);
  const drive = new Drive<OriginInput | Release, OriginEffect>(line, (effect) => {
    if (effect.kind === 'published') {
      say({
        kind: 'published',
        rendezvous: `${key(server.address)}#${base32(server.key)}`,
        channel: base32(channel.publicKey),
      });
    } else if (effect.kind === 'event' && effect.name === 'child') say({ kind: 'child' });
  });
  drive.give({ kind: 'start' });
  const stream = readFileSync(makeStream(mbit * 1000));
  let at = 0;
  pace((mbit * 1e6) / 8 / PACKETS, () => {
    const bytes = stream.subarray(at, at + PACKETS);
    at = at + PACKETS >= stream.length ? 0 : at + PACKETS;
    drive.give({ kind: 'source', input: { kind: 'packets', bytes } });
  });
  if (BURST) return;
  // A little quicker than they come: blocks with a keyframe are cut early, so there are some more of them.
  pace((mbit * 1e6) / 8 / 1000, () => {
    if (line.waiting > 0) drive.give({ kind: 'release' });
  });
}

function startHousehold({ rendezvous, channel, depth }: Extract<Order, { kind: 'household' }>): void {
  const [, ip = '', port = '', public_ = ''] = /^(.*):(\d+)#(.*)$/.exec(rendezvous) ?? [];
  const server = { address: { ip, port: Number(port) }, key: fromBase32(public_) ?? new Uint8Array(32) };
  const household = new Household({
    ...place('agent', 0, server),
    channels: [{ id: fromBase32(channel) ?? new Uint8Array(32) }],
    ringSpan: seconds(8),
    ringBytes: 8 * 2 ** 20,
    hold: ms(1000),
  });
  const [watch] = household.watches;
  if (watch === undefined) throw new Error('no channel');
  const { feed } = watch;
  const take = feed.take.bind(feed);
  feed.take = (message, from, now) => {
    const effects = take(message, from, now);
    for (const effect of effects) if (effect.kind === 'forward') times.add(numberOf(effect.bytes), clock());
    return effects;
  };
  let said = false;
  const drive = new Drive<HouseholdInput, HouseholdEffect>(household, (effect) => {
    if (effect.kind !== 'news') return;
    if (said) astray ||= watch.depth !== depth;
    if (said || watch.depth !== depth) return;
    said = true;
    say({ kind: 'ready' });
  });
  drive.give({ kind: 'start' });
}

process.on('message', (order: Order) => {
  switch (order.kind) {
    case 'origin':
      void startOrigin(order);
      break;
    case 'household':
      startHousehold(order);
      break;
    case 'mark':
      times.clear();
      break;
    case 'report':
      say({ kind: 'report', times: astray ? new Float64Array(0) : times.take() });
      break;
    case 'begin':
    case 'signal':
    case 'go':
      break;
  }
});
