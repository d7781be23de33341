import type { ChannelTaken } from '../../agent/config/schema.ts';
import { readFileSync } from 'node:fs';
import { type Instant, ms, seconds } from '../../agent/base/time.ts';
import type { Block } from '../../agent/blocks/block.ts';
import type { CarryLimits } from '../../agent/house/carriages.ts';
import {
  Household,
  type HouseholdEffect,
  type HouseholdInput,
  type HouseholdOptions,
} from '../../agent/house/household.ts';
import type { Origin, OriginEffect, OriginInput } from '../../agent/house/origin.ts';
import { Rendezvous, type RendezvousEvent } from '../../agent/rendezvous/server.ts';
import type { Cipher } from '../../agent/seal/cipher.ts';
import type { Drive } from '../../agent/sim/drive.ts';
import type { Host } from '../../agent/sim/host.ts';
import type { KindName } from '../../agent/sim/kinds.ts';
import { Nat } from '../../agent/sim/nat.ts';
import { World } from '../../agent/sim/world.ts';
import type { AccessShape } from '../../agent/sim/link.ts';
import { type Kept, Studio } from './studio.ts';
import { toyCipher } from './toy-cipher.ts';

export const TESTCARD = new Uint8Array(readFileSync(new URL('../../agent/web/testcard.mpegts', import.meta.url)));
const SUITES = ['aes-128-gcm'] as const;

export interface Home {
  readonly name: string;
  readonly host: Host;
  readonly household: Household;
  readonly drive: Drive<HouseholdInput, HouseholdEffect>;
  /** Blocks in order, as a viewer would get them. */
  readonly blocks: Block[];
  readonly events: {
    readonly name: string;
    readonly at: Instant;
    readonly fields: Readonly<Record<string, string | number>>;
  }[];
  readonly boxes: ReturnType<World['household']>['boxes'];
  readonly access: ReturnType<World['household']>['access'];
}

type Own = Pick<HouseholdOptions, 'children' | 'channels' | 'carries'>;

/** A home's line, where it is another than its neighbours', and what the home knows of it. */
export interface LineOut extends Partial<Pick<HouseholdOptions, 'uploadKbits' | 'uploadShare' | 'knownUpload'>> {
  readonly access?: AccessShape;
  /** Its outside address; only for one behind a NAT. */
  readonly ip?: string;
}

/** A rendezvous, an origin with the test card, and as many homes as a scenario wants, on the virtual clock. */
export class Neighbourhood {
  readonly world: World;
  readonly cipher: Cipher;
  readonly rendezvous: Rendezvous;
  readonly studio: Studio;
  readonly homes: Home[] = [];
  readonly rendezvousDrive: Drive<never, RendezvousEvent>;
  readonly #server: { readonly address: { ip: string; port: number }; readonly key: Uint8Array };
  readonly #access: AccessShape;

  constructor(options: {
    seed: number;
    originChildren?: number;
    access?: AccessShape;
    relay?: boolean;
    token?: Uint8Array | undefined;
  }) {
    this.world = new World({ seed: options.seed });
    this.cipher = toyCipher(this.world.random());
    this.#access = options.access ?? { delay: ms(20) };
    const { cipher, world } = this;
    const identity = cipher.pair();
    const server = world.host({ name: 'rendezvous', ips: ['198.51.100.1', '198.51.100.2'] });
    const listen = [
      { ip: '198.51.100.1', port: 3478 },
      { ip: '198.51.100.2', port: 3478 },
      { ip: '198.51.100.1', port: 3479 },
    ];
    const networkSecret = new Uint8Array(0);
    const shared = { cipher, networkSecret, suites: SUITES };
    this.rendezvous = new Rendezvous({
      ...shared,
      random: world.random(),
      identity,
      listen,
      now: server.now(),
      ...(options.relay === false ? { limits: { relayKbits: 0 } } : {}),
    });
    this.rendezvousDrive = server.run<never, RendezvousEvent>(this.rendezvous);
    this.#server = { address: { ip: '198.51.100.1', port: 3478 }, key: identity.publicKey };
    this.studio = this.open('origin', {
      name: 'Test card',
      children: options.originChildren ?? 2,
      token: options.token,
    });
  }

  get origin(): Origin {
    return this.studio.origin;
  }

  get originDrive(): Drive<OriginInput, OriginEffect> {
    return this.studio.drive;
  }

  get written(): readonly Block[] {
    return this.studio.written;
  }

  /** A broadcaster with a channel of its own. */
  open(place: string, kept: Omit<Kept, 'pair'>): Studio {
    const host = this.world.host({ name: place, access: this.#access });
    const pair = this.cipher.signingPair();
    return new Studio(this.world, host, this.#endpoint(host), { ...kept, pair });
  }

  home(name: string, kind: KindName, children = 2, carries?: CarryLimits, line: LineOut = {}): Home {
    return this.#home(name, kind, { children, channels: [this.studio.channel], carries, ...line });
  }

  /** One that takes these channels. */
  taking(name: string, kind: KindName, channels: readonly ChannelTaken[], children = 2): Home {
    return this.#home(name, kind, { children, channels });
  }

  /** One that takes no channel, and carries for others. */
  helper(name: string, kind: KindName, carries: CarryLimits = { kbits: 20_000, pairs: 4 }): Home {
    return this.#home(name, kind, { children: 0, channels: [], carries });
  }

  #home(name: string, kind: KindName, own: Own & LineOut): Home {
    const { host, boxes, access } = this.world.household(kind, { name, access: own.access ?? this.#access });
    const nat = boxes.at(-1);
    if (own.ip !== undefined && nat instanceof Nat) this.world.renumber(nat, [own.ip]);
    const household = new Household({
      ...this.#endpoint(host),
      role: 'agent',
      ...own,
      ringSpan: seconds(8),
      ringBytes: 8 * 2 ** 20,
      hold: ms(1000),
    });
    const home: Home = { name, host, household, boxes, access, blocks: [], events: [], drive: undefined as never };
    const drive = host.run<HouseholdInput, HouseholdEffect>(household, (effect, now) => {
      if (effect.kind === 'event') home.events.push({ name: effect.name, at: now, fields: effect.fields });
      if (effect.kind !== 'news') return;
      const last = home.blocks.at(-1);
      const ring = household.watches[0]?.ring;
      const isNew = last === undefined || last.epoch !== ring?.newest?.epoch;
      const fresh = isNew ? ring?.from('newest-key') : ring?.from(last.number + 1);
      home.blocks.push(...(fresh ?? []));
    });
    Object.assign(home, { drive });
    drive.give({ kind: 'start' });
    this.homes.push(home);
    return home;
  }

  /** The encoder: the test card at its own pace (about 1/25 s apart), from `from` for `span`. */
  play(from: Instant, span: number, bytesPerTick: number): void {
    this.studio.play(TESTCARD, from, span, bytesPerTick);
  }

  #endpoint(host: Host) {
    return {
      cipher: this.cipher,
      random: this.world.random(),
      identity: this.cipher.pair(),
      servers: [this.#server],
      networkSecret: new Uint8Array(0),
      suites: SUITES,
      firstByte: 'any' as const,
      local: { ip: '0.0.0.0', port: 0 },
      networks: [{ ip: host.ip, prefix: 24 }],
      punch: 'full' as const,
    };
  }
}
