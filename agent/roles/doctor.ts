import { VERSION } from '../base/version.ts';
import type { Config } from '../config/schema.ts';
import { CHECKS } from '../doctor/checks.ts';
import { diagnose } from '../doctor/diagnosis.ts';
import type { Facts, MachineSeen } from '../doctor/facts.ts';
import { masked } from '../doctor/mask.ts';
import { peersOf } from '../doctor/peers.ts';
import { roomOf } from '../doctor/room.ts';
import { portPicture } from '../doctor/picture.ts';
import { type Report, reportLines } from '../doctor/report.ts';
import { supportReport } from '../doctor/support.ts';
import { monotonic } from '../io/drive.ts';
import { askHomePort } from '../io/home-port.ts';
import { ownNetworks } from '../io/interfaces.ts';
import { greet } from '../io/line-test.ts';
import { askNames } from '../io/resolve.ts';
import { systemFacts } from '../io/system.ts';
import { terminal } from '../io/terminal.ts';
import { askNetifd, readGround } from '../io/terrain.ts';
import { readNetifd } from '../uplink/netifd.ts';
import { type Terrain, terrainOf } from '../uplink/terrain.ts';
import { Patient } from './patient.ts';
import type { Out, Role } from './role.ts';

/** Where an agent serves the house unless it was told otherwise. */
const HOME_PORT = 8480;
/** For each thing that is looked at besides the examination, which keeps its own time; ms. */
const PATIENCE = 2500;
/** The file system that a router keeps its state on. */
const FLASH = '/';

/** `hearth doctor`: looks at this machine and its network from all sides at once, and says what it comes to. */
export const doctor: Role = async (config, out) => {
  const began = monotonic();
  const own = ownNetworks().map(({ ip }) => ip);
  const ground = readGround();
  const terrain = terrainOf(ground);
  const patient = new Patient(config, own, terrain);
  const looks = Promise.all([
    Promise.all(
      config.rendezvous.map(async ({ address }) => ({ to: address, greeting: await greet(address, PATIENCE) })),
    ),
    askNames(PATIENCE),
    inTime(askHomePort(HOME_PORT, own, PATIENCE)),
    inTime(machineSeen(terrain)),
    askNetifd(),
    patient.examined,
  ]);
  const done = looks.then(async ([greetings, names, home, machine, netifd, { sight, lines, clock }]) => {
    const facts: Facts = {
      sight,
      lines,
      clock,
      own,
      greetings,
      names,
      machine,
      terrain: netifd === undefined ? terrain : terrainOf(ground, readNetifd(netifd)),
      homePort: home?.homePort,
      peers: peersOf(home?.status),
      room: roomOf(home?.status),
    };
    tell(config, out, facts, (monotonic() - began) / 1000);
    await patient.leave();
    return 0;
  });
  return { done, stop: () => patient.leave() };
};

/** What is not there in time is not checked. */
async function inTime<T>(look: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), PATIENCE);
  return Promise.race([look, promise]).finally(() => clearTimeout(timer));
}

async function machineSeen(terrain: Terrain): Promise<MachineSeen> {
  const { memory, processor, flash, connections, links } = await systemFacts(FLASH);
  const way = terrain.uplinks.find(({ family }) => family === 4)?.name;
  return {
    cpu: processor.model ?? '',
    cores: processor.cores,
    memory: memory.totalBytes / 2 ** 20,
    memoryFree: memory.availableBytes / 2 ** 20,
    flashFree: flash && flash.freeBytes / 2 ** 20,
    mtu: links.find(({ name }) => name === way)?.mtuBytes,
    table: connections,
  };
}

/** Prints the report, for a person or for a program. */
function tell(config: Config, out: Out, facts: Facts, took: number): void {
  const { columns, colour, unicode } = terminal();
  const show = config.addresses ? (text: string): string => text : masked;
  const report: Report = {
    version: VERSION,
    verdict: diagnose(facts),
    checked: CHECKS.map(({ name, question, run }) => ({ name, question, ...run(facts) })),
    picture: portPicture(facts.sight.nat, columns, unicode ? 'braille' : 'ascii'),
    took,
    isMasked: !config.addresses,
  };
  if (config.json) out.line(show(JSON.stringify(supportReport(report, facts.sight))));
  else for (const line of reportLines(report, { columns, colour })) out.line(show(line));
}
