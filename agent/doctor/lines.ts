import type { Bait } from '../base/bait.ts';
import type { LineReport } from '../wire/messages.ts';
import type { Facts, LineTried } from './facts.ts';

/** What became of one connection, by the testimony of both ends. */
export type Fate =
  | 'well'
  /** We were reset, and the other end says that it did no such thing: somebody between did. */
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

/** The far end echoes and closes in order; a reset is never its own. */
function fateOf({ bait, end }: LineTried, report: LineReport | undefined): Fate {
  switch (end) {
    case 'echoed':
      return 'well';
    case 'altered':
      return 'altered';
    case 'silence':
      return 'swallowed';
    case 'reset':
    case 'closed': {
      const seen =
        report?.lines.find(({ content }) => content === bait) ??
        report?.lines.find(({ content }) => content === 'nothing');
      if (seen === undefined) return end === 'reset' ? 'perhaps-cut' : 'untried';
      return seen.end === 'closed' && end === 'closed' ? 'untried' : 'cut';
    }
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
