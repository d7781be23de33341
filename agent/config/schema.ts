import type { Address } from '../base/address.ts';
import type { Millis } from '../base/time.ts';

/**
 * Everything that can be set, once: the command line, UCI and JSON files, help texts, the files in config/ and the type
 * `Config` all come from the two tables below.
 */

/** What every option says of itself. `preset` is written as a user would write it; '' is nothing, off or none. */
interface Common {
  /** In UCI and JSON; on the command line `--` and hyphens for underscores. */
  readonly name: string;
  readonly about: string;
  readonly roles: readonly RoleName[];
  readonly preset: string;
  /** Roles that do not start without it. */
  readonly needed?: readonly RoleName[];
  /** A value to show in examples and in the fix of a problem. */
  readonly example: string;
  /** Never printed. */
  readonly secret?: true;
  /** A reread (SIGHUP) is enough; all others wait for a restart. */
  readonly live?: true;
}

type Kind =
  | { readonly kind: 'text'; readonly most: number }
  /** Where an origin takes its stream from: a word, a file, or a scheme of SOURCES. */
  | { readonly kind: 'source' }
  | { readonly kind: 'whole'; readonly least: number; readonly most: number; readonly unit?: string }
  /** Decimals allowed; becomes Millis. */
  | { readonly kind: 'duration'; readonly unit: 's' | 'ms'; readonly least: number; readonly most: number }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  | { readonly kind: 'flag' }
  /** ADDR:PORT or off. */
  | { readonly kind: 'place' }
  | { readonly kind: 'addresses' }
  /** ADDR:PORT#KEY, several. */
  | { readonly kind: 'servers' }
  /** ID, or ID:TOKEN of a private channel, several. */
  | { readonly kind: 'channels'; readonly most: number };

export type Option = Common & Kind;

/** A rendezvous as clients name it: where it listens and its X25519 public key (32 bytes). */
export interface Server {
  readonly address: Address;
  readonly key: Uint8Array;
}

/** A channel to take. */
export interface ChannelTaken {
  /** Its Ed25519 key. */
  readonly id: Uint8Array;
  /** 32 bytes; undefined for a public one, and for a private one that is only passed on. */
  readonly token?: Uint8Array | undefined;
}

/** A word after the role that is no option. */
export type Word = { readonly name: string } & (
  | { readonly kind: 'id' }
  | { readonly kind: 'text' }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
);

export interface RoleText {
  readonly about: string;
  readonly words: readonly Word[];
  /** Has a section in configuration files, and so `--config FILE`. */
  readonly file: boolean;
}

export const ROLES = {
  rendezvous: { about: 'the public server that introduces households', words: [], file: true },
  origin: { about: 'takes a stream from an encoder and feeds the first households', words: [], file: true },
  agent: { about: 'the household: takes the stream once, serves the LAN, feeds others', words: [], file: true },
  ping: {
    about: 'connects to another household and says how',
    words: [{ name: 'NODE-ID', kind: 'id' }],
    file: true,
  },
  doctor: { about: 'explains this network to its owner', words: [], file: false },
  demo: { about: 'a small internet of households in one process, with a page to watch', words: [], file: false },
  channel: {
    about: 'shows or makes the key of a channel, or the token of a private one',
    words: [{ name: 'info|key|token', kind: 'choice', of: ['info', 'key', 'token'] }],
    file: false,
  },
  config: {
    about: 'checks a configuration file, or shows what it comes to',
    words: [
      { name: 'check|show', kind: 'choice', of: ['check', 'show'] },
      { name: 'FILE', kind: 'text' },
    ],
    file: false,
  },
  version: { about: 'prints the version', words: [], file: false },
} as const satisfies Record<string, RoleText>;

export type RoleName =
  | 'rendezvous'
  | 'origin'
  | 'agent'
  | 'ping'
  | 'doctor'
  | 'demo'
  | 'channel'
  | 'config'
  | 'version';

