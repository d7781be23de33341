import { BAITS } from '../base/bait.ts';
import { bytesOf } from '../base/bytes.ts';
import { ms } from '../base/time.ts';
import { VERSION } from '../base/version.ts';
import { CHECKS } from '../doctor/checks.ts';
import { diagnose } from '../doctor/diagnosis.ts';
import { Examination, type ExaminationEffect, type ExaminationInput } from '../doctor/examination.ts';
import type { Facts, LineTried, MachineSeen } from '../doctor/facts.ts';
import { masked } from '../doctor/mask.ts';
import { peersOf } from '../doctor/peers.ts';
import { portPicture } from '../doctor/picture.ts';
import { type Report, reportLines } from '../doctor/report.ts';
import { supportReport } from '../doctor/support.ts';
import type { Config } from '../config/schema.ts';
import { hasAes, nodeCipher, secureRandom } from '../io/crypto.ts';
import { Drive, monotonic } from '../io/drive.ts';
import { askHomePort } from '../io/home-port.ts';
import { ownNetworks } from '../io/interfaces.ts';
import { greet, tryLine } from '../io/line-test.ts';
import { askNames } from '../io/resolve.ts';
import { systemFacts } from '../io/system.ts';
import { terminal } from '../io/terminal.ts';
import { askNetifd, readGround } from '../io/terrain.ts';
import { askGateway } from '../io/upnp-http.ts';
import { readNetifd } from '../uplink/netifd.ts';
import { type Terrain, terrainOf } from '../uplink/terrain.ts';
import type { Out, Role } from './role.ts';

/** Where an agent serves the house unless it was told otherwise. */
const HOME_PORT = 8480;
/** For each thing that is looked at besides the examination, which keeps its own time. */
const PATIENCE = ms(2500);
const LINE_PATIENCE = ms(3000);
/** Mappings are taken back in this time, or run out by themselves. */
const FAREWELL_MS = 2500;
/** The file system that a router keeps its state on. */
const FLASH = '/';

/** `hearth doctor`: looks at this machine and its network from all sides at once, and says what it comes to. */
export const doctor: Role = async (config, out) => {
  const began = monotonic();
  const own = ownNetworks().map(({ ip }) => ip);
  const ground = readGround();
  const seen: { -readonly [Name in keyof Facts]: Facts[Name] } = {
    sight: undefined as never,
    own,
    terrain: terrainOf(ground),
    greetings: undefined,
    lines: undefined,
    clock: { own: Date.now(), theirs: undefined },
    names: undefined,
    homePort: undefined,
    peers: undefined,
    machine: undefined,
  };
  const patient = new Patient(config, own, seen.terrain, (clock) => {
    seen.clock = { own: Date.now(), theirs: clock === 0 ? undefined : clock };
  });
  const besides = Promise.all([
    Promise.all(
      config.rendezvous.map(async ({ address }) => ({ to: address, greeting: await greet(address, PATIENCE) })),
    ).then((greetings) => (seen.greetings = greetings)),
    askNames(PATIENCE).then((names) => (seen.names = names)),
    askHomePort(HOME_PORT, own, PATIENCE).then(({ homePort, status }) => {
      seen.homePort = homePort;
      seen.peers = peersOf(status);
    }),
    machineSeen(seen.terrain).then((machine) => (seen.machine = machine)),
    askNetifd().then((text) => {
      if (text !== undefined) seen.terrain = terrainOf(ground, readNetifd(text));
    }),
  ]);
  const done = Promise.all([patient.examined, besides]).then(async () => {
    seen.sight = patient.examination.sight;
    seen.lines = patient.lines;
    tell(config, out, seen, (monotonic() - began) / 1000);
    await patient.leave();
    return 0;
  });
  return { done, stop: () => patient.leave() };
};

/** The examination on real sockets. */
class Patient {
  readonly examination: Examination;
  readonly examined: Promise<void>;
  readonly #drive: Drive<ExaminationInput, ExaminationEffect>;
  readonly #left = Promise.withResolvers<void>();
  lines: readonly LineTried[] | undefined;

  constructor(config: Config, own: readonly string[], terrain: Terrain | undefined, onClock: (theirs: number) => void) {
    const cipher = nodeCipher();
    const way = terrain?.uplinks.find(({ family }) => family === 4);
    this.examination = new Examination({
      cipher,
      random: secureRandom,
      identity: cipher.pair(cipher.random(32)),
      servers: config.rendezvous,
      networkSecret: bytesOf(config.networkSecret),
      suites: hasAes() ? ['aes-128-gcm', 'chacha20-poly1305'] : ['chacha20-poly1305'],
      local: { ip: '0.0.0.0', port: config.udpPort },
      own,
      way,
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.examined = promise;
    this.#drive = new Drive<ExaminationInput, ExaminationEffect>(this.examination, (effect) => {
      switch (effect.kind) {
        case 'http':
          void askGateway(effect).then((answer) => this.#drive.give(answer));
          return;
        case 'line-ready': {
          onClock(effect.clock);
          const { to } = effect;
          if (to === undefined) return;
          void Promise.all(BAITS.map((bait) => tryLine(to, bait, secureRandom, LINE_PATIENCE))).then((lines) => {
            this.lines = lines;
            this.#drive.give({ kind: 'lines-tried' });
          });
          return;
        }
        case 'over':
          resolve();
          return;
        case 'left':
          this.#left.resolve();
      }
    });
    this.#drive.give({ kind: 'start' });
  }

  /** Takes back what gateways were asked for. */
  async leave(): Promise<void> {
    this.#drive.give({ kind: 'leave' });
    const timer = setTimeout(this.#left.resolve, FAREWELL_MS);
    await this.#left.promise;
    clearTimeout(timer);
    this.#drive.stop();
  }
}

async function machineSeen(terrain: Terrain | undefined): Promise<MachineSeen> {
  const { memory, processor, flash, connections, links } = await systemFacts(FLASH);
  const way = terrain?.uplinks.find(({ family }) => family === 4)?.name;
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
