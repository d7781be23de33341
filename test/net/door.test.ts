import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Child } from './child.ts';
import { type Daemon, UpnpRouter } from './gateways.ts';
import { type Household, Lab, type Space } from './lab.ts';
import { describeInLab } from './missing.ts';
import { ip, nft } from './netns.ts';
import {
  channelOf,
  hearth,
  pause,
  type Rendezvous,
  startAgent,
  startHousehold,
  startRendezvous,
  States,
  statusOf,
  until,
} from './programs.ts';

const TESTCARD = fileURLToPath(new URL('../../agent/web/testcard.mpegts', import.meta.url));
const LINE = { delayMs: 20 };
const START_MS = 20_000;
/** What a household may have set by hand. */
const PORT = 41_641;

describeInLab('The open door', () => {
  const states = new States();
  let lab: Lab;
  let rendezvous: Rendezvous;
  let count = 0;
  const programs: Record<string, Child> = {};

  beforeAll(async () => {
    lab = await Lab.create();
    rendezvous = await startRendezvous(lab, await lab.internet({ addresses: 2, line: LINE }), states);
  });

  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return;
    for (const [name, { errors }] of Object.entries(programs)) console.log(`-- ${name}\n${errors.slice(-10_000)}`);
  });

  afterAll(async () => {
    await lab?.close();
    states.remove();
  });

  /** Behind a router that gives every connection another random port, and opens one for whoever asks in these languages. */
  async function asked(daemon: Daemon): Promise<{ home: Household; router: UpnpRouter }> {
    const home = await lab.household({ nat: 'random', line: LINE });
    const router = new UpnpRouter(lab, home, `11.22.33.${++count}`);
    await router.start(daemon);
    return { home, router };
  }

  async function ping(from: Space, node: string): Promise<string> {
    const child = hearth(lab, from, ['ping', node, '--rendezvous', rendezvous.place]);
    await child.ended;
    return child.lines.at(-1) ?? '';
  }

  test('The stream flows between two houses whose ports nobody can foresee, without a punch', async () => {
    const { home: a, router } = await asked({ upnp: false });
    const b = await lab.household({ nat: 'random', line: LINE });
    const studio = await lab.internet({ line: LINE });
    const words = ['--rendezvous', rendezvous.place, '--channel', 'Mapped', '--in', TESTCARD, '--loop'];
    const origin = hearth(lab, studio, ['origin', ...words, '--children', '1', '--state', states.next()]);
    const [, channel = ''] = await origin.line(/^channel ready ([a-z2-7]{52})$/, START_MS);
    const first = await startHousehold(lab, a.host, rendezvous.place, channel, states);
    Object.assign(programs, { origin, a: first.child, rendezvous: rendezvous.child });
    await first.child.error(/door-open/);
    await until(
      () => channelOf(lab, a.host, first.url),
      ({ block }) => block !== null,
    );
    const { mappings } = await statusOf(lab, a.host, first.url);
    expect(mappings).toMatchObject([{ protocol: 'pcp', verified: true }]);
    const second = await startHousehold(lab, b.host, rendezvous.place, channel, states);
    Object.assign(programs, { b: second.child });
    const { parent } = await until(
      () => channelOf(lab, b.host, second.url),
      ({ block, parent: fed }) => block !== null && fed?.method?.startsWith('relay') === false,
    );
    expect(parent).toMatchObject({ node: first.node, method: 'mapped-pcp' });
    expect(second.child.errors).not.toMatch(/relay/);
    const { children } = await channelOf(lab, a.host, first.url);
    expect(children).toMatchObject([{ node: second.node, method: 'mapped-pcp' }]);
    expect(await first.child.stop()).toBe(0);
    expect(router.table).toEqual([]);
    await second.child.stop();
    await origin.stop();
  });

  test.each<[string, Daemon, string]>([
    ['PCP', { upnp: false }, 'mapped-pcp'],
    ['NAT-PMP', { upnp: false, pmp: 'only-natpmp' }, 'mapped-natpmp'],
    ['UPnP 2', { pmp: false }, 'mapped-upnp'],
    ['UPnP 1', { upnp: 1, pmp: false }, 'mapped-upnp'],
  ])('A port that was opened over %s is dialled, and the path named after it', async (_what, daemon, method) => {
    const { home, router } = await asked(daemon);
    const far = await lab.household({ nat: 'random', line: LINE });
    const agent = await startAgent(lab, home.host, rendezvous.place, states, ['--lan', 'off', '--log-level', 'debug']);
    Object.assign(programs, { agent: agent.child });
    const opened = await agent.child.error(/door-open by=(\S+) port=\d+ after_ms=(\d+)/);
    const line = await ping(far.host, agent.node);
    console.log(`${opened[0]}; ${line}`);
    expect(opened[1]).toBe(method);
    expect(line).toMatch(new RegExp(`^connected direct ${method} `));
    await agent.child.stop();
    expect(router.table).toEqual([]);
  });

  test('A household that was killed leaves nothing at its gateway once it has come back', async () => {
    const { home, router } = await asked({});
    const state = states.next();
    const start = async (): Promise<Child> => {
      const words = [
        'agent',
        '--rendezvous',
        rendezvous.place,
        '--state',
        state,
        '--lan',
        'off',
        '--log-level',
        'debug',
      ];
      const child = hearth(lab, home.host, words);
      await child.error(/door-open/, START_MS);
      return child;
    };
    const first = await start();
    const before = router.table;
    expect(before).toHaveLength(1);
    await first.stop('SIGKILL');
    expect(router.table).toEqual(before);
    const second = await start();
    await until(
      () => Promise.resolve(router.table),
      (table) => table.length === 1 && table[0] !== before[0],
    );
    await second.stop();
    expect(router.table).toEqual([]);
  });

  test('On the gateway itself the rule of its owner is found, and one that is missing is named', async () => {
    const home = await lab.household({ nat: 'masquerade', line: LINE });
    const words = ['--lan', 'off', '--log-level', 'debug', '--port', String(PORT)];
    const shut = await startAgent(lab, home.router, rendezvous.place, states, words);
    Object.assign(programs, { shut: shut.child });
    await shut.child.error(/nobody can come in unasked port=41641 fix=.*Allow UDP port 41641 from wan/);
    await shut.child.stop();
    nft(home.router.netns, `insert rule ip hearth input udp dport ${PORT} accept`);
    const open = await startAgent(lab, home.router, rendezvous.place, states, words);
    Object.assign(programs, { open: open.child });
    await open.child.error(/door-open by=dial/);
    const far = await lab.household({ nat: 'random', line: LINE });
    expect(await ping(far.host, open.node)).toMatch(/^connected direct dial /);
    await open.child.stop();
  });

  test('A household whose line fails opens its door at the other one, and is dialled there', async () => {
    const { home, router: first } = await asked({});
    const other = await lab.carrier({ nat: 'random', line: LINE, home: true });
    const line = { router: other.router, address: other.router.addresses[0] ?? '' };
    const second = new UpnpRouter(lab, line, `11.22.33.${++count}`);
    await second.start({ upnp: false, lan: '10.0.0.1/16' });
    ip(undefined, [`link add eth1 netns ${home.host.netns} type veth peer name spare netns ${other.hub.netns}`]);
    ip(other.hub.netns, ['link set spare up', 'route add 10.0.9.9/32 dev spare']);
    ip(home.host.netns, [
      'addr add 10.0.9.9/32 dev eth1',
      'link set eth1 up',
      'route add default via 10.0.0.1 dev eth1 onlink metric 200',
    ]);
    const agent = await startAgent(lab, home.host, rendezvous.place, states, ['--lan', 'off', '--log-level', 'debug']);
    Object.assign(programs, { agent: agent.child });
    await agent.child.error(/door-open/);
    expect([first.table.length, second.table.length]).toEqual([1, 0]);
    ip(home.host.netns, ['route del default via 192.168.1.1']);
    await agent.child.error(/door-shut[^]*door-open by=mapped-pcp/);
    expect([first.table.length, second.table.length]).toEqual([0, 1]);
    const far = await lab.household({ nat: 'random', line: LINE });
    expect(await ping(far.host, agent.node)).toMatch(/^connected direct mapped-pcp /);
    await agent.child.stop();
    expect(second.table).toEqual([]);
  });

  test('A rendezvous that is away shuts no door, though the gateway has started anew meanwhile', async () => {
    const { home, router } = await asked({});
    const agent = await startAgent(lab, home.host, rendezvous.place, states, ['--lan', 'off', '--log-level', 'debug']);
    Object.assign(programs, { agent: agent.child });
    await agent.child.error(/door-open/);
    rendezvous.child.signal('SIGSTOP');
    try {
      await router.kill();
      await router.start({});
      // Asked for at once, and tried three times in vain.
      await pause(12_000);
    } finally {
      rendezvous.child.signal('SIGCONT');
    }
    expect(router.table).toHaveLength(1);
    expect(agent.child.errors).not.toMatch(/door-shut/);
    await agent.child.stop();
  });

  test('A ping and the doctor leave the door of an agent beside them as it is', async () => {
    const { home, router } = await asked({});
    const agent = await startAgent(lab, home.host, rendezvous.place, states, ['--lan', 'off', '--log-level', 'debug']);
    Object.assign(programs, { agent: agent.child });
    await agent.child.error(/door-open/);
    const before = router.table;
    expect(before).toHaveLength(1);
    const far = await lab.household({ nat: 'random', line: LINE });
    const other = await startAgent(lab, far.host, rendezvous.place, states, ['--lan', 'off']);
    expect(await ping(home.host, other.node)).toMatch(/^connected /);
    const doctor = hearth(lab, home.host, ['doctor', '--rendezvous', rendezvous.place, '--json']);
    expect(await doctor.ended).toBe(0);
    expect(router.table).toEqual(before);
    expect(await ping(far.host, agent.node)).toMatch(/^connected direct mapped-pcp /);
    expect(agent.child.errors).not.toMatch(/door-shut/);
    await Promise.all([agent.child.stop(), other.child.stop()]);
  });

  test('No gateway hears of a household that wants no open port', async () => {
    const { home, router } = await asked({});
    const capture = await lab.capture(home.host, 'eth0');
    const agent = await startAgent(lab, home.host, rendezvous.place, states, ['--lan', 'off', '--no-open-port']);
    await pause(2000);
    await agent.child.stop();
    const said = (await capture.stop()).filter(({ from }) => from.ip === home.host.addresses[0]);
    expect(said.length).toBeGreaterThan(10);
    expect(said.filter(({ to }) => to.port === 5351 || to.port === 1900)).toEqual([]);
    expect(router.table).toEqual([]);
  });

  test('Nothing is started beside the agent, however its gateway is asked', async () => {
    const { home } = await asked({});
    const words = ['--lan', 'off', '--log-level', 'debug'];
    const agent = await startAgent(lab, home.host, rendezvous.place, states, words);
    await agent.child.error(/door-open/);
    const trace = states.next();
    const argv = ['strace', '-f', '-e', 'trace=execve,clock_nanosleep,epoll_wait,epoll_pwait', '-o', trace];
    const strace = lab.run(home.host, [...argv, '-p', String(agent.child.pid)]);
    await strace.error(/attached/);
    // Longer than the lines out of the house are left unlooked at.
    await pause(5000);
    await agent.child.stop();
    await strace.ended;
    const seen = readFileSync(trace, 'utf8');
    expect(seen).toMatch(/epoll_p?wait/);
    expect(seen).not.toContain('execve(');
  });

  test('A mapping that dies is noticed, and households meet by punching again', async () => {
    const { home, router } = await asked({});
    const agent = await startAgent(lab, home.host, rendezvous.place, states, ['--lan', 'off', '--log-level', 'debug']);
    Object.assign(programs, { agent: agent.child });
    await agent.child.error(/door-open/);
    await router.kill();
    // As after a restart, which forgets the flows that came in as well.
    nft(home.router.netns, 'insert rule ip hearth forward ct status dnat drop');
    const far = await lab.household({ nat: 'full-cone', line: LINE });
    expect(await ping(far.host, agent.node)).toMatch(/^connected direct (?!mapped)/);
    await agent.child.error(/door-shut/, 20_000);
    await agent.child.stop();
  });
});
