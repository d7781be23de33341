import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Every namespace of a laboratory is named hearth-PID-BIRTH-RUN-NAME, so that a later run knows whose leftovers it sees. */
const OURS = /^hearth-(\d+)-(\d+)-/;
let runs = 0;

/** What the names of this run's namespaces begin with. */
export function prefix(): string {
  return `hearth-${process.pid}-${birth(process.pid)}-${runs++}-`;
}

/** Runs a command to its end; throws with what it said when it fails. */
export function command(argv: readonly string[], input = ''): string {
  const [program = '', ...words] = argv;
  const { status, stdout, stderr, error } = spawnSync(program, words, { input, encoding: 'utf8', maxBuffer: 64e6 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${status}: ${stderr}${input === '' ? '' : `\nfor\n${input}`}`);
  return stdout;
}

/** Lines of `ip`, in a namespace or where we are. */
export function ip(netns: string | undefined, lines: readonly string[]): void {
  command(['ip', ...(netns === undefined ? [] : ['-n', netns]), '-batch', '-'], `${lines.join('\n')}\n`);
}

/** A whole nftables script. */
export function nft(netns: string, script: string): void {
  command(['ip', 'netns', 'exec', netns, 'nft', '-f', '-'], script);
}

/** Writes kernel settings: path under /proc/sys/net to value. */
export function settings(netns: string, values: Record<string, number | string>): void {
  const script = Object.entries(values).map(([path, value]) => `echo ${value} > /proc/sys/net/${path}`);
  command(['ip', 'netns', 'exec', netns, 'sh', '-ec', script.join('\n')]);
}

/** Ends every process in these namespaces and takes them away; what is gone already is no error. */
export function remove(namespaces: readonly string[]): void {
  for (const netns of namespaces) {
    const { stdout } = spawnSync('ip', ['netns', 'pids', netns], { encoding: 'utf8' });
    for (const pid of (stdout ?? '').split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It ended by itself in the meantime.
      }
    }
    spawnSync('ip', ['netns', 'delete', netns]);
  }
}

/** Takes away what runs left behind that were killed; a run that is alive is left alone. */
export function sweep(): readonly string[] {
  const dead = existing().filter((name) => {
    const [, pid, born] = OURS.exec(name) ?? [];
    return pid !== undefined && birth(Number(pid)) !== born;
  });
  remove(dead);
  return dead;
}

/** Namespaces of any laboratory on this machine. */
export function existing(): readonly string[] {
  try {
    return readdirSync('/var/run/netns').filter((name) => OURS.test(name));
  } catch {
    return [];
  }
}

/** When a process started, in the kernel's ticks: a process id alone is given out again. Undefined when it is not. */
function birth(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold spaces; the start time is the 20th field after it (proc(5)).
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
