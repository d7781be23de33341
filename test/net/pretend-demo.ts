import { seeded } from '../../agent/base/random.ts';
import { at, type Instant } from '../../agent/base/time.ts';
import { base32 } from '../../agent/base/text32.ts';
import type { NatKind } from '../../agent/base/nat-profile.ts';
import { Ring } from '../../agent/blocks/ring.ts';
import { Writer, type WriterInput } from '../../agent/blocks/writer.ts';
import { nodeCipher, secureRandom } from '../../agent/io/crypto.ts';
import { demoForestRoutes } from '../../agent/io/demo-forest-routes.ts';
import { demoRoutes } from '../../agent/io/demo-routes.ts';
import type { DemoEvent, DemoHousehold, DemoState } from '../../agent/io/demo-state.ts';
import { startWeb } from '../../agent/io/http.ts';
import { type Lan, startLan } from '../../agent/io/lan.ts';
import { type OpenSource, openSource } from '../../agent/io/source.ts';
import { Entry } from '../../agent/media/entry.ts';
import { Intake } from '../../agent/media/intake.ts';
import { playlist } from '../../agent/media/playlist.ts';
import { StreamReader } from '../../agent/media/reader.ts';
import { demoForest } from '../../agent/roles/demo-forest.ts';

/**
 * A stage for the pages: a real stream in a real ring behind real LAN servers, and a make-believe tree of households
 * above them, so that a page can be tried in every state without waiting for it.
 */
export interface Stage {
  readonly url: string;
  readonly home: string;
  stop(): Promise<void>;
}

const cipher = nodeCipher();
const now = (): Instant => at(performance.now());

export async function startStage(clip: Uint8Array): Promise<Stage> {
  const television = new Television(clip);
  const town = new Town(television);
  for (const nat of ['preserve', 'address-dependent', 'random'] as const) await town.add(nat);
  const demo = demoRoutes({
    state: () => town.state(),
    cut: (id) => town.cut(id),
    restore: (id) => town.restore(id),
    add: (nat) => {
      void town.add(nat as NatKind);
      return undefined;
    },
    punch: () => 'There is nothing to punch in here.',
  });
  const forest = demoForestRoutes(demoForest({ random: seeded(1), clock: now }));
  const routes = [...demo.routes, ...forest.routes];
  const web = await startWeb({ address: '127.0.0.1', port: 0, names: [], connections: 200, routes });
  return {
    url: `http://127.0.0.1:${web.address.port}/`,
    home: town.lans[0]?.url ?? '',
    stop: async () => {
      television.stop();
      demo.stop();
      forest.stop();
      await web.stop();
      await Promise.all(town.lans.map((lan) => lan.stop()));
    },
  };
}

/** Plays the clip into a ring for ever, as an origin does. */
class Television {
  readonly id: string;
  readonly ring = new Ring({ entry: new Entry() });
  readonly listeners = new Set<() => void>();
  readonly #writer: Writer;
  readonly #source: OpenSource;

  constructor(clip: Uint8Array) {
    const pair = cipher.signingPair();
    this.id = base32(pair.publicKey);
    this.#writer = new Writer({ cipher, pair, epoch: 1, reader: new StreamReader(), now: now() });
    const source = { kind: 'file', path: 'clip', loop: true } as const;
    const packets = (bytes: Uint8Array): void => this.#take({ kind: 'packets', bytes });
    const up = (): void => this.#take({ kind: 'restart' });
    const down = (): void => this.#take({ kind: 'source-down' });
    this.#source = openSource(source, new Intake(source, secureRandom), { packets, up, down }, clip);
  }

  #take(input: WriterInput): void {
    const blocks = [...this.#writer.step(input, now()), ...this.#writer.step({ kind: 'tick' }, now())];
    for (const block of blocks) this.ring.push(block, now());
    if (blocks.length > 0) for (const tell of this.listeners) tell();
  }

