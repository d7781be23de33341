import { afterAll, beforeAll, expect, test } from 'vitest';
import { Lab, type Space } from './lab.ts';
import { pingOnce } from './matrix.ts';
import { describeInLab } from './missing.ts';
import { type Rendezvous, startAgent, startRendezvous, States } from './programs.ts';

describeInLab('Two households with IPv6 behind NATs that nobody can read', () => {
  const states = new States();
  let lab: Lab;
  let rendezvous: Rendezvous;
  let node: string;

  beforeAll(async () => {
    lab = await Lab.create();
    const server = await lab.internet({ addresses: 2, ipv6: true });
    const all: Space = { ...server, addresses: [...server.addresses, server.six ?? ''] };
    rendezvous = await startRendezvous(lab, all, states);
    const { host } = await lab.household({ nat: 'random', ipv6: true });
    ({ node } = await startAgent(lab, host, rendezvous.place, states, ['--lan', 'off']));
  });

  afterAll(async () => {
    await lab?.close();
    states.remove();
  });

  test('meet through the stateful filters of both routers', async () => {
    const { host } = await lab.household({ nat: 'random', ipv6: true });
    expect((await pingOnce(lab, host, node, rendezvous, 20)).line).toMatch(/^connected direct ipv6 after /);
  });

  test('are relayed when one of them has none', async () => {
    const { host } = await lab.household({ nat: 'random' });
    expect((await pingOnce(lab, host, node, rendezvous, 4)).line).toMatch(/^connected relay relay-rendezvous after /);
  });
});
