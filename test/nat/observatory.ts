import { type Address, key } from '../../agent/base/address.ts';
import { Reader, Writer } from '../../agent/base/bytes.ts';
import type { Machine } from '../../agent/base/machine.ts';
import type { NetEffect, NetInput } from '../../agent/base/net.ts';
import type { Instant } from '../../agent/base/time.ts';
import type { ProbeAnswer } from '../../agent/nat/orders.ts';
import type { Probe, ProbeEffect, ProbeInput } from '../../agent/nat/probe.ts';
import type { World } from '../../agent/sim/world.ts';

/*
 * The probe plane in clear text, for a simulated world:
 *   question  0 | index | answerer      answerer 255: answer yourself
 *   answer    1 | index | address       observed
 *             2 | index                 filtered
 */
const [QUESTION, OBSERVED, FILTERED] = [0, 1, 2];
const YOURSELF = 255;
const TOKEN = new Uint8Array(8);

/** Stands observers up on the internet: one host per entry, with that many ports. Answers them in order. */
export function observatory(world: World, ports: readonly number[]): Address[] {
  const observers: { address: Address; send: (to: Address, bytes: Uint8Array) => void }[] = [];
  for (const count of ports) {
    const host = world.host();
    for (let i = 0; i < count; i++) {
      const socket = host.socket((from, bytes) => {
        const [kind = 9, index = 0, answerer = YOURSELF] = bytes;
        if (kind !== QUESTION) return;
        if (answerer === YOURSELF) {
          socket.send(from, new Writer().u8(OBSERVED).u8(index).address(from).done());
        } else observers[answerer]?.send(from, Uint8Array.of(FILTERED, index));
      }, 7000 + i);
      observers.push({ address: { ip: host.ip, port: 7000 + i }, send: (to, bytes) => socket.send(to, bytes) });
    }
  }
  return observers.map(({ address }) => address);
}

/** The probe machine with that plain language instead of the sealed one. */
export class PlainProbe implements Machine<ProbeInput | NetInput, NetEffect | ProbeEffect> {
  readonly probe: Probe;
  readonly #observers: readonly Address[];

  constructor(probe: Probe, observers: readonly Address[]) {
    this.probe = probe;
    this.#observers = observers;
  }

  step(input: ProbeInput | NetInput, now: Instant): readonly (NetEffect | ProbeEffect)[] {
    const read = input.kind === 'datagram' ? answerOf(input.socket, input.bytes) : input;
    return read === undefined ? [] : this.probe.step(read, now).map((effect) => this.#inBytes(effect));
  }

  wake(): Instant | undefined {
    return this.probe.wake();
  }

  #inBytes(effect: ProbeEffect): NetEffect | ProbeEffect {
    if (effect.kind !== 'probe' && effect.kind !== 'filter-test') return effect;
    const to = this.#observers[effect.observer];
    if (to === undefined) throw new Error(`no observer ${effect.observer} in ${this.#observers.map(key).join(' ')}`);
    const answerer = effect.kind === 'probe' ? YOURSELF : effect.answerer;
    return { kind: 'send', socket: effect.socket, to, bytes: Uint8Array.of(QUESTION, effect.index, answerer) };
  }
}

function answerOf(socket: number, bytes: Uint8Array): ProbeAnswer | undefined {
  const reader = new Reader(bytes);
  const [kind, index] = [reader.u8(), reader.u8()];
  if (kind === FILTERED) return { kind: 'filtered', socket, index };
  const external = kind === OBSERVED ? reader.address() : undefined;
  return external === undefined ? undefined : { kind: 'observed', socket, index, external, token: TOKEN };
}
