import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

/** What the laboratory is made of; README.md says in which Debian package each one is. */
const PROGRAMS = ['ip', 'nft', 'conntrack', 'tcpdump', 'ping', 'cc'];

/** Why namespaces and kernel NATs can't be had here; undefined when they can. */
export function missing(alsoNeeded: readonly string[] = []): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const absent = [...PROGRAMS, ...alsoNeeded].filter((program) => !installed(program));
  if (absent.length > 0) return `not installed: ${absent.join(', ')}`;
  if (!usable('/dev/net/tun')) return '/dev/net/tun is not here';
  const trial = spawnSync('ip', ['netns', 'exec', '/nowhere', 'true']);
  if (trial.error !== undefined) return 'ip does not run';
  return spawnSync('unshare', ['--net', 'true']).status === 0 ? undefined : 'this system allows no network namespaces';
}

/** A `describe` that needs the laboratory: skipped with the reason, but where CI is set a missing part is a failure. */
export function describeInLab(name: string, body: () => void, alsoNeeded: readonly string[] = []): void {
  const reason = missing(alsoNeeded);
  if (reason === undefined) {
    describe(name, body);
    return;
  }
  if (process.env['CI'] !== undefined) throw new Error(`${name}: ${reason}`);
  console.log(`NOT RUN  ${name}: ${reason}`);
  describe.skip(`${name} (${reason})`, body);
}

function installed(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => usable(join(folder, program)));
}

function usable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
