import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { assets, bundle } from './bundle.ts';
import { FLAGS } from './flags.ts';

/**
 * `make pack ARCH=x64|arm64`: the program, its assets and Node in one executable, out/hearth-linux-ARCH.
 *
 * By the simple `--sea` mode of @yao-pkg/pkg, called as a function because its command line passes neither assets nor
 * flags on. It takes Node from a cache in HOME or else from the internet, so a HOME of our own is filled beforehand with
 * the Node of the npm package node-linux-ARCH. The order is strip, then inject: stripping what was injected gives a
 * program that crashes at its start.
 */
const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'out');
const HOME = join(OUT, 'cache');

type Arch = 'x64' | 'arm64';

/** What pkg's sea.js takes; it has no types of its own. */
interface SeaOptions {
  readonly targets: readonly { platform: 'linux'; arch: Arch; nodeRange: string; output: string }[];
  /** As in Node's sea-config.json. */
  readonly seaConfig: {
    readonly assets: Readonly<Record<string, string>>;
    readonly execArgv: readonly string[];
    readonly execArgvExtension: 'env';
  };
}

const [wanted = process.arch, ...flags] = process.argv.slice(2);
if (wanted !== 'x64' && wanted !== 'arm64') throw new Error(`ARCH=${wanted}: write x64 or arm64`);
await pack(wanted);
if (flags.includes('--xz'))
  console.log(`out/hearth-linux-${wanted}.xz  ${xzSize(binaryOf(wanted))} bytes (xz -6, not kept)`);

async function pack(arch: Arch): Promise<void> {
  const version = fillCache(arch);
  // The Node that writes the blob must be the Node that reads it, to the last digit.
  if (process.version !== `v${version}`) fillCache(process.arch === 'arm64' ? 'arm64' : 'x64');
  const main = join(OUT, 'packed.cjs');
  await bundle(join(ROOT, 'agent/main.ts'), main, 'beside');
  rmSync(binaryOf(arch), { force: true });
  process.env['HOME'] = HOME;
  const { default: sea } = createRequire(import.meta.url)('@yao-pkg/pkg/lib-es5/sea.js') as {
    default: (main: string, options: SeaOptions) => Promise<void>;
  };
  await sea(main, {
    targets: [{ platform: 'linux', arch, nodeRange: `node${version}`, output: binaryOf(arch) }],
    seaConfig: { assets: Object.fromEntries(assets()), execArgv: FLAGS, execArgvExtension: 'env' },
  });
  console.log(`out/hearth-linux-${arch}  ${statSync(binaryOf(arch)).size} bytes`);
}

function binaryOf(arch: Arch): string {
  return join(OUT, `hearth-linux-${arch}`);
}

/** The exact Node that package-lock.json names for an architecture. */
function lockedNode(arch: Arch): { version: string; integrity: string } {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const entry = lock.packages[`node_modules/node-linux-${arch}`];
  if (entry === undefined) throw new Error(`package-lock.json names no node-linux-${arch}`);
  return entry;
}

/** The binary as npm has it: installed for our own architecture, fetched and compared with the lock file for the other. */
function nodeOf(arch: Arch, version: string, integrity: string): string {
  const installed = join(ROOT, `node_modules/node-linux-${arch}/bin/node`);
  if (existsSync(installed)) return installed;
  const name = `node-linux-${arch}`;
  const tarball = join(OUT, `${name}-${version}.tgz`);
  if (!existsSync(tarball)) {
    // 52 MB; a connection that stalls is given up after a minute and tried anew, not after npm's five.
    const patience = ['--fetch-timeout=60000', '--fetch-retries=4'];
    const args = ['pack', `${name}@${version}`, '--pack-destination', OUT, '--silent', ...patience];
    execFileSync('npm', args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const found = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
  if (found !== integrity) throw new Error(`${tarball} is not what package-lock.json names; remove it and try again`);
  execFileSync('tar', ['-xzf', tarball, '-C', OUT, 'package/bin/node']);
  const unpacked = join(OUT, `node-${arch}`);
  renameSync(join(OUT, 'package/bin/node'), unpacked);
  rmSync(join(OUT, 'package'), { recursive: true });
  return unpacked;
}

/**
 * Puts a stripped Node where pkg looks for one it has fetched: the binary, an archive, and a mark beside each.
 * Answers its version.
 */
function fillCache(arch: Arch): string {
  const { version, integrity } = lockedNode(arch);
  const folder = join(HOME, '.pkg-cache/sea', `node-v${version}-linux-${arch}`);
  const node = join(folder, 'bin/node');
  if (existsSync(`${node}.ok`)) return version;
  mkdirSync(join(folder, 'bin'), { recursive: true });
  copyFileSync(nodeOf(arch, version, integrity), node);
  chmodSync(node, 0o755);
  strip(node);
  for (const mark of [`${folder}.tar.gz`, `${folder}.tar.gz.ok`, `${node}.ok`]) writeFileSync(mark, '');
  return version;
}

/** 18 MB smaller. LLVM's strip knows every architecture, GNU's comes one per architecture. */
function strip(file: string): void {
  const gnu = file.includes('arm64') ? 'aarch64-linux-gnu-strip' : 'x86_64-linux-gnu-strip';
  for (const program of ['llvm-strip', gnu, 'strip']) {
    try {
      execFileSync(program, ['--strip-all', file], { stdio: 'ignore' });
      return;
    } catch {
      // Not installed, or made for another architecture: the next one.
    }
  }
  console.log(`not stripped, for want of llvm-strip or ${gnu}: the program gets some 18 MB larger`);
}

function xzSize(file: string): number {
  const script = 'xz -6 --threads=0 --stdout "$1" | wc -c';
  return Number(execFileSync('sh', ['-c', script, 'sh', file], { encoding: 'utf8' }));
}