const HOUSES = ['origin', 'agent', 'ping'] as const;
const SERVING = ['rendezvous', 'origin', 'agent'] as const;
const NETWORKED = ['rendezvous', 'origin', 'agent', 'ping', 'doctor'] as const;
const KEY = 'zw4k6ck7yqtsvkwz5uzyd4gn7k5gqjcmu2wnrzzhbbt3cdv2tnwa';

export const OPTIONS = {
  enabled: {
    name: 'enabled',
    kind: 'flag',
    about: 'whether this section is meant to run; an incomplete section may stay in the file while it is off',
    roles: SERVING,
    preset: 'on',
    example: 'on',
  },
  listen: {
    name: 'listen',
    kind: 'addresses',
    about:
      'UDP addresses, ADDR:PORT or ADDR:PORT-PORT; the first is the one clients are given, the others observe: two addresses with eight ports each see most; port 0 is chosen by the system',
    roles: ['rendezvous'],
    needed: ['rendezvous'],
    preset: '',
    example: '203.0.113.10:3478-3485,203.0.113.11:3478-3485',
  },
  relay: {
    name: 'relay',
    kind: 'flag',
    about: 'carry sealed datagrams between two households that find no direct path',
    roles: ['rendezvous'],
    preset: 'on',
    example: 'on',
    live: true,
  },
  relayKbit: {
    name: 'relay_kbit',
    kind: 'whole',
    unit: 'kbit/s',
    about: 'what one client may have relayed; one and a half times the stream leaves room for repair',
    roles: ['rendezvous'],
    preset: '12000',
    least: 64,
    most: 1_000_000,
    example: '12000',
    live: true,
  },
  carries: {
    name: 'relay',
    kind: 'flag',
    about:
      'carry sealed datagrams between two other households that find no direct path, where this one can be reached from outside',
    roles: ['agent'],
    preset: 'on',
    example: 'on',
    live: true,
  },
  carriesKbit: {
    name: 'relay_kbit',
    kind: 'whole',
    unit: 'kbit/s',
    about: 'what is carried for others in all, both directions together; a pair that needs more goes elsewhere',
    roles: ['agent'],
    preset: '8000',
    least: 500,
    most: 1_000_000,
    example: '8000',
    live: true,
  },
  carriesPairs: {
    name: 'relay_pairs',
    kind: 'whole',
    about: 'between how many pairs of households at once',
    roles: ['agent'],
    preset: '4',
    least: 1,
    most: 64,
    example: '4',
    live: true,
  },
  lineTests: {
    name: 'line_tests',
    kind: 'flag',
    about:
      'take TCP connections at the first address too, from households whose doctor has asked for it, and echo what they bring; all others are closed without a byte',
    roles: ['rendezvous'],
    preset: 'on',
    example: 'on',
  },
  knowledge: {
    name: 'knowledge',
    kind: 'text',
    most: 1024,
    about: 'the file of what the fleet found out about carriers; none: knowledge.json in the state directory',
    roles: ['rendezvous'],
    preset: '',
    example: '/var/lib/hearth/knowledge.json',
  },
  operators: {
    name: 'operators',
    kind: 'text',
    most: 1024,
    about:
      'a file with lines PREFIX,LABEL that says whose networks are whose, so that knowledge of one serves the others',
    roles: ['rendezvous'],
    preset: '',
    example: '/etc/hearth/operators.csv',
  },
  rendezvous: {
    name: 'rendezvous',
    kind: 'servers',
    about: 'the servers to ask for introductions, as they print themselves: address, port and key',
    roles: [...HOUSES, 'doctor'],
    needed: HOUSES,
    preset: '',
    example: `203.0.113.10:3478#${KEY}`,
  },
  channels: {
    name: 'channel',
    kind: 'channels',
    most: 8,
    about:
      'the channels to take, as the origin prints them; of a private one ID:TOKEN, better in a file than on the command line: without its token the household passes it on and shows nothing; without any channel it only serves others',
    roles: ['agent'],
    preset: '',
    example: KEY,
  },
  channelName: {
    name: 'channel',
    kind: 'text',
    most: 64,
    about: 'what the channel is called on televisions',
    roles: ['origin'],
    needed: ['origin'],
    preset: '',
    example: 'Harbour TV',
  },
  private: {
    name: 'private',
    kind: 'flag',
    about:
      'only households with the token of the channel can watch, others pass it on unread; the token is made at the first start with this and stays in the state directory, and the channel private with it; hearth channel info shows it',
    roles: ['origin'],
    preset: 'off',
    example: 'on',
  },
  in: {
    name: 'in',
    kind: 'source',
    about:
      'where MPEG-TS comes from: - (standard input), a file, udp:// rtp:// tcp:// http:// or listen:http://ADDR:PORT/PATH',
    roles: ['origin'],
    needed: ['origin'],
    preset: '',
    example: 'udp://127.0.0.1:5000',
  },
  loop: {
    name: 'loop',
    kind: 'flag',
    about: 'play a file again and again, with corrected clocks',
    roles: ['origin'],
    preset: 'off',
    example: 'on',
  },
  lan: {
    name: 'lan',
    kind: 'place',
    about: 'where the pages and streams for the house are; only private addresses are answered; off for none',
    roles: ['agent'],
    preset: '0.0.0.0:8480',
    example: '192.168.1.1:8480',
  },
  name: {
    name: 'name',
    kind: 'text',
    most: 63,
    about: 'what the household is called on its own LAN',
    roles: ['agent'],
    preset: 'hearth',
    example: 'living room',
  },
  lanViewers: {
    name: 'lan_viewers',
    kind: 'whole',
    about: 'how many devices of the house may watch at the same time',
    roles: ['agent'],
    preset: '64',
    least: 1,
    most: 1000,
    example: '64',
  },
  cushion: {
    name: 'cushion_ms',
    kind: 'duration',
    unit: 'ms',
    about: 'how long a missing block is waited for before the LAN goes on without it',
    roles: ['agent'],
    preset: '1000',
    least: 0,
    most: 10_000,
    example: '1000',
  },
  ring: {
    name: 'ring_seconds',
    kind: 'duration',
    unit: 's',
    about: 'how much of the stream is kept for new viewers and for repair',
    roles: ['agent'],
    preset: '8',
    least: 2,
    most: 60,
    example: '8',
  },
  ringMb: {
    name: 'ring_mb',
    kind: 'whole',
    unit: 'MB',
    about: 'the memory that may cost; what is reached first counts',
    roles: ['agent'],
    preset: '8',
    least: 1,
    most: 256,
    example: '8',
  },
  children: {
    name: 'children',
    kind: 'whole',
    about: 'how many households are fed directly, at most; the line decides whether it is fewer',
    roles: ['origin', 'agent'],
    preset: '2',
    least: 0,
    most: 8,
    example: '2',
    live: true,
  },
  upload: {
    name: 'upload',
    kind: 'whole',
    unit: 'kbit/s',
    about: 'what the line out of the house carries, where that is known; 0 to find it out',
    roles: ['agent'],
    preset: '0',
    least: 0,
    most: 10_000_000,
    example: '40000',
    live: true,
  },
  uploadShare: {
    name: 'upload_share',
    kind: 'whole',
    unit: '%',
    about: 'how much of the line out may be used to feed others',
    roles: ['agent'],
    preset: '80',
    least: 1,
    most: 100,
    example: '80',
    live: true,
  },
  udpPort: {
    name: 'port',
    kind: 'whole',
    about: 'the UDP port; 0 for a random high one',
    roles: [...HOUSES, 'doctor'],
    preset: '0',
    least: 0,
    most: 65_535,
    example: '41641',
  },
  openPort: {
    name: 'open_port',
    kind: 'flag',
    about:
      'ask the gateway for an open port (PCP, NAT-PMP, UPnP) and see whether the own firewall has one: whoever can be reached by everybody needs no punching',
    roles: ['origin', 'agent'],
    preset: 'on',
    example: 'on',
  },
  pagePort: {
    name: 'port',
    kind: 'whole',
    about: 'the TCP port of the page on 127.0.0.1; 0 is chosen by the system',
    roles: ['demo'],
    preset: '8480',
    least: 0,
    most: 65_535,
    example: '8480',
  },
  punch: {
    name: 'punch',
    kind: 'choice',
    of: ['off', 'polite', 'full'],
    about: 'how hard a way through NATs is sought: not at all, with few datagrams, or with all that helps',
    roles: HOUSES,
    preset: 'full',
    example: 'full',
  },
  patience: {
    name: 'patience',
    kind: 'duration',
    unit: 's',
    about: 'how long a direct path is sought before a relay is called the result',
    roles: ['ping'],
    preset: '20',
    least: 1,
    most: 600,
    example: '20',
  },
  shyFirstByte: {
    name: 'shy_first_byte',
    kind: 'flag',
    about: 'keep the first byte of datagrams out of 0x80-0xBF, which inspection tools take for RTP',
    roles: [...SERVING, 'ping'],
    preset: 'off',
    example: 'on',
  },
  networkSecret: {
    name: 'network_secret',
    kind: 'text',
    most: 255,
    about: 'only programs with the same text find each other; better in a file than on the command line',
    roles: NETWORKED,
    preset: '',
    example: 'seven words that nobody else would choose',
    secret: true,
  },
  state: {
    name: 'state',
    kind: 'text',
    most: 1024,
    about: 'the directory of keys and of what was learned',
    roles: [...SERVING, 'ping', 'channel'],
    needed: [...SERVING, 'channel'],
    preset: '',
    example: '/etc/hearth/state',
  },
  json: {
    name: 'json',
    kind: 'flag',
    about: 'print the report for programs',
    roles: ['doctor'],
    preset: 'off',
    example: 'on',
  },
  addresses: {
    name: 'addresses',
    kind: 'flag',
    about: 'show IP addresses whole; without it their second half is left out, so that a report can be shown to others',
    roles: ['doctor'],
    preset: 'off',
    example: 'on',
  },
  log: {
    name: 'log',
    kind: 'choice',
    of: ['text', 'json'],
    about: 'the form of the log on standard error',
    roles: [...NETWORKED, 'demo', 'channel'],
    preset: 'text',
    example: 'json',
  },
  logLevel: {
    name: 'log_level',
    kind: 'choice',
    of: ['error', 'warn', 'info', 'debug'],
    about: 'the least important events that are logged',
    roles: [...NETWORKED, 'demo', 'channel'],
    preset: 'info',
    example: 'debug',
  },
} as const satisfies Record<string, Option>;

type Table = typeof OPTIONS;
type Field = keyof Table;

/** What the text of one option becomes. */
type ValueOf<O extends Option> = O extends { kind: 'text' | 'source' }
  ? string
  : O extends { kind: 'whole' }
    ? number
    : O extends { kind: 'duration' }
      ? Millis
      : O extends { kind: 'flag' }
        ? boolean
        : O extends { kind: 'choice' }
          ? O['of'][number]
          : O extends { kind: 'place' }
            ? Address | 'off'
            : O extends { kind: 'addresses' }
              ? readonly Address[]
              : O extends { kind: 'servers' }
                ? readonly Server[]
                : readonly ChannelTaken[];

/** Every option by its field name, those of other roles at their presets, and the words after the role. */
export type Config = { readonly [F in Field]: ValueOf<Table[F]> } & { readonly words: readonly string[] };

/** The options of one role in the table's order, each with its field of Config. */
export function optionsOf(role: RoleName): readonly (readonly [Field, Option])[] {
  return (Object.entries(OPTIONS) as [Field, Option][]).filter(([, option]) => option.roles.includes(role));
}
