import { seconds } from '../../../agent/base/time.ts';
import { PingTown } from '../../punch/ping-town.ts';
import { type Cost, Meter } from './meter.ts';
import { homes, lines, mapped, type Scene } from './scene.ts';

/** What one run of `hearth ping` came to. */
export interface Trial {
  readonly way: 'direct' | 'relay' | 'none';
  /** METHOD of the contract; empty where nothing connects. */
  readonly method: string;
  /** REASON of the contract where there is no direct path; else empty. */
  readonly label: string;
  /** What the first punch that came to nothing was put down to, whatever became of it later; empty when none did. */
  readonly verdict: string;
  /** From asking for the introduction to the direct path, or to the relay's; and to the first byte by whichever. */
  readonly after: number;
  readonly firstByte: number;
  /** From the introduction leaving the rendezvous to the first datagram that got through between the two. */
  readonly contact: number;
  /** Asker first. `mapped`: new mappings in its most burdened box. */
  readonly sides: readonly [Cost & { readonly mapped: number }, Cost & { readonly mapped: number }];
  /** What each side's NAT was taken for. */
  readonly read: readonly [string, string];
}

/** Eight ports on each of two addresses. */
const CONTROL = { ip: '198.51.100.1', port: 3478 };
const OBSERVERS = ['198.51.100.1', '198.51.100.2'];
const LISTEN = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => OBSERVERS.map((ip) => ({ ip, port: CONTROL.port + i })));

/** One whole run: entering, reading both NATs, introduction, punch; the machines of the product throughout. */
export function trial(scene: Scene, seed: number): Trial {
  const { asks, listens, path, patience = seconds(20), relay = true } = scene;
  const town = new PingTown(asks, listens, {
    ...lines(path),
    seed,
    listen: [CONTROL, ...LISTEN.slice(1)],
    patience,
    relay,
    ...homes(scene),
  });
  const { world, here, there } = town;
  const parties = [
    { side: here, endpoint: town.asking.endpoint },
    { side: there, endpoint: town.household.endpoint },
  ] as const;
  const meters = parties.map(
    ({ side, endpoint }) => new Meter(side.host.name, `${CONTROL.ip}:${CONTROL.port}`, () => endpoint.local?.port),
  );
  let before: readonly (readonly number[])[] = [];
  let [asked, introduced, contact] = [0, 0, Infinity];
  let read: readonly [string, string] = ['', ''];
  let verdict = '';
  town.heard = (effect, now) => {
    if (effect.kind !== 'event') return;
    if (effect.name === 'introduced') introduced = now;
    if (effect.name === 'no-direct' && verdict === '') verdict = String(effect.fields['reason']);
    if (effect.name !== 'classified' || asked !== 0) return;
    asked = now;
    before = parties.map(({ side }) => mapped(side));
    read = [town.asking.endpoint.profile.kind, town.household.endpoint.profile.kind];
    world.journal = (note) => {
      for (const meter of meters) meter.note(note);
      if (
        note.what === 'delivered' &&
        contact === Infinity &&
        !OBSERVERS.some((ip) => note.from.startsWith(ip) || note.to.startsWith(ip))
      )
        contact = note.at;
    };
    scene.change?.(world, [here, there]);
  };
  const result = readLine(town.ping());
  const cost = (index: 0 | 1): Trial['sides'][0] => {
    const now = mapped(parties[index].side);
    const grown = now.map((count, box) => count - (before[index]?.[box] ?? 0));
    return { ...(meters[index] as Meter).cost, mapped: Math.max(0, ...grown) };
  };
  return { ...result, verdict, contact: contact - (introduced - path.delay), sides: [cost(0), cost(1)], read };
}

const DIRECT = /^connected direct (\S+) after (\S+) s, first byte after (\S+) s/;
const RELAY = /^connected relay (\S+) after (\S+) s: (\S+)$/;

/** The line is the contract, so it is what is measured: seconds to three decimals. */
function readLine(line: string): Pick<Trial, 'way' | 'method' | 'label' | 'after' | 'firstByte'> {
  const direct = DIRECT.exec(line);
  if (direct !== null) {
    const [, method = '', after, firstByte] = direct;
    return { way: 'direct', method, label: '', after: 1000 * Number(after), firstByte: 1000 * Number(firstByte) };
  }
  const relay = RELAY.exec(line);
  if (relay !== null) {
    const [, method = '', after, label = ''] = relay;
    return { way: 'relay', method, label, after: 1000 * Number(after), firstByte: 1000 * Number(after) };
  }
  const label = line.replace('not connected: ', '');
  return { way: 'none', method: '', label, after: Infinity, firstByte: Infinity };
}
