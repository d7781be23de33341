import { hex } from '../base/bytes.ts';
import { type Instant, type Millis, ms, seconds, since } from '../base/time.ts';
import type { EndpointOptions } from '../house/endpoint.ts';
import { Household, type HouseholdEffect, type HouseholdEvent, type HouseholdInput } from '../house/household.ts';
import { Origin, type OriginEffect, type OriginInput } from '../house/origin.ts';
import type { DemoEvent, DemoHousehold, DemoHouseholdState, DemoLink } from '../io/demo-state.ts';
import { Rendezvous } from '../rendezvous/server.ts';
import type { Cipher } from '../seal/cipher.ts';
import type { Drive } from '../sim/drive.ts';
import type { Host } from '../sim/host.ts';
import { type KindName, NAT_KINDS } from '../sim/kinds.ts';
import type { AccessShape } from '../sim/link.ts';
import { World } from '../sim/world.ts';

/** A line like many: 40 ms to the middle of the net and back, now and then a datagram lost. */
const LINE: AccessShape = { delay: ms(10), jitter: ms(2), loss: 0.002 };
/** A change of parents takes less than this from the last block on. */
const WAIT_REMEMBERED = seconds(3);
/** Blocks come every 40 ms by themselves, and a lost datagram is sent again: a wait like this is none. */
const PACE = ms(100);
const EVENTS_KEPT = 50;
const RENDEZVOUS_IPS = ['198.51.100.1', '198.51.100.2'];

/** What the town tells: blocks for a LAN that is real. */
export interface TownWatcher {
  /** A household has something new for its viewers. */
  readonly news: (id: string) => void;
}

/** One simulated household. The machine inside is the one that runs on routers. */
export interface Resident {
  readonly id: string;
  readonly name: string;
  readonly nat: KindName;
  readonly host: Host;
  household: Household;
  drive: Drive<HouseholdInput, HouseholdEffect> | undefined;
  /** Since when it has been without a parent; undefined while it is fed. */
  hungrySince: Instant | undefined;
  /** When the last block came into its turn. */
  fedAt: Instant | undefined;
  /** The longest of the last waits for a block, and when it ended. */
  waited: { span: Millis; until: Instant } | undefined;
  /** It has shown a picture since it was switched on. */
  shown: boolean;
}

type Happening = DemoEvent extends infer E ? (E extends DemoEvent ? Omit<E, 'seq' | 'atMs'> : never) : never;

/** A small internet with a rendezvous, an origin and households behind NATs, on a clock that somebody else advances. */
export class Town {
  readonly channel: Uint8Array;
  readonly rendezvous: Rendezvous;
  readonly origin: Origin;
  readonly residents: Resident[] = [];
  readonly events: DemoEvent[] = [];
  readonly #world: World;
  readonly #cipher: Cipher;
  readonly #watcher: TownWatcher;
  readonly #server: { readonly address: { ip: string; port: number }; readonly key: Uint8Array };
  readonly #originDrive: Drive<OriginInput, OriginEffect>;
  readonly #names = new Map<string, string>();
  #seq = 0;

  constructor(options: { seed: number; cipher: Cipher; watcher: TownWatcher; originChildren: number }) {
    const { cipher } = options;
    this.#cipher = cipher;
    this.#watcher = options.watcher;
    this.#world = new World({ seed: options.seed });
    const world = this.#world;
    const identity = cipher.pair();
    const [first = '', second = ''] = RENDEZVOUS_IPS;
    this.#server = { address: { ip: first, port: 3478 }, key: identity.publicKey };
    const server = world.host({ name: 'rendezvous', ips: RENDEZVOUS_IPS, access: LINE });
    this.rendezvous = new Rendezvous({
      cipher,
      random: world.random(),
      identity,
      networkSecret: new Uint8Array(0),
      suites: ['aes-128-gcm'],
      listen: [
        { ip: first, port: 3478 },
        { ip: second, port: 3478 },
        { ip: first, port: 3479 },
      ],
      now: server.now(),
    });
    server.run(this.rendezvous);
    const place = world.host({ name: 'origin', access: LINE });
    const channel = cipher.signingPair();
    this.channel = channel.publicKey;
    this.origin = new Origin({
      ...this.#endpoint(place),
      role: 'origin',
      children: options.originChildren,
      channel,
      epoch: 1,
      name: 'Test card',
      now: place.now(),
    });
    this.#names.set(hex(this.origin.endpoint.node), 'origin');
    this.#originDrive = place.run<OriginInput, OriginEffect>(this.origin);
    this.#originDrive.give({ kind: 'start' });
  }

