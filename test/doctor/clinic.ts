import { at, ms } from '../../agent/base/time.ts';
import { Examination } from '../../agent/doctor/examination.ts';
import type { ExaminationEffect, ExaminationInput, ExaminationOptions } from '../../agent/doctor/orders.ts';
import type { Facts } from '../../agent/doctor/facts.ts';
import { Rendezvous } from '../../agent/rendezvous/server.ts';
import type { Edge, KindName } from '../../agent/sim/kinds.ts';
import { World } from '../../agent/sim/world.ts';
import { toyCipher } from '../sim/toy-cipher.ts';

const PORT = 7000;
const PORTS = 8;
const IPS = ['198.51.100.1', '198.51.100.2'];
const NOBODY = { ip: '198.51.100.99', port: 7000 };
const SECRET = new Uint8Array([7]);
const SUITES = ['chacha20-poly1305'] as const;
/** What nothing in a simulated world is asked about. */
export const NOTHING_KNOWN: Omit<Facts, 'sight' | 'own'> = {
  terrain: undefined,
  greetings: undefined,
  lines: undefined,
  clock: { own: 1_800_000_000_000, theirs: undefined },
  names: undefined,
  homePort: undefined,
  peers: undefined,
  room: undefined,
  machine: undefined,
};

export interface Visit {
  readonly seed: number;
  readonly kind: KindName | Edge;
  readonly loss?: number;
  readonly delayMs?: number;
  /** `second`: the first of two is not there, and says nothing. */
  readonly servers?: 'one' | 'none' | 'second';
}

/** One house examined in a simulated world: what there was to see, and how long it took, ms. */
export function examine(visit: Visit): { readonly facts: Facts; readonly took: number } {
  const { seed, kind, loss = 0, delayMs = 15, servers = 'one' } = visit;
  const world = new World({ seed });
  const cipher = toyCipher(world.random());
  const identity = cipher.pair();
  const listen = Array.from({ length: PORTS }, (_, i) => IPS.map((ip) => ({ ip, port: PORT + i }))).flat();
  const shared = { cipher, networkSecret: SECRET, suites: SUITES };
  const server = new Rendezvous({ ...shared, random: world.random(), identity, listen, now: world.now });
  world.host({ name: 'rendezvous', ips: IPS }).run(server);
  const { host } = world.household(kind, { access: { delay: ms(delayMs), loss } });
  const [first = { ip: '', port: 0 }] = listen;
  const options: ExaminationOptions = {
    ...shared,
    random: world.random(),
    identity: cipher.pair(),
    servers: [
      ...(servers === 'second' ? [{ address: NOBODY, key: cipher.pair().publicKey }] : []),
      ...(servers === 'none' ? [] : [{ address: first, key: identity.publicKey }]),
    ],
    local: { ip: '0.0.0.0', port: 0 },
    own: host.ips,
    four: undefined,
    six: undefined,
  };
  const examination = new Examination(options);
  let over = false;
  const drive = host.run<ExaminationInput, ExaminationEffect>(examination, (effect) => {
    if (effect.kind === 'over') over = true;
  });
  const start = world.now;
  drive.give({ kind: 'start' });
  world.runUntil(() => over, at(start + 20_000));
  const facts = { ...NOTHING_KNOWN, own: host.ips, sight: examination.sight };
  const took = world.now - start;
  drive.give({ kind: 'leave' });
  return { facts, took };
}
