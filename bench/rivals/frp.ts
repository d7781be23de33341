import type { Address } from '../../agent/base/address.ts';
import type { Arena, Muzzle, Party } from './arena.ts';

/*
 * frp's xtcp ("nathole"), from its description. Each attempt: a new socket, two samples one after the other, the server
 * decides on a mode for both, the receiver opens its NAT with a low TTL, and the sender begins a second later.
 * What fails is tried again with the next mode of the pair's list.
 */

/** Modes of the description, by what two samples said of the two NATs. */
type Mode = 'plain' | 'near' | 'many' | 'near-both' | 'near-many';

interface Reading {
  /** Where to knock: what the last sample saw. */
  readonly address: Address;
  readonly easy: boolean;
  /** Ports between the samples are at most five apart. */
  readonly regular: boolean;
  readonly span: number;
}

interface Side {
  readonly party: Party;
  readonly socket: Muzzle;
  readonly reading: Reading;
}

const SAMPLE_TIMEOUT = 3000;
const REGULAR = 5;
const WIDEST = 10;
const BETWEEN_NEAR = 2;
const MANY_SOCKETS = 256;
const MANY_PORTS = 1000;
const BETWEEN_MANY = 15;
const SENDER_WAITS = 1000;
/** The second try has the lower TTL, the third none. */
const TTLS = [7, 4, undefined];
const READ = 5000;
const READ_MANY = 30_000;

export function frp(arena: Arena): void {
  arena.world.at(arena.asked, () => attempt(arena, 0));
}

function attempt(arena: Arena, number: number): void {
  const [visitor, client] = arena.parties;
  const hop = arena.delay;
  const [here, there] = [visitor.open(), client.open()];
  const again = (span: number): void => arena.later(span, () => attempt(arena, number + 1));
  sample(arena, here, (mine) => {
    // The visitor's samples go to the server, and only then is the client told to take its own.
    arena.later(2 * hop, () =>
      sample(arena, there, (theirs) => {
        arena.later(2 * hop, () => {
          if (mine === undefined || theirs === undefined) again(0);
          else {
            const left = { party: visitor, socket: here, reading: mine };
            again(act(arena, left, { party: client, socket: there, reading: theirs }, number));
          }
        });
      }),
    );
  });
}

/** One observer, then another one: a round trip apart. */
function sample(arena: Arena, socket: Muzzle, done: (reading: Reading | undefined) => void): void {
  const [first, second] = arena.observers;
  if (first === undefined || second === undefined) return;
  socket.probe([first], SAMPLE_TIMEOUT, ([one]) => {
    socket.probe([second], SAMPLE_TIMEOUT, ([two]) => {
      if (one === undefined || two === undefined) done(undefined);
      else {
        const span = Math.abs(two.port - one.port);
        const same = one.ip === two.ip;
        done({ address: two, easy: same && span === 0, regular: same && span >= 1 && span <= REGULAR, span });
      }
    });
  });
}

/** How long to read before the next attempt. */
function act(arena: Arena, a: Side, b: Side, number: number): number {
  const modes = modesFor(a.reading, b.reading);
  const mode = modes[number % modes.length] ?? 'plain';
  const ttl = TTLS[Math.floor(number / modes.length) % TTLS.length];
  // The hard side is the receiver, so that its mapping is as near to the samples as the method allows.
  const [receiver, sender] = a.reading.easy && !b.reading.easy ? [b, a] : [a, b];
  arena.phase = mode === 'near' || mode === 'near-both' ? 'predicted' : mode === 'plain' ? 'plain' : 'any port';
  switch (mode) {
    case 'plain':
      receiver.socket.knock(sender.reading.address, ttl);
      arena.later(SENDER_WAITS, () => sender.socket.knock(receiver.reading.address));
      return SENDER_WAITS + READ;
    case 'near':
      receiver.socket.knock(sender.reading.address, ttl);
      arena.later(SENDER_WAITS, () => near(arena, sender.socket, receiver.reading));
      return SENDER_WAITS + READ;
    case 'near-both':
      near(arena, receiver.socket, sender.reading, ttl);
      arena.later(SENDER_WAITS, () => near(arena, sender.socket, receiver.reading));
      return SENDER_WAITS + READ;
    case 'many':
      for (let i = 0; i < MANY_SOCKETS; i++) receiver.party.open().knock(sender.reading.address, ttl);
      arena.later(SENDER_WAITS, () => many(arena, sender.socket, receiver.reading));
      return SENDER_WAITS + READ_MANY;
    case 'near-many': {
      const [regular, other] = receiver.reading.regular ? [receiver, sender] : [sender, receiver];
      for (let i = 0; i < MANY_SOCKETS; i++) {
        const socket = other.party.open();
        for (let away = -2; away <= 2; away++) socket.knock(shifted(regular.reading.address, away), ttl);
      }
      arena.later(SENDER_WAITS, () => many(arena, regular.socket, other.reading));
      return SENDER_WAITS + READ_MANY;
    }
  }
}

function modesFor(a: Reading, b: Reading): readonly Mode[] {
  const hard = [a, b].filter(({ easy }) => !easy);
  const regular = hard.filter((reading) => reading.regular).length;
  if (hard.length === 0) return ['plain'];
  if (hard.length === 1) return regular === 1 ? ['near', 'many', 'plain'] : ['many', 'near', 'plain'];
  if (regular === 2) return ['near-both', 'near-many'];
  return regular === 1 ? ['near-many', 'near-both'] : ['plain', 'near', 'near-both'];
}

/** The ports around the last one that was seen. */
function near(arena: Arena, socket: Muzzle, { address, span }: Reading, ttl?: number): void {
  const reach = Math.min(WIDEST, span + REGULAR);
  for (let away = -reach, i = 0; away <= reach; away++, i++) {
    arena.later(i * BETWEEN_NEAR, () => socket.knock(shifted(address, away), ttl));
  }
}

function many(arena: Arena, socket: Muzzle, { address }: Reading): void {
  for (let i = 0; i < MANY_PORTS; i++) {
    const port = 1024 + arena.random(64_512);
    arena.later(i * BETWEEN_MANY, () => socket.knock({ ip: address.ip, port }));
  }
}

function shifted({ ip, port }: Address, away: number): Address {
  return { ip, port: Math.min(65_535, Math.max(1024, port + away)) };
}
