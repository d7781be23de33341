import { after, ms, seconds } from '../../../agent/base/time.ts';
import type { Reason } from '../../../agent/base/outcome.ts';
import type { Foreign } from '../../../agent/sim/allocation.ts';
import type { Edge } from '../../../agent/sim/kinds.ts';
import { Nat, type NatShape } from '../../../agent/sim/nat.ts';
import { type Side, sameCarrier } from '../../punch/meeting.ts';
import { counting, E2, pick, range } from './fronts.ts';
import type { Scene } from './scene.ts';

/** Something that makes a punch fail, and the word that must be found for it. */
export interface Cause {
  readonly label: Reason;
  readonly words: string;
  /** Made anew for each run: most of them change a NAT in the middle of it. */
  readonly scene: (run: number) => Scene;
}

type Mutable<Shape> = { -readonly [Name in keyof Shape]: Shape[Name] };
type Changing = Mutable<NatShape>;

const PATH = { delay: ms(40), loss: 0.01 };
const APDM = 'address-and-port-dependent';
const easy = (run: number) => pick(E2, run);
const boxed = (shape: NatShape, addresses = 1): Edge => ({ kind: 'nat', nats: [shape], addresses });

/** By turns either one asks. */
function sides(run: number, a: Scene['asks'], b: Scene['listens']): Pick<Scene, 'asks' | 'listens' | 'path'> {
  return run % 2 === 0 ? { asks: a, listens: b, path: PATH } : { asks: b, listens: a, path: PATH };
}

export const CAUSES: readonly Cause[] = [
  {
    label: 'drift',
    words: 'two NATs that count, and neighbours who open thousands of flows a second',
    scene: (run) => sides(run, counting({ perSecond: 6000 }), counting({ perSecond: 6000 })),
  },
  {
    label: 'drift',
    words: 'the same, but quiet while they were read',
    scene: (run) => {
      const crowds = [{ perSecond: 4 }, { perSecond: 4 }] satisfies Foreign[];
      return {
        ...sides(run, counting(pick(crowds, 0)), counting(pick(crowds, 1))),
        change: () => crowds.forEach((crowd) => (crowd.perSecond = 6000)),
      };
    },
  },
  {
    label: 'random',
    words: 'two NATs that give out any port',
    scene: (run) => sides(run, range(1024), range(1024)),
  },
  {
    label: 'random',
    words: 'a NAT that counted while it was read, and then gives out any port',
    scene: (run) => {
      const allocation: { kind: 'sequential' | 'random' } = { kind: 'sequential' };
      return {
        ...sides(run, easy(run), boxed({ mapping: APDM, allocation })),
        change: () => (allocation.kind = 'random'),
      };
    },
  },
  {
    label: 'block-hop',
    words: "the household's block of 512 ports is another one than while it was read",
    scene: (run) => {
      const allocation = { kind: 'random' as const, from: 1024 + 512 * (run % 60), to: 1024 + 512 * (run % 60) + 511 };
      const change = (): void => {
        allocation.from += 512 * 40;
        allocation.to += 512 * 40;
      };
      return { ...sides(run, easy(run), boxed({ mapping: APDM, allocation })), change };
    },
  },
  {
    label: 'pool',
    words: 'a NAT with four addresses, which kept to one while it was read',
    scene: (run) => {
      const shape: Changing = { mapping: APDM, allocation: { kind: 'sequential' }, pooling: 'paired' };
      return { ...sides(run, easy(run), boxed(shape, 4)), change: () => (shape.pooling = 'arbitrary') };
    },
  },
  {
    label: 'poison',
    words:
      'a NAT that gives its port away, which could not be seen, on a line that lost the introduction: the other one knocks first',
    scene: (run) => {
      const shape: Changing = {};
      return {
        asks: easy(run),
        listens: boxed(shape),
        path: PATH,
        change: (world, [, there]) => {
          shape.poison = true;
          const line = there.boxes.at(-1)?.access.downlink;
          if (line === undefined) return;
          const weather = line.shape;
          line.shape = { ...weather, loss: 1 };
          world.at(after(world.now, ms(2.6 * PATH.delay)), () => (line.shape = weather));
        },
      };
    },
  },
  {
    label: 'filter',
    words: 'the ports are right, but both routers let nobody in except the rendezvous',
    scene: (run) => ({
      ...sides(run, 'port-restricted', pick(['port-restricted', 'offset', 'block'] as const, run)),
      change: (_world, both) => both.forEach(deafen),
    }),
  },
  {
    label: 'quota',
    words: 'a NAT that gives a random port to each destination, but only sixty',
    scene: (run) =>
      sides(run, easy(run), boxed({ mapping: APDM, allocation: { kind: 'random' }, quota: { mappings: 60 } })),
  },
  {
    label: 'loss',
    words:
      'the line of the one whose port is read loses two of five datagrams each way, and to the peer nothing gets through',
    scene: (run) => ({
      ...sides(run, 'port-restricted', counting({ perSecond: 4 })),
      // A relay would not live through it long enough for a verdict.
      relay: false,
      change: (_world, both) => {
        both.forEach(deafen);
        const line = both[run % 2 === 0 ? 1 : 0].boxes.at(-1)?.access;
        for (const way of line === undefined ? [] : [line.uplink, line.downlink])
          way.shape = { ...way.shape, loss: 0.4 };
      },
    }),
  },
  {
    label: 'hairpin',
    words: "two homes behind one carrier's NAT that does not lead back inside",
    scene: () => ({
      asks: 'port-restricted',
      listens: 'port-restricted',
      path: PATH,
      home: sameCarrier({ hairpin: 'none' }),
      patience: seconds(20),
    }),
  },
];

/** From now on only what the rendezvous sends comes in. */
function deafen({ boxes }: Side): void {
  const box = boxes.at(-1);
  if (!(box instanceof Nat)) return;
  const arrive = box.arrive.bind(box);
  box.arrive = (packet) => {
    if (packet.from.ip.startsWith('198.51.100.')) arrive(packet);
  };
}
