import type { Address } from '../../../agent/base/address.ts';
import { between } from '../../../agent/base/random.ts';
import { at, type Instant } from '../../../agent/base/time.ts';
import type { NatProfile } from '../../../agent/base/nat-profile.ts';
import { Probe, type ProbeEffect, type ProbeInput } from '../../../agent/nat/probe.ts';
import type { Sample } from '../../../agent/nat/sample.ts';
import { Allocator } from '../../../agent/sim/allocation.ts';
import { Ground } from '../../../agent/sim/ground.ts';
import { scoped } from '../../../agent/sim/nat.ts';
import type { Setting } from './settings.ts';

/** What lies between a household and the observers. */
export interface Weather {
  /** One way, ms. */
  readonly delay: number;
  /** Each way. */
  readonly loss: number;
  /** What the router needs for each datagram, ms. */
  readonly gap: number;
}

const JITTER = 5;
const OBSERVERS: readonly Address[] = ['1.1.1.1', '2.2.2.2'].flatMap((ip) =>
  Array.from({ length: 8 }, (_, port) => ({ ip, port: 7000 + port })),
);
const TOKEN = new Uint8Array(8);

/** A NAT by itself: an address and port for each new destination. */
export class Box {
  readonly #setting: Setting;
  readonly #ground: Ground;
  readonly #outsides: { readonly ip: string; readonly allocator: Allocator; readonly taken: Set<number> }[];
  readonly #mappings = new Map<string, Address>();
  #turn = 0;

  constructor(setting: Setting, ground: Ground) {
    this.#setting = setting;
    this.#ground = ground;
    const foreign = setting.flows > 0 ? { perSecond: setting.flows } : undefined;
    this.#outsides = Array.from({ length: setting.addresses ?? 1 }, (_, i) => ({
      ip: `9.9.9.${i + 1}`,
      allocator: new Allocator(setting.allocation, foreign, ground.chance()),
      taken: new Set<number>(),
    }));
  }

  /** What `to` sees of a datagram that passes now. */
  pass(localPort: number, to: Address): Address {
    const name = `${localPort} ${scoped(this.#setting.mapping, to)}`;
    const known = this.#mappings.get(name);
    if (known !== undefined) return known;
    const outside = this.#outsides[this.#turn++ % this.#outsides.length];
    const wanted = { insidePort: localPort, subscriber: 'us', flow: name };
    const port = outside?.allocator.choose({ ...wanted, taken: (one) => outside.taken.has(one) }, this.#ground.now);
    if (outside === undefined || port === undefined) throw new Error(`no port left behind ${this.#setting.name}`);
    outside.taken.add(port);
    const external = { ip: outside.ip, port };
    this.#mappings.set(name, external);
    return external;
  }
}

export interface Run {
  readonly profile: NatProfile;
  /** When it was known, ms. */
  readonly at: Instant;
  readonly probes: number;
  readonly samples: readonly Sample[];
}

/**
 * The product's own probe through one allocator: no worlds, no bytes, only delay, loss and a router that takes one
 * datagram after another. Nothing comes in that was not asked for.
 */
export function probed(setting: Setting, { delay, loss, gap }: Weather, seed: number): Run {
  const ground = new Ground(seed);
  const box = new Box(setting, ground);
  const luck = ground.chance();
  let sockets = 0;
  const probe = new Probe({ random: ground.chance(), newSocket: () => sockets++ });
  const ports = new Map<number, number>();
  let [free, probes] = [0, 0];
  let done: Run | undefined;

  const act = (effect: ProbeEffect): void => {
    switch (effect.kind) {
      case 'open': {
        const port = 32_768 + luck(28_232);
        ports.set(effect.socket, port);
        give({ kind: 'opened', socket: effect.socket, local: { ip: '0.0.0.0', port } });
        return;
      }
      case 'close':
        ports.delete(effect.socket);
        return;
      case 'probe':
        probes++;
        carry(effect);
        return;
      case 'filter-test':
        return;
      case 'profile':
        done ??= { profile: effect.profile, at: ground.now, probes, samples: effect.samples };
    }
  };
  const carry = ({ socket, observer, index }: Extract<ProbeEffect, { kind: 'probe' }>): void => {
    const [to, localPort] = [OBSERVERS[observer], ports.get(socket)];
    if (to === undefined || localPort === undefined) throw new Error(`no observer ${observer} or socket ${socket}`);
    free = Math.max(free, ground.now) + gap;
    ground.at(free, () => {
      const external = box.pass(localPort, to);
      if (lost() || lost()) return;
      const answer = ground.now + 2 * delay + between(luck, 0, JITTER) + between(luck, 0, JITTER);
      ground.at(answer, () => {
        if (ports.has(socket)) give({ kind: 'observed', socket, index, external, token: TOKEN });
      });
    });
  };
  const lost = (): boolean => between(luck, 0, 1) < loss;
  const give = (input: ProbeInput): void => {
    for (const effect of probe.step(input, ground.now)) act(effect);
  };

  give({ kind: 'start', observers: OBSERVERS, own: ['192.168.1.2'] });
  while (done === undefined) {
    const [event, wake] = [ground.next() ?? Infinity, probe.wake() ?? Infinity];
    if (event <= wake) {
      if (!ground.step()) throw new Error('the probe waits for nothing');
    } else {
      ground.now = at(Math.max(wake, ground.now));
      give({ kind: 'tick' });
    }
  }
  return done;
}

/** The observers, for whoever asks them in another way. */
export const SERVERS = OBSERVERS;
