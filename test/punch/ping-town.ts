import type { Address } from '../../agent/base/address.ts';
import { after, at, type Instant, type Millis, ms, seconds } from '../../agent/base/time.ts';
import { Household, type HouseholdEffect, type HouseholdInput } from '../../agent/house/household.ts';
import { Ping, type PingEffect, type PingInput } from '../../agent/house/ping.ts';
import { Rendezvous } from '../../agent/rendezvous/server.ts';
import type { Drive } from '../../agent/sim/drive.ts';
import type { Host } from '../../agent/sim/host.ts';
import type { Edge, KindName } from '../../agent/sim/kinds.ts';
import type { AccessShape } from '../../agent/sim/link.ts';
import { World } from '../../agent/sim/world.ts';
import { toyCipher } from '../sim/toy-cipher.ts';
import type { Meeting, Side } from './meeting.ts';

const LISTEN = [
  { ip: '198.51.100.1', port: 3478 },
  { ip: '198.51.100.2', port: 3478 },
  { ip: '198.51.100.1', port: 3479 },
  { ip: '198.51.100.2', port: 3479 },
];
const SUITES = ['aes-128-gcm'] as const;
/** By then the household that will be asked for has read its NAT and told the rendezvous; with much loss it takes longer. */
const SETTLED = ms(3000);
/** Behind a line without UDP it never does. */
const LATEST = at(15_000);

export interface TownOptions {
  readonly seed?: number;
  readonly access?: AccessShape;
  /** The line of the rendezvous; ideal when left out. */
  readonly server?: AccessShape;
  /** Where the rendezvous listens, the clients' own address first. */
  readonly listen?: readonly [Address, ...Address[]];
  readonly relay?: boolean;
  readonly patience?: Millis;
  readonly home?: NonNullable<Meeting['home']>;
}

/** `hearth ping` in a simulated internet: a rendezvous, a household, and somebody who asks for it; all are the real machines. */
export class PingTown {
  readonly world: World;
  readonly rendezvous: Rendezvous;
  readonly household: Household;
  readonly asking: Ping;
  readonly here: Side;
  readonly there: Side;
  /** What the one who asks does besides sending. */
  heard: (effect: PingEffect, now: Instant) => void = () => {};
  readonly #drive: Drive<PingInput, PingEffect>;
  #line = '';

  constructor(asks: KindName | Edge, listens: KindName | Edge, options: TownOptions = {}) {
    const { seed = 1, access = { delay: ms(20) }, server: line = {}, listen = LISTEN, relay = true, home } = options;
    const { patience = seconds(20) } = options;
    const world = new World({ seed });
    const cipher = toyCipher(world.random());
    const networkSecret = new Uint8Array(0);
    const identity = cipher.pair();
    const server = world.host({ ips: [...new Set(listen.map(({ ip }) => ip))], access: line });
    const shared = { cipher, networkSecret, suites: SUITES };
    const limits = relay ? {} : { limits: { relayKbits: 0 } };
    const random = world.random();
    this.world = world;
    this.rendezvous = new Rendezvous({ ...shared, random, identity, listen, now: server.now(), ...limits });
    server.run(this.rendezvous);
    const endpoint = (host: Host) => ({
      ...shared,
      random: world.random(),
      identity: cipher.pair(),
      servers: [{ address: listen[0] ?? { ip: '', port: 0 }, key: identity.publicKey }],
      firstByte: 'any' as const,
      local: { ip: '0.0.0.0', port: 0 },
      networks: [{ ip: host.ip, prefix: 24 }],
      punch: 'full' as const,
      role: 'agent' as const,
      children: 2,
    });
    [this.here, this.there] =
      home === undefined
        ? [world.household(asks, { access }), world.household(listens, { access })]
        : home(world, access);
    const stream = { channels: [], ringSpan: seconds(8), ringBytes: 2 ** 20, hold: ms(1000) };
    const place = endpoint(this.there.host);
    this.household = new Household({ ...place, ...stream });
    this.there.host.run<HouseholdInput, HouseholdEffect>(this.household).give({ kind: 'start' });
    const node = place.identity.publicKey;
    this.asking = new Ping({ ...endpoint(this.here.host), role: 'ping', children: 0, node, patience });
    this.#drive = this.here.host.run<PingInput, PingEffect>(this.asking, (effect, now) => {
      if (effect.kind === 'result') this.#line = effect.line;
      this.heard(effect, now);
    });
  }

  /** The line that `hearth ping` prints. */
  ping(): string {
    const { world } = this;
    world.run(at(SETTLED));
    if (!this.household.endpoint.ready && world.runUntil(() => this.household.endpoint.ready, LATEST)) {
      world.run(after(world.now, SETTLED));
    }
    this.#drive.give({ kind: 'start' });
    world.runUntil(() => this.#line !== '', after(world.now, seconds(60)));
    return this.#line;
  }
}

/** The line that `hearth ping` prints behind `asks`, for a household behind `listens`. */
export function ping(asks: KindName, listens: KindName, options: TownOptions = {}): string {
  return new PingTown(asks, listens, options).ping();
}
