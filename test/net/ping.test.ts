import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { METHODS } from '../../agent/base/outcome.ts';
import { base32 } from '../../agent/base/text32.ts';
import type { KindName } from '../../agent/sim/kinds.ts';
import type { Child } from './child.ts';
import { type Household, Lab, type Space } from './lab.ts';
import { describeInLab } from './missing.ts';
import { hearth, type Rendezvous, startAgent, startRendezvous, States } from './programs.ts';
import type { KernelNat } from './rules.ts';

type Nat = KernelNat | KindName;

const METHOD = METHODS.join('|');
const SECONDS = String.raw`\d+(?:\.\d+)? s`;
/** The three lines of the contract, whole. */
const DIRECT = new RegExp(
  `^connected direct (${METHOD}) after (${SECONDS}), first byte after (${SECONDS}) by (${METHOD})$`,
);
const RELAYED = new RegExp(`^connected relay (${METHOD}) after (${SECONDS}): ([a-z-]+)$`);
const NOT = /^not connected: ([a-z-]+)$/;

/** As at a house: 10 ms to the exchange. */
const LINE = { delayMs: 10 };

describeInLab('hearth ping', () => {
  const states = new States();
  let lab: Lab;
  let rendezvous: Rendezvous;
  /** A household that is ready to be pinged behind each kind of NAT. */
  const ready = new Map<Nat, { readonly node: string; readonly child: Child }>();
  /** And a router of each kind to ping from. */
  const houses = new Map<Nat, Household>();
  const said: Child[] = [];

  beforeAll(async () => {
    lab = await Lab.create();
    rendezvous = await startRendezvous(lab, await lab.internet({ addresses: 2, line: LINE }), states);
    const kinds: readonly Nat[] = ['open', 'firewall', 'masquerade', 'full-cone', 'offset', 'random-block', 'random'];
    for (const nat of kinds) houses.set(nat, await lab.household({ nat, line: LINE }));
    for (const nat of kinds) {
      const { host } = await lab.household({ nat, line: LINE });
      ready.set(nat, await startAgent(lab, host, rendezvous.place, states, ['--lan', 'off', '--log-level', 'debug']));
    }
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') for (const child of said) console.log(child.lines.join('\n'), child.errors);
    said.length = 0;
  });

  afterAll(async () => {
    await lab?.close();
    states.remove();
  });

  /** One ping; its one line and how it ended. */
  async function ping(
    from: Space,
    node: string,
    more: readonly string[] = [],
  ): Promise<{ line: string; code: number }> {
    const words = ['ping', node, '--rendezvous', rendezvous.place, '--log-level', 'debug', ...more];
    const child = hearth(lab, from, words);
    said.push(child);
    const code = await child.ended;
    expect(child.lines).toHaveLength(1);
    return { line: child.lines[0] ?? '', code };
  }

  function spaceOf(nat: Nat): Space {
    const house = houses.get(nat);
    if (house === undefined) throw new Error(`no house with ${nat}`);
    return house.host;
  }

  const direct: readonly (readonly [Nat, Nat])[] = [
    ['open', 'open'],
    ['open', 'masquerade'],
    ['firewall', 'firewall'],
    ['masquerade', 'firewall'],
    ['masquerade', 'masquerade'],
    ['masquerade', 'full-cone'],
    ['masquerade', 'offset'],
    ['offset', 'masquerade'],
    ['offset', 'offset'],
    ['full-cone', 'random'],
    ['random', 'open'],
    ['masquerade', 'random-block'],
    ['random-block', 'masquerade'],
  ];

  test.for(direct)('A household behind %s reaches one behind %s directly', async ([from, to]) => {
    const { line, code } = await ping(spaceOf(from), ready.get(to)?.node ?? '');
    console.log(`${from} → ${to}: ${line}`);
    expect(line).toMatch(DIRECT);
    expect(code).toBe(0);
  });

  test.for([
    ['random', 'random'],
    ['random-block', 'random'],
  ] as const)(
    'From %s to %s nothing direct is to be had, and a household that can be reached relays',
    async ([from, to]) => {
      const { line, code } = await ping(spaceOf(from), ready.get(to)?.node ?? '', ['--patience', '8']);
      console.log(`${from} → ${to}: ${line}`);
      expect(line).toMatch(RELAYED);
      const [, method, , reason] = RELAYED.exec(line) ?? [];
      expect([method, reason, code]).toEqual(['relay-household', 'random', 0]);
    },
  );

  test('A household that nobody knows is peer-unknown', async () => {
    await expectNot(ping(spaceOf('masquerade'), base32(randomBytes(32))), 'peer-unknown');
  });

  test('A household that has stopped is peer-offline', async () => {
    const { host } = await lab.household();
    const { node, child } = await startAgent(lab, host, rendezvous.place, states, ['--lan', 'off']);
    expect(await child.stop()).toBe(0);
    await expectNot(ping(spaceOf('masquerade'), node), 'peer-offline');
  });

  test('Without a rendezvous it is rendezvous-unreachable', async () => {
    const nobody = rendezvous.place.replace(/:\d+#/, ':6999#');
    const words = ['--rendezvous', nobody, '--patience', '3'];
    const child = hearth(lab, spaceOf('masquerade'), ['ping', base32(randomBytes(32)), ...words]);
    said.push(child);
    expect([await child.ended, child.lines]).toEqual([1, ['not connected: rendezvous-unreachable']]);
  });

  async function expectNot(asked: Promise<{ line: string; code: number }>, reason: string): Promise<void> {
    const { line, code } = await asked;
    expect([NOT.exec(line)?.[1], code]).toEqual([reason, 1]);
  }
});
