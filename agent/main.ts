import { type Arguments, readArguments } from './config/arguments.ts';
import { help, overview } from './config/help.ts';
import { load, type Loaded, reread } from './config/load.ts';
import { type Config, type RoleName } from './config/schema.ts';
import { type Log, openLog } from './io/log.ts';
import { readConfigText } from './io/uci.ts';
import type { Out, Role, Running } from './roles/role.ts';

/** Wrong options, and nothing was started. */
const MISUSED = 2;

/** Which roles there are, each loaded only when asked for. */
export type Roles = { readonly [Name in RoleName]?: () => Promise<Role> };

const ROLES: Roles = {
  agent: async () => (await import('./roles/agent.ts')).agent,
  demo: async () => (await import('./roles/demo.ts')).demo,
  origin: async () => (await import('./roles/origin.ts')).origin,
  rendezvous: async () => (await import('./roles/rendezvous.ts')).rendezvous,
  ping: async () => (await import('./roles/ping.ts')).ping,
  doctor: async () => (await import('./roles/doctor.ts')).doctor,
  channel: async () => (await import('./roles/channel.ts')).channel,
  config: async () => (await import('./roles/config.ts')).config,
  version: async () => (await import('./roles/version.ts')).version,
};

const out: Out = { line: (text) => void process.stdout.write(`${text}\n`) };
const complain = (text: string): void => void process.stderr.write(`${text}\n`);

if (import.meta.main) void main(process.argv.slice(2), ROLES);

/** Runs one command line to its end, or until a signal; ends the process with the role's exit code. */
export async function main([word = '', ...rest]: readonly string[], table: Roles): Promise<void> {
  process.title = 'hearth';
  // A reader that went away (`hearth agent | head -1`) is no reason to stop.
  process.stdout.on('error', () => {});
  const roles = Object.keys(table) as RoleName[];
  if (word === '--help' || word === '-h' || word === 'help') return out.line(overview(roles));
  const name = word === '--version' ? 'version' : roles.find((role) => role === word);
  const role = await (name === undefined ? undefined : table[name])?.();
  if (name === undefined || role === undefined) {
    complain(word === '' ? overview(roles) : `hearth: no role is called ${word}; hearth --help lists them`);
    process.exitCode = MISUSED;
    return;
  }
  const given = readArguments(name, rest);
  if (given.help) return out.line(help(name));
  const loaded = await configOf(name, given);
  if ('problems' in loaded) {
    for (const problem of loaded.problems) complain(`hearth ${name}: ${problem}`);
    process.exitCode = MISUSED;
    return;
  }
  await live(name, role, loaded.config, given);
}

async function configOf(name: RoleName, given: Arguments): Promise<Loaded> {
  if (given.file === undefined) return load(name, given);
  const read = await readConfigText(given.file);
  if ('text' in read) return load(name, given, { name: given.file, text: read.text });
  return { problems: [...given.problems, read.problem] };
}

/** From start to orderly end. Ends the process. */
async function live(name: RoleName, role: Role, config: Config, given: Arguments): Promise<void> {
  const log = openLog({ format: config.log, level: config.logLevel });
  if (!config.enabled) {
    log.warn('switched off by the option enabled', { role: name });
    return;
  }
  process.on('uncaughtException', (error) => {
    log.error('stopped by a mistake of ours', { role: name, stack: error.stack });
    process.exit(1);
  });
  // The role begins only after the signals have their handlers: its ready line may bring one at once.
  const started = Promise.resolve().then(() => role(config, out, log));
  const asked = obeySignals(started, log);
  rereadOnSignal(name, started, config, given, log);
  try {
    const running = await started;
    const code = await running.done;
    if (code !== undefined && !asked()) await end(code);
  } catch (error) {
    log.error('cannot run', { role: name, reason: error instanceof Error ? error.message : String(error) });
    await end(1);
  }
}

/**
 * SIGTERM and SIGINT: the first stops in order, the second at once. As PID 1 of a jail we must handle them ourselves.
 * The answer tells whether somebody asked to stop.
 */
function obeySignals(started: Promise<Running>, log: Log): () => boolean {
  let asked = false;
  const obey = (signal: string): void => {
    if (asked) process.exit(1);
    asked = true;
    log.info('stopping', { signal });
    void started
      .then((running) => running.stop())
      .then(() => end(0))
      .catch((error: unknown) => {
        log.error('did not stop in order', { reason: error instanceof Error ? error.message : String(error) });
        return end(1);
      });
  };
  process.on('SIGTERM', obey);
  process.on('SIGINT', obey);
  return () => asked;
}

function rereadOnSignal(name: RoleName, started: Promise<Running>, first: Config, given: Arguments, log: Log): void {
  let current = first;
  process.on('SIGHUP', () => {
    void Promise.all([started, configOf(name, given)]).then(([running, loaded]) => {
      if ('problems' in loaded) {
        for (const problem of loaded.problems) log.error('the new configuration was refused', { problem });
        return;
      }
      const { config, taken, waiting } = reread(name, current, loaded.config);
      log.info('configuration read again', { taken: taken.join(' '), waits_for_restart: waiting.join(' ') });
      current = config;
      running.reread?.(config);
    });
  });
}

/** Ends the process once standard output has been taken. */
async function end(code: number): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(code);
}