  stop(): void {
    this.#source.stop();
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

class Town {
  readonly lans: Lan[] = [];
  readonly #television: Television;
  readonly #homes: Writable<DemoHousehold>[] = [];
  readonly #events: DemoEvent[] = [];
  #seq = 0;

  constructor(television: Television) {
    this.#television = television;
  }

  async add(nat: NatKind): Promise<void> {
    const { id: channel, ring, listeners } = this.#television;
    const name = `Household ${String.fromCodePoint(65 + this.#homes.length)}`;
    const id = name.replace(' ', '-').toLowerCase();
    const home: Writable<DemoHousehold> = {
      id,
      name,
      state: 'finding',
      natKind: nat,
      filtering: nat === 'random' ? 'address-and-port-dependent' : 'address-dependent',
      method: null,
      parent: null,
      depth: 0,
      lagMs: null,
      rttMs: null,
      receivedBytes: 0,
      sentBytes: 0,
      viewers: 0,
      lan: null,
    };
    this.#homes.push(home);
    this.#tell({ kind: 'switched-on', household: id, nat: 'a router of its own' });
    this.#tell({ kind: 'classified', household: id, natKind: nat, filtering: home.filtering });
    const source = { id: channel, name: 'Test picture', ring };
    const lan: Lan = await startLan({
      address: '127.0.0.1',
      port: 0,
      channels: () => [source],
      playlist: (base) => playlist([{ id: channel, name: source.name, url: `${base}/live/${channel}.ts` }]),
      status: () => this.#status(home, lan),
    });
    this.lans.push(lan);
    listeners.add(() => lan.released(channel));
    setTimeout(() => this.#feed(home, lan), this.#homes.length <= 3 ? 0 : 1500);
  }

  #feed(home: Writable<DemoHousehold>, lan: Lan): void {
    const parent = this.#homes.find(
      (one) =>
        one.state === 'watching' && one !== home && this.#homes.filter((child) => child.parent === one.id).length < 2,
    );
    home.parent = parent?.id ?? 'origin';
    home.depth = (parent?.depth ?? 0) + 1;
    home.state = 'watching';
    home.method = home.natKind === 'random' ? 'relay-rendezvous' : 'simultaneous';
    home.rttMs = 31 + this.#homes.length * 6;
    home.lagMs = 24 * home.depth;
    home.lan = `${lan.url}live/${this.#television.id}.ts`;
    this.#tell({ kind: 'introduced', household: home.id, peer: home.parent });
    this.#tell({ kind: 'reached', household: home.id, peer: home.parent, method: home.method, tookMs: 84 });
    this.#tell({ kind: 'picture', household: home.id, from: home.parent, tookMs: 312 });
  }

  cut(id: string): string | undefined {
    const home = this.#homes.find((one) => one.id === id);
    if (home === undefined) return 'There is no such household.';
    Object.assign(home, { state: 'cut', parent: null, method: null, lan: null });
    this.#tell({ kind: 'cut', household: id });
    for (const child of this.#homes.filter((one) => one.parent === id)) {
      child.state = 'repairing';
      this.#tell({ kind: 'lost-parent', household: child.id, parent: id });
      setTimeout(() => {
        Object.assign(child, { state: 'watching', parent: 'origin', depth: 1 });
        this.#tell({ kind: 'moved', household: child.id, to: 'origin', gapMs: 180 });
      }, 1200);
    }
    return undefined;
  }

  restore(id: string): string | undefined {
    const i = this.#homes.findIndex((one) => one.id === id);
    const home = this.#homes[i];
    const lan = this.lans[i];
    if (home === undefined || lan === undefined) return 'There is no such household.';
    home.state = 'finding';
    this.#tell({ kind: 'back', household: id });
    setTimeout(() => this.#feed(home, lan), 800);
    return undefined;
  }

  state(): DemoState {
    for (const [i, home] of this.#homes.entries()) {
      const counts = this.lans[i]?.counts();
      home.viewers = counts?.viewers ?? 0;
      home.receivedBytes = home.state === 'watching' ? home.receivedBytes + 70_000 : home.receivedBytes;
    }
    for (const home of this.#homes) {
      home.sentBytes = this.#homes
        .filter(({ parent }) => parent === home.id)
        .reduce((sum, one) => sum + one.receivedBytes, 0);
    }
    const fed = this.#homes.filter(({ parent }) => parent !== null);
    return {
      uptimeMs: performance.now(),
      channel: { id: this.#television.id, name: 'Test picture' },
      origin: {
        id: 'origin',
        name: 'Origin',
        sentBytes: fed.filter(({ parent }) => parent === 'origin').reduce((sum, one) => sum + one.receivedBytes, 0),
        rateKbps: 1200,
      },
      rendezvous: {
        address: '198.51.100.1:7000',
        households: this.#homes.length,
        introductions: this.#seq,
        relayedBytes: 0,
      },
      households: this.#homes,
      links: fed.map((home) => ({
        from: home.parent ?? '',
        to: home.id,
        method: home.method ?? '',
        rttMs: home.rttMs,
        sentBytes: home.receivedBytes,
      })),
      events: this.#events.slice(-50),
      choices: [
        { nat: 'open', label: 'No NAT' },
        { nat: 'preserve', label: 'Home router, keeps ports' },
        { nat: 'address-dependent', label: 'Strict home router' },
        { nat: 'random', label: 'Carrier NAT, random ports' },
      ],
      most: 8,
    };
  }

  #status(home: DemoHousehold, lan: Lan): object {
    return {
      version: 'stage',
      node: base32(new Uint8Array(32).fill(7)),
      uptime_s: Math.round(performance.now() / 1000),
      nat: { kind: home.natKind, filtering: home.filtering, confidence: 0.9, external: ['203.0.113.4'], layers: 1 },
      mappings: [],
      rendezvous: [{ address: '198.51.100.1:7000', state: 'registered', rtt_ms: 21 }],
      channels: [
        {
          id: this.#television.id,
          name: 'Test picture',
          block: 1,
          lag_ms: home.lagMs,
          parent:
            home.parent === null ? null : { node: base32(new Uint8Array(32).fill(9)), method: home.method, rtt_ms: 33 },
          spares: 0,
          children: this.#homes
            .filter(({ parent }) => parent === home.id)
            .map((child) => ({
              node: child.id,
              method: child.method,
              sent_bytes: child.receivedBytes,
              rtt_ms: child.rttMs,
            })),
          received_bytes: home.receivedBytes,
          refused_blocks: 0,
          viewers: lan.viewers(),
        },
      ],
      failures: {},
    };
  }

  #tell(event: DistributiveOmit<DemoEvent, 'seq' | 'atMs'>): void {
    this.#events.push({ ...event, seq: ++this.#seq, atMs: performance.now() });
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
