import type { Child } from './child.ts';
import type { Household, Lab, Space } from './lab.ts';
import { encoder } from './picture.ts';
import {
  channelOf,
  hearth,
  logsOf,
  type Rendezvous,
  startHousehold,
  startRendezvous,
  type States,
  until,
} from './programs.ts';

/** Every line of the walk, each way. */
export const LINE = { delayMs: 25, loss: 0.02 };
/** Between two households: four times the delay of a line. */
export const RTT_MS = 4 * LINE.delayMs;

const START_MS = 20_000;

/** A household that takes the channel. */
export interface Home {
  readonly house: Household;
  readonly child: Child;
  readonly node: string;
  /** Its page, and what a player on its LAN opens. */
  readonly url: string;
  readonly live: string;
}

/**
 * The walking house: an encoder feeds an origin that serves one child only; that is household A, and A feeds B. Both are
 * behind routers of their own, and every line delays and loses.
 */
export interface Walk {
  readonly rendezvous: Rendezvous;
  readonly origin: { readonly child: Child; readonly space: Space; readonly address: string };
  readonly a: Home;
  readonly b: Home;
  /** All that encoders have given the origin. */
  readonly fed: readonly Buffer[];
  encoder: Child;
  /** A new encoder in place of one that has ended. */
  encodeAgain(): void;
  /** The last that each program said, for whoever has to find out why. */
  logs(): string;
}

/** Starts all of it; ready when B has its first block. */
export async function startWalk(lab: Lab, states: States): Promise<Walk> {
  const server = await lab.internet({ addresses: 2, line: LINE });
  const studio = await lab.internet({ line: LINE });
  const houses = {
    a: await lab.household({ nat: 'masquerade', line: LINE }),
    b: await lab.household({ nat: 'masquerade', line: LINE, hosts: 2 }),
  };
  const rendezvous = await startRendezvous(lab, server, states, ['--log-level', 'debug']);
  const words = ['--rendezvous', rendezvous.place, '--channel', 'Walking', '--in', '-', '--children', '1'];
  const child = hearth(lab, studio, ['origin', ...words, '--state', states.next(), '--log-level', 'debug']);
  const fed: Buffer[] = [];
  const encode = (): Child =>
    encoder(lab, studio, (bytes) => {
      fed.push(bytes);
      child.write(bytes);
    });
  const walk = { encoder: encode() };
  const [, channel = ''] = await child.line(/^channel ready ([a-z2-7]{52})$/, START_MS);
  const home = async (house: Household): Promise<Home> => {
    const started = await startHousehold(lab, house.host, rendezvous.place, channel, states);
    await until(
      () => channelOf(lab, house.host, started.url),
      ({ block }) => block !== null,
    );
    return { ...started, house, live: `${started.url}live/${channel}.ts` };
  };
  const a = await home(houses.a);
  const b = await home(houses.b);
  return Object.assign(walk, {
    rendezvous,
    origin: { child, space: studio, address: studio.addresses[0] ?? '' },
    a,
    b,
    fed,
    encodeAgain: () => void (walk.encoder = encode()),
    logs: () => logsOf({ rendezvous: rendezvous.child, origin: child, a: a.child, b: b.child }, 40_000),
  });
}
