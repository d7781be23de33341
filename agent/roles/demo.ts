import { base32 } from '../base/text32.ts';
import { at, type Instant } from '../base/time.ts';
import { VERSION } from '../base/version.ts';
import { statusOf } from '../house/status.ts';
import { asset } from '../io/assets.ts';
import { nodeCipher, secureRandom } from '../io/crypto.ts';
import { demoForestRoutes } from '../io/demo-forest-routes.ts';
import { demoRoutes } from '../io/demo-routes.ts';
import type { DemoState } from '../io/demo-state.ts';
import { startWeb } from '../io/http.ts';
import { type OpenSource, openSource } from '../io/source.ts';
import { type Lan, startLan } from '../io/lan.ts';
import { Intake } from '../media/intake.ts';
import { playlist } from '../media/playlist.ts';
import { type KindName, NAT_KINDS } from '../sim/kinds.ts';
import { demoForest } from './demo-forest.ts';
import { filmPunch } from './punch-film.ts';
import type { Role } from './role.ts';
import { type Resident, Town } from './town.ts';

/** The households a visitor finds: an easy NAT, two usual ones, and one that nobody can read. */
const FIRST: readonly KindName[] = ['port-restricted', 'offset', 'full-cone', 'random'];
/** More would be a load for a laptop: the simulated ones cost what real ones cost. */
const MOST = 12;
/** One, so that households feed each other from the first minute. */
const ORIGIN_CHILDREN = 1;

/** `hearth demo`: rendezvous, origin and households in one process over a simulated internet; their LAN sides are real. */
export const demo: Role = async (config, out) => {
  const started = performance.now();
  const clock = (): Instant => at(performance.now() - started);
  const lans = new Map<string, Lan>();
  const town: Town = new Town({
    seed: secureRandom(2 ** 32),
    cipher: nodeCipher(),
    originChildren: ORIGIN_CHILDREN,
    watcher: { news: (id) => lans.get(id)?.released(base32(town.channel)) },
  });
  const pulse = new Pulse(town, clock);
  const testCard = playTestCard(town, pulse);
  const moveIn = async (kind: KindName): Promise<void> => {
    const resident = town.add(`Household ${String.fromCodePoint(65 + town.residents.length)}`, kind);
    pulse.rearm();
    lans.set(resident.id, await lanOf(resident, town, clock));
  };
  for (const kind of FIRST) await moveIn(kind);

  const find = (id: string): Resident | undefined => town.residents.find((resident) => resident.id === id);
  const page = demoRoutes({
    state: () => stateOf(town, lans, testCard.bytes(), clock()),
    cut: (id) => {
      const resident = find(id);
      if (resident === undefined) return `There is no household ${id}.`;
      if (resident.drive === undefined) return `${resident.name} is cut off already.`;
      town.cut(resident);
      return undefined;
    },
    restore: (id) => {
      const resident = find(id);
      if (resident === undefined) return `There is no household ${id}.`;
      town.restore(resident);
      pulse.rearm();
      return undefined;
    },
    add: (nat) => {
      if (!isKind(nat)) return noKind(nat);
      if (town.residents.length >= MOST) return `${MOST} households are as many as this demo carries.`;
      void moveIn(nat);
      return undefined;
    },
    punch: (asks, listens, seed) => {
      if (!isKind(asks)) return noKind(asks);
      if (!isKind(listens)) return noKind(listens);
      return filmPunch({ cipher: nodeCipher(), asks, listens, seed });
    },
  });
  const forest = demoForestRoutes(demoForest({ random: secureRandom, clock }));
  const web = await startWeb({
    address: '127.0.0.1',
    port: config.pagePort,
    names: [],
    connections: 256,
    routes: [...page.routes, ...forest.routes],
  });
  out.line(`demo ready http://127.0.0.1:${web.address.port}/`);
  return {
    stop: async () => {
      page.stop();
      forest.stop();
      testCard.stop();
      pulse.stop();
      await Promise.all([web.stop(), ...[...lans.values()].map((lan) => lan.stop())]);
    },
  };
};

function isKind(nat: string): nat is KindName {
  return Object.hasOwn(NAT_KINDS, nat);
}

function noKind(nat: string): string {
  return `There is no NAT of the kind ${nat}.`;
}

/** Keeps the town's clock in step with ours. */
class Pulse {
  readonly #town: Town;
  readonly #clock: () => Instant;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(town: Town, clock: () => Instant) {
    this.#town = town;
    this.#clock = clock;
    this.rearm();
  }

  /** To be called after anything was given to the town from outside. */
  rearm(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#town.run(this.#clock());
    const wake = this.#town.wake();
    const wait = wake === undefined ? 50 : Math.max(0, wake - this.#clock());
    this.#timer = setTimeout(() => this.rearm(), wait);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}

/** The built-in picture, for ever, at its own pace. */
function playTestCard(town: Town, pulse: Pulse): OpenSource & { bytes(): number } {
  let given = 0;
  const source = { kind: 'file', path: 'testcard.mpegts', loop: true } as const;
  const open = openSource(
    source,
    new Intake(source, secureRandom),
    {
      packets: (bytes) => {
        given += bytes.length;
        town.source({ kind: 'packets', bytes });
        pulse.rearm();
      },
      up: () => town.source({ kind: 'restart' }),
      down: () => town.source({ kind: 'source-down' }),
    },
    asset(source.path),
  );
  return { stop: () => open.stop(), bytes: () => given };
}

function lanOf(resident: Resident, town: Town, clock: () => Instant): Promise<Lan> {
  const id = base32(town.channel);
  const entry = { id, name: 'Test card', url: '', number: 1 };
  return startLan({
    address: '127.0.0.1',
    port: 0,
    channels: () => {
      const ring = resident.household.watches[0]?.ring;
      return ring === undefined || resident.drive === undefined ? [] : [{ id, name: entry.name, ring }];
    },
    status: () => ({
      version: VERSION,
      node: base32(resident.household.endpoint.node),
      name: resident.name,
      uptime_s: Math.round(clock() / 1000),
      ...statusOf(resident.household, resident.host.now()),
    }),
    playlist: (base) => playlist([{ ...entry, url: `${base}/live/${id}.ts` }]),
  });
}

function stateOf(town: Town, lans: ReadonlyMap<string, Lan>, sourceBytes: number, now: Instant): DemoState {
  const id = base32(town.channel);
  const portraits = town.residents.map((resident) => town.portrait(resident));
  const { present, introductions, relayedBytes } = town.rendezvous.counters();
  return {
    uptimeMs: Math.round(now),
    channel: { id, name: 'Test card' },
    origin: {
      id: 'origin',
      name: 'Origin',
      sentBytes: town.originSentBytes(),
      rateKbps: Math.round((sourceBytes * 8) / Math.max(1, now)),
    },
    rendezvous: { address: '198.51.100.1:3478', households: present, introductions, relayedBytes },
    households: portraits.map((portrait) => {
      const lan = lans.get(portrait.id);
      return {
        ...portrait,
        viewers: lan?.viewers().length ?? 0,
        lan: lan === undefined || portrait.state === 'cut' ? null : `${lan.url}live/${id}.ts`,
      };
    }),
    links: town.links(portraits),
    events: town.events,
    choices: (Object.keys(NAT_KINDS) as KindName[]).map((nat) => ({ nat, label: NAT_KINDS[nat].words })),
    most: MOST,
  };
}
