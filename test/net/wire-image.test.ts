import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Address, key, sameAddress } from '../../agent/base/address.ts';
import { base32 } from '../../agent/base/text32.ts';
import type { Child } from './child.ts';
import { type Household, Lab, type Space } from './lab.ts';
import { describeInLab } from './missing.ts';
import type { Captured } from './pcap.ts';
import { fetchText, hearth, pause, type Rendezvous, startHousehold, startRendezvous, States } from './programs.ts';
import { chiSquareTail, positionChances, repeatedBlocks, sizeShares } from './statistics.ts';
import { flipped, FOREIGN, impersonate, type Thrown, throwAll, truncated } from './stranger.ts';
import { startWalk, type Walk } from './walk.ts';

const POSITIONS = 64;
const LEAST_DATAGRAMS = 20_000;
/** Shared by all positions (Bonferroni): one run in a thousand fails by chance. */
const CHANCE = 0.001;
const TWO_SIZES = 0.4;
const CLIENTS = 30;
const AT_ONCE = 6;

test('The chi-square tail is that of the tables', () => {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4, and R's pchisq.
  expect(chiSquareTail(3.841, 1)).toBeCloseTo(0.05, 4);
  expect(chiSquareTail(124.342, 100)).toBeCloseTo(0.05, 4);
  expect(chiSquareTail(149.449, 100)).toBeCloseTo(0.001, 5);
  expect(chiSquareTail(254.334, 255)).toBeCloseTo(0.5, 3);
});

describeInLab('What somebody sees who sees every datagram of a live stream', watched, ['ffmpeg', 'curl']);
describeInLab('What a stranger gets', strangers, ['curl']);

function watched(): void {
  const states = new States();
  let lab: Lab;
  let walk: Walk;
  let all: readonly Captured[];
  let datagrams: readonly Uint8Array[];

  beforeAll(async () => {
    lab = await Lab.create();
    const capture = await lab.captureInternet();
    walk = await startWalk(lab, states);
    const newcomer = await lab.internet();
    for (let i = 0; i < CLIENTS; i += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => ask(newcomer)));
      if (i === AT_ONCE) await walk.b.house.rebind();
    }
    await pause(5000);
    all = await capture.stop();
    datagrams = all.map(({ bytes }) => bytes);
  });

  /** A whole household's way in, for a node that nobody knows. */
  async function ask(space: Space): Promise<void> {
    const words = ['ping', base32(randomBytes(32)), '--rendezvous', walk.rendezvous.place];
    expect(await hearth(lab, space, words).ended).toBe(1);
  }

  afterAll(async () => {
    await lab?.close();
    states.remove();
  });

  test('No byte position tells the datagrams from random bytes', () => {
    const chances = positionChances(datagrams, POSITIONS);
    const least = Math.min(...chances);
    console.log(
      `${datagrams.length} datagrams; least p of ${POSITIONS} positions ${least.toFixed(5)} at byte ${chances.indexOf(least)}, bar ${CHANCE}/${POSITIONS} = ${(CHANCE / POSITIONS).toFixed(7)}; shortest datagram ${Math.min(...datagrams.map(({ length }) => length))} bytes`,
    );
    expect(datagrams.length).toBeGreaterThanOrEqual(LEAST_DATAGRAMS);
    expect(least).toBeGreaterThan(CHANCE / POSITIONS);
  });

  test('No block of 16 bytes comes twice', () => {
    const { seen, repeated } = repeatedBlocks(datagrams);
    console.log(`${seen} blocks of 16 bytes, ${repeated} repeated`);
    expect(repeated).toBe(0);
  });

  test('No two sizes make up much of it', () => {
    const [first, second, ...rest] = sizeShares(datagrams);
    const together = (first?.share ?? 0) + (second?.share ?? 0);
    console.log(
      `${rest.length + 2} sizes; the two most frequent, ${first?.size} and ${second?.size} bytes, are ${(100 * together).toFixed(1)} %`,
    );
    expect(together).toBeLessThanOrEqual(TWO_SIZES);
  });

  test('The first datagram of a client has any size', () => {
    const firsts = new Map<string, number>();
    const doors = walk.rendezvous.listen.slice(0, 1);
    for (const { from, to, bytes } of all) {
      if (doors.some((door) => sameAddress(door, to)) && !firsts.has(key(from))) firsts.set(key(from), bytes.length);
    }
    const sizes = [...firsts.values()].toSorted((one, other) => one - other);
    const different = new Set(sizes).size;
    console.log(`first datagrams of ${sizes.length} clients: ${different} sizes, ${sizes[0]} to ${sizes.at(-1)} bytes`);
    expect(sizes.length).toBeGreaterThanOrEqual(CLIENTS);
    expect(different).toBeGreaterThan(CLIENTS / 2);
  });
}