  get now(): Instant {
    return this.#world.now;
  }

  wake(): Instant | undefined {
    return this.#world.wake();
  }

  run(until: Instant): void {
    if (until > this.#world.now) this.#world.run(until);
  }

  source(input: Extract<OriginInput, { kind: 'source' }>['input']): void {
    this.#originDrive.give({ kind: 'source', input });
  }

  /** Builds a house behind a NAT of that kind and switches it on. */
  add(name: string, nat: KindName): Resident {
    const id = `home-${this.residents.length + 1}`;
    const { host } = this.#world.household(nat, { name, access: LINE });
    const resident: Resident = {
      id,
      name,
      nat,
      host,
      household: this.#household(host),
      drive: undefined,
      hungrySince: undefined,
      fedAt: undefined,
      waited: undefined,
      shown: false,
    };
    this.residents.push(resident);
    this.#switchOn(resident);
    return resident;
  }

  /** As a power cut does: no goodbye. */
  cut(resident: Resident): void {
    resident.drive?.stop();
    resident.drive = undefined;
    this.tell({ kind: 'cut', household: resident.id });
  }

  restore(resident: Resident): void {
    if (resident.drive !== undefined) return;
    resident.household = this.#household(resident.host);
    this.tell({ kind: 'back', household: resident.id });
    this.#switchOn(resident);
  }

  tell(happening: Happening): void {
    this.#seq++;
    this.events.push({ ...happening, seq: this.#seq, atMs: Math.round(this.now) });
    if (this.events.length > EVENTS_KEPT) this.events.shift();
  }

  /** One household as the page shows it. */
  portrait(resident: Resident): Omit<DemoHousehold, 'viewers' | 'lan'> {
    const { household, drive } = resident;
    const [watch] = household.watches;
    const now = resident.host.now();
    const { kind, filtering } = household.endpoint.profile;
    const around = watch === undefined ? undefined : household.neighbours(watch, now);
    const parent = around?.parent;
    const fed = drive !== undefined && parent !== undefined;
    return {
      id: resident.id,
      name: resident.name,
      state: stateOf(resident),
      natKind: kind,
      filtering,
      method: fed ? (parent.method ?? null) : null,
      parent: fed ? (this.#names.get(hex(parent.node)) ?? null) : null,
      depth: watch?.depth ?? 0,
      lagMs: fed ? Math.round(watch?.lag ?? 0) : null,
      rttMs: fed && parent.rttMs !== undefined ? Math.round(parent.rttMs) : null,
      receivedBytes: watch?.receivedBytes ?? 0,
      sentBytes: around?.children.reduce((sum, child) => sum + child.sentBytes, 0) ?? 0,
    };
  }

  /** Who feeds whom now, with what the parent has sent. */
  links(portraits: readonly Pick<DemoHousehold, 'id' | 'parent' | 'method' | 'rttMs'>[]): readonly DemoLink[] {
    return portraits.flatMap(({ id, parent, method, rttMs }) => {
      if (parent === null) return [];
      return [{ from: parent, to: id, method: method ?? '', rttMs, sentBytes: this.#sent(parent, id) }];
    });
  }

  originSentBytes(): number {
    return this.origin.neighbours(this.now).reduce((sum, child) => sum + child.sentBytes, 0);
  }

  #sent(from: string, to: string): number {
    const resident = this.residents.find(({ id }) => id === from);
    const [watch] = resident?.household.watches ?? [];
    const children =
      resident === undefined || watch === undefined
        ? this.origin.neighbours(this.now)
        : resident.household.neighbours(watch, resident.host.now()).children;
    return children.find(({ node }) => this.#names.get(hex(node)) === to)?.sentBytes ?? 0;
  }

  #switchOn(resident: Resident): void {
    const { household, host } = resident;
    this.#names.set(hex(household.endpoint.node), resident.id);
    resident.hungrySince = host.now();
    resident.fedAt = undefined;
    resident.waited = undefined;
    resident.shown = false;
    this.tell({ kind: 'switched-on', household: resident.id, nat: NAT_KINDS[resident.nat].words });
    resident.drive = host.run<HouseholdInput, HouseholdEffect>(household, (effect, now) => {
      switch (effect.kind) {
        case 'ready': {
          const { kind: natKind, filtering } = effect.profile;
          this.tell({ kind: 'classified', household: resident.id, natKind, filtering });
          return;
        }
        case 'news':
          this.#picture(resident, now);
          this.#watcher.news(resident.id);
          return;
        case 'event':
          this.#narrate(resident, effect, now);
          return;
        case 'unbound':
        case 'read-table':
        case 'http':
        case 'keep':
        case 'learned':
        case 'left':
          return;
      }
    });
    resident.drive.give({ kind: 'start' });
  }

  #picture(resident: Resident, now: Instant): void {
    const began = resident.fedAt ?? resident.hungrySince ?? now;
    const longest = this.#waited(resident, now);
    if (since(began, now) >= longest) resident.waited = { span: since(began, now), until: now };
    resident.fedAt = now;
    const parent = resident.household.watches[0]?.parent;
    if (resident.hungrySince === undefined || parent === undefined) return;
    const from = this.#names.get(hex(parent.node)) ?? '';
    if (resident.shown) this.#moved(resident, from, now);
    else
      this.tell({
        kind: 'picture',
        household: resident.id,
        from,
        tookMs: Math.round(since(resident.hungrySince, now)),
      });
    resident.hungrySince = undefined;
    resident.shown = true;
  }

  /** What viewers waited for at most: spares bring blocks before there is another parent, and then nobody waits. */
  #moved(resident: Resident, to: string, now: Instant): void {
    const waited = this.#waited(resident, now);
    this.tell({ kind: 'moved', household: resident.id, to, gapMs: waited > PACE ? Math.round(waited) : 0 });
  }

  #waited({ waited }: Resident, now: Instant): Millis {
    return waited === undefined || since(waited.until, now) > WAIT_REMEMBERED ? ms(0) : waited.span;
  }

  #narrate(resident: Resident, { name, fields }: HouseholdEvent, now: Instant): void {
    const household = resident.id;
    const peer = this.#names.get(String(fields['peer'] ?? '')) ?? '';
    const parent = fields['purpose'] === 'parent';
    if (name === 'introduced' && parent) this.tell({ kind: 'introduced', household, peer });
    if (name === 'peer-direct' && parent) {
      this.tell({
        kind: 'reached',
        household,
        peer,
        method: String(fields['method']),
        tookMs: Number(fields['after_ms']),
      });
    }
    if (name === 'no-direct' && parent) {
      this.tell({ kind: 'not-reached', household, peer, reason: String(fields['reason']) });
    }
    // Another one without a moment between them: it left in order, or a spare was quicker.
    if (name === 'parent' && resident.shown && resident.hungrySince === undefined) this.#moved(resident, peer, now);
    if (name !== 'parent-lost') return;
    resident.hungrySince ??= now;
    this.tell({ kind: 'lost-parent', household, parent: peer });
  }

  #household(host: Host): Household {
    return new Household({
      ...this.#endpoint(host),
      role: 'agent',
      children: 2,
      channels: [{ id: this.channel }],
      ringSpan: seconds(8),
      ringBytes: 4 * 2 ** 20,
      hold: ms(1000),
      carries: { kbits: 20_000, pairs: 4 },
    });
  }

  #endpoint(host: Host): Omit<EndpointOptions, 'role' | 'children'> {
    return {
      cipher: this.#cipher,
      random: this.#world.random(),
      identity: this.#cipher.pair(),
      servers: [this.#server],
      networkSecret: new Uint8Array(0),
      suites: ['aes-128-gcm'],
      firstByte: 'any',
      local: { ip: '0.0.0.0', port: 0 },
      networks: [{ ip: host.ip, prefix: 24 }],
      punch: 'full',
    };
  }
}

/** What a visitor is told about a household. */
function stateOf({ drive, household, hungrySince, shown }: Resident): DemoHouseholdState {
  if (drive === undefined) return 'cut';
  if (hungrySince === undefined) return 'watching';
  if (shown) return 'repairing';
  return household.endpoint.ready ? 'finding' : 'starting';
}
