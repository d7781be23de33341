import type { Bait } from '../base/bait.ts';
import type { LineReport } from '../wire/messages.ts';
import type { Facts, LineTried } from './facts.ts';

/** What became of one connection, by the testimony of both ends. */
export type Fate =
  | 'well'
  /** One end was reset, and the other says that it did no such thing: somebody between did. */
  | 'cut'
  /** We were reset; the other end could not be asked. */
  | 'perhaps-cut'
  /** What was sent, or its echo, did not arrive. */
  | 'swallowed'
  | 'altered'
  | 'untried';

export type Fates = Readonly<Partial<Record<Bait, Fate>>>;

/** What became of the connections that were tried; undefined where none were. */
export function fatesOf({ lines, sight }: Pick<Facts, 'lines' | 'sight'>): Fates | undefined {
  if (lines === undefined || lines.length === 0) return undefined;
  return Object.fromEntries(lines.map((line) => [line.bait, fateOf(line, sight.lineReport)]));
}

/** Kinds of connections that met that fate. */
export function kindsOf(fates: Fates, ...wanted: readonly Fate[]): readonly string[] {
  return Object.entries(fates)
    .filter(([, fate]) => wanted.includes(fate))
    .map(([bait]) => SPOKEN[bait as Bait]);
}

/** Both ends close in order: a reset that either of them saw is somebody else's. */
function fateOf({ bait, end }: LineTried, report: LineReport | undefined): Fate {
  const lines = report?.lines ?? [];
  const seen = lines.find(({ content }) => content === bait) ?? lines.find(({ content }) => content === 'nothing');
  switch (end) {
    case 'echoed':
      return 'well';
    case 'altered':
      return 'altered';
    case 'silence':
      return seen?.content === bait && seen.end === 'reset' ? 'cut' : 'swallowed';
    case 'reset':
      return seen === undefined ? 'perhaps-cut' : 'cut';
    case 'closed':
      // The other end may have had enough of us; where it waited on, somebody else hung up in its name.
      return seen === undefined || seen.end === 'closed' ? 'untried' : 'cut';
    case 'refused':
      return 'untried';
  }
}

const SPOKEN: Readonly<Record<Bait, string>> = {
  bittorrent: 'BitTorrent-like',
  tls: 'TLS-like',
  random: 'random',
  http: 'plain HTTP',
};