function strangers(): void {
  const states = new States();
  let lab: Lab;
  let rendezvous: Rendezvous;
  let origin: { readonly child: Child; readonly space: Space };
  let home: { readonly child: Child; readonly url: string };
  let house: Household;
  let recorded: readonly Captured[];
  let stranger: Space;

  beforeAll(async () => {
    lab = await Lab.create();
    const capture = await lab.captureInternet();
    rendezvous = await startRendezvous(lab, await lab.internet({ addresses: 2 }), states);
    const studio = await lab.internet();
    const source = new URL('../../agent/web/testcard.mpegts', import.meta.url).pathname;
    const words = ['--channel', 'Recorded', '--in', source, '--loop', '--state', states.next()];
    const child = hearth(lab, studio, ['origin', '--rendezvous', rendezvous.place, ...words]);
    const [, channel = ''] = await child.line(/^channel ready ([a-z2-7]{52})$/, 20_000);
    origin = { child, space: studio };
    // Its NAT lets everybody in; its LAN side is for its LAN only.
    house = await lab.household({ nat: 'full-cone' });
    home = await startHousehold(lab, house.host, rendezvous.place, channel, states);
    stranger = await lab.internet();
    await pause(3000);
    recorded = await capture.stop();
  });

  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return;
    for (const { child } of [rendezvous, origin, home]) console.log(child.errors.slice(-3000));
  });

  afterAll(async () => {
    await lab?.close();
    states.remove();
  });

  test('Nothing it sends is answered, and all of it is counted: recorded, cut, bent, made up, or of another protocol', async () => {
    const targets = {
      rendezvous: rendezvous.listen,
      origin: [portOf(origin.space.addresses)],
      home: [portOf(house.router.addresses)],
    };
    const before = await untaken();
    const counts: Record<string, number> = {};
    for (const [name, places] of Object.entries(targets)) {
      const thrown = places.flatMap((to) => hostile(recordedTo(to), to));
      const { sent, answers } = await throwAll(lab, stranger, thrown);
      expect({ name, sent, answers }).toEqual({ name, sent: thrown.length, answers: 0 });
      counts[name] = sent;
    }
    expect((await untaken()) - before).toBeGreaterThanOrEqual(counts['home'] ?? 0);

    // The household is made to stand still: whatever the rendezvous now sends to its address is an answer to somebody else.
    // So is the origin, which would have the rendezvous relay to a child that has fallen silent.
    origin.child.signal('SIGSTOP');
    const homeDouble = await lab.internet();
    impersonate(homeDouble, house.address);
    const at = portOf(house.router.addresses);
    home.child.signal('SIGSTOP');
    const quiet = await lab.capture(rendezvous.space, 'wan');
    let spoofed = 0;
    for (const to of rendezvous.listen) {
      const mine = recordedTo(to).filter(({ from }) => sameAddress(from, at));
      spoofed += (await throwAll(lab, homeDouble, asThrown(mine), at)).sent;
    }
    const heard = await quiet.stop();
    home.child.signal('SIGCONT');
    origin.child.signal('SIGCONT');
    expect(heard.filter(({ from }) => sameAddress(from, at))).toHaveLength(spoofed);
    expect(heard.filter(({ to }) => to.ip === house.address)).toEqual([]);

    // As the origin, to the household.
    const originDouble = await lab.internet();
    impersonate(originDouble, origin.space.addresses[0] ?? '');
    const asOrigin = recordedTo(at).filter(({ from }) => sameAddress(from, portOf(origin.space.addresses)));
    const still = await untaken();
    const replayed = await throwAll(lab, originDouble, asThrown(asOrigin), portOf(origin.space.addresses));
    expect((await untaken()) - still).toBeGreaterThanOrEqual(replayed.sent);

    await origin.child.stop();
    await rendezvous.child.stop();
    const refused = {
      rendezvous: sumOf(rendezvous.child.errors, /refused_(?!quota|no_)\w+=(\d+)/g),
      origin: sumOf(origin.child.errors, /(?:strangers|strays|refused)=(\d+)/g),
    };
    console.log(
      `strangers' datagrams: ${Object.entries(counts)
        .map(([name, count]) => `${count} to the ${name}`)
        .join(
          ', ',
        )}; replayed from their own address: ${spoofed} to the rendezvous, ${replayed.sent} to the home; 0 answers; refused ${JSON.stringify(refused)}`,
    );
    expect(spoofed).toBeGreaterThan(5);
    expect(refused.rendezvous).toBeGreaterThanOrEqual((counts['rendezvous'] ?? 0) + spoofed);
    expect(refused.origin).toBeGreaterThanOrEqual(counts['origin'] ?? 0);
  });

  test('A datagram that is meant to die on the way leaves with a low TTL, and only that one', async () => {
    const here = await lab.household({ nat: 'open' });
    const capture = await lab.capture(here.host, 'wan');
    const module = new URL('../../agent/io/udp.ts', import.meta.url).href;
    const script = `
      import { Udp } from ${JSON.stringify(module)};
      const udp = await Udp.bind({ ip: '0.0.0.0', port: 0 }, () => {});
      for (const ttl of [3, undefined, 3, undefined]) udp.send({ ip: '${stranger.addresses[0]}', port: 9 }, new Uint8Array(40), ttl);
      setTimeout(() => process.exit(), 100);`;
    expect(await lab.run(here.host, [process.execPath, '--input-type=module', '-e', script]).ended).toBe(0);
    const ttls = (await capture.stop()).map(({ ttl }) => ttl);
    console.log(`TTLs of datagrams sent with 3, nothing, 3, nothing: ${ttls.join(', ')}`);
    expect(ttls).toEqual([3, 64, 3, 64]);
  });

  function recordedTo(to: Address): readonly Captured[] {
    return recorded.filter((one) => sameAddress(one.to, to));
  }

  /** The port that a program's stream or session goes through: the most used of its address. */
  function portOf(addresses: readonly string[]): Address {
    const uses = new Map<number, number>();
    for (const { from } of recorded) {
      if (from.ip === addresses[0]) uses.set(from.port, (uses.get(from.port) ?? 0) + 1);
    }
    const [port = 0] = [...uses].toSorted((one, other) => other[1] - one[1])[0] ?? [];
    return { ip: addresses[0] ?? '', port };
  }

  /** Datagrams that the household has received and not taken. */
  async function untaken(): Promise<number> {
    const text = await fetchText(lab, house.host, `${home.url}metrics`);
    return sumOf(text, /^hearth_(?:strangers|strays|refused_datagrams)_total (\d+)$/gm);
  }
}

/** From the first datagrams of a record, which are handshakes, and from the last, which are stream. */
function hostile(record: readonly Captured[], to: Address): readonly Thrown[] {
  const some = [...record.slice(0, 40), ...record.slice(-60)];
  const all = some.flatMap(({ bytes }) => [bytes, truncated(bytes), flipped(bytes), flipped(bytes)]);
  for (const make of Object.values(FOREIGN)) for (let i = 0; i < 20; i++) all.push(make());
  return all.map((bytes) => ({ to, bytes }));
}

function asThrown(record: readonly Captured[]): readonly Thrown[] {
  return [...record.slice(0, 100), ...record.slice(-100)].map(({ to, bytes }) => ({ to, bytes }));
}

function sumOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
}
