import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Household, Lab, type Space } from './lab.ts';
import { describeInLab } from './missing.ts';
import { type Nat, NATS, shapeOf } from './nats.ts';
import {
  anyOf,
  anyOfBlock,
  chains,
  distance,
  type Look,
  oneOfBlock,
  ownFirst,
  perAddress,
  steps,
  stepsInBlock,
} from './ports-seen.ts';
import { Prober, startObservers } from './probing.ts';
import { pause } from './programs.ts';
import { classicVerdict, discover, startStun, STUN_PROGRAMS } from './stun.ts';

/** What mapping and filtering depend on, as coturn's client says it. */
const [EI, AD, APD] = ['endpoint-independent', 'address-dependent', 'address-and-port-dependent'];
/** What the client of RFC 3489 says; it knows no difference between kinds of dependent mapping. */
const [KEEPS, OTHER] = ['preserves ports, no hairpin', 'random port, no hairpin'];
const [INDEPENDENT, RESTRICTED, DEPENDENT] = [
  'Independent Mapping, Independent Filter',
  'Independent Mapping, Port Dependent Filter',
  'Dependent Mapping',
];

interface Expected {
  readonly mapping: string | undefined;
  readonly filtering: string | undefined;
  readonly classic: string;
  /** Undefined where nothing passes. */
  readonly ports: Look | undefined;
}

function expected(mapping: string, filtering: string, classic: string, ports: Look): Expected {
  return { mapping, filtering, classic, ports };
}

const own = distance(0);
const restricted = expected(EI, APD, `${RESTRICTED}, ${KEEPS}`, own);
const symmetric = (ports: Look): Expected => expected(APD, APD, `${DEPENDENT}, ${OTHER}`, ports);
/** Where the kernel has its block (rules.ts). */
const KERNEL_BLOCK = 20_480;

const EXPECTED: Record<string, Expected> = {
  open: expected(EI, EI, 'Open', own),
  firewall: expected(EI, APD, 'Firewall', own),
  blocked: {
    mapping: undefined,
    filtering: undefined,
    classic: 'Blocked or could not reach STUN server',
    ports: undefined,
  },
  masquerade: restricted,
  'full-cone': expected(EI, EI, `${INDEPENDENT}, ${KEEPS}`, own),
  'address-restricted': expected(EI, AD, `Independent Mapping, Address Dependent Filter, ${KEEPS}`, own),
  'port-restricted': restricted,
  poison: restricted,
  double: restricted,
  'short-lived': restricted,
  offset: expected(EI, APD, `${RESTRICTED}, ${OTHER}`, distance(2000)),
  'boxed offset': expected(EI, APD, `${RESTRICTED}, ${OTHER}`, distance(2000)),
  block: expected(EI, APD, `${RESTRICTED}, ${OTHER}`, oneOfBlock(512, KERNEL_BLOCK)),
  'boxed block': expected(EI, APD, `${RESTRICTED}, ${OTHER}`, oneOfBlock(512)),
  carrier: expected(EI, APD, `${RESTRICTED}, ${OTHER}`, oneOfBlock(1024)),
  'address-dependent': expected(AD, AD, `${DEPENDENT}, ${OTHER}`, perAddress),
  'symmetric-preserve': expected(APD, APD, `${DEPENDENT}, ${KEEPS}`, ownFirst),
  sequential: symmetric(steps(1, false)),
  descending: symmetric(steps(-1, false)),
  stride: symmetric(steps(7, true)),
  'per-core': symmetric(chains(4)),
  'sequential-block': symmetric(stepsInBlock(128)),
  'random-block': symmetric(anyOfBlock(512, KERNEL_BLOCK)),
  'boxed random-block': symmetric(anyOfBlock(512)),
  'random-range': symmetric(anyOf(50_001, 65_535)),
  random: symmetric(anyOf(1024, 65_535)),
  'boxed random': symmetric(anyOf(1024, 65_535)),
  pool: symmetric(anyOf(1024, 65_535)),
  quota: symmetric(steps(1, false)),
};

/** On the router that a kernel NAT stands on the address is public, so the old client sees no NAT at all. */
const OWN_ROUTER = new Set(['masquerade', 'offset', 'block', 'random-block', 'random']);

describeInLab(
  'The kinds of NAT, told by programs that know nothing of us',
  () => {
    const houses = new Map<string, Household>();
    let lab: Lab;
    let server: Space;
    let observers: readonly string[];

    beforeAll(async () => {
      lab = await Lab.create();
      server = await lab.internet({ addresses: 2 });
      observers = await startObservers(lab, server);
      await startStun(lab, server);
      // A seed of their own, so that no order of the tests changes what they draw.
      const build = async (name: string, nat: Nat): Promise<void> =>
        void houses.set(name, await lab.household({ nat, line: { seed: houses.size } }));
      for (const nat of NATS) await build(nat, nat);
      for (const kind of ['offset', 'block', 'random-block', 'random'] as const) {
        await build(`boxed ${kind}`, shapeOf(kind));
      }
    });

    afterAll(async () => {
      await lab?.close();
    });

    test('There is a kind for every name, and none that is not examined', () => {
      expect([...houses.keys()].toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
    });

    test.for(['host', 'gateway'] as const)(
      'Plain sockets on the %s see the ports that the name says',
      async (place) => {
        const all = await Promise.all(
          [...houses].map(async ([name, house]) => {
            const prober = await Prober.start(lab, house[place], observers);
            const first = await prober.burst(2);
            await pause(1000);
            const later = await prober.burst(1);
            await prober.stop();
            const look = EXPECTED[name]?.ports;
            const silent = [...first, ...later].every(({ seen }) => seen.every((address) => address === undefined));
            return [name, look === undefined ? silent || 'something passes' : (look(first, later) ?? true)];
          }),
        );
        expect(Object.fromEntries(all)).toEqual(Object.fromEntries(all.map(([name]) => [name, true])));
      },
    );

    test('Two STUN clients find mapping and filtering as the name says, on hosts and on gateways', async () => {
      const [to = ''] = server.addresses;
      const [found, wanted]: Record<string, unknown>[] = [{}, {}];
      const all = [...houses].flatMap(([name, house]) => [
        { name, place: 'host', space: house.host },
        { name, place: 'gateway', space: house.gateway },
      ]);
      await Promise.all(
        all.map(async ({ name, place, space }) => {
          const { mapping, filtering, classic } = EXPECTED[name] ?? restricted;
          const seen = OWN_ROUTER.has(name) && place === 'gateway' ? 'Firewall' : classic;
          Object.assign(wanted ?? {}, { [`${name} ${place}`]: { mapping, filtering, classic: seen } });
          const [rfc5780, rfc3489] = await Promise.all([discover(lab, space, to), classicVerdict(lab, space, to)]);
          Object.assign(found ?? {}, { [`${name} ${place}`]: { ...rfc5780, classic: rfc3489 } });
        }),
      );
      expect(found).toEqual(wanted);
      console.log(`${all.length} places examined by two STUN clients: ${houses.size} kinds, hosts and gateways`);
    });
  },
  STUN_PROGRAMS,
);
