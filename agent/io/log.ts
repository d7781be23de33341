/** What an event is about: names with their unit in them (`rtt_ms`). Undefined ones are left out. */
export type Facts = Readonly<Record<string, string | number | boolean | undefined>>;

export type Level = 'error' | 'warn' | 'info' | 'debug';

/** From the rarest to the most frequent. error: we cannot go on; warn: worth waking someone; debug: addresses of others. */
export const LEVELS: readonly Level[] = ['error', 'warn', 'info', 'debug'];

/** One call, one event, one line. `event` is a short sentence that stays the same; what varies goes into `facts`. */
export type Log = { readonly [L in Level]: (event: string, facts?: Facts) => void };

export interface LogOptions {
  /** `text` for people, `json` for programs. */
  readonly format: 'text' | 'json';
  /** Events below this are dropped. */
  readonly level: Level;
}

/** Writes to `write` (standard error by default), each line with the wall clock's time, which routers may not know. */
export function openLog(
  options: LogOptions,
  write: (line: string) => void = toStandardError,
  clock: () => Date = () => new Date(),
): Log {
  const line = options.format === 'json' ? jsonLine : textLine;
  const at = (level: Level) => {
    if (LEVELS.indexOf(level) > LEVELS.indexOf(options.level)) return () => {};
    return (event: string, facts: Facts = {}) => write(`${line(clock().toISOString(), level, event, facts)}\n`);
  };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

function toStandardError(line: string): void {
  process.stderr.write(line);
}

function jsonLine(time: string, level: Level, event: string, facts: Facts): string {
  return JSON.stringify({ time, level, event, ...facts });
}

function textLine(time: string, level: Level, event: string, facts: Facts): string {
  const words = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${quoted(String(value))}`);
  return `${time} ${level.padEnd(5)} ${oneLine(event)}${words.join('')}`;
}

/** Quoted unless it is one plain word, so that a stranger's text can neither add facts nor lines. */
function quoted(value: string): string {
  return /^[\w.:/#[\]+@%,~-]+$/.test(value) ? value : JSON.stringify(value);
}

function oneLine(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what must not pass
  return text.replaceAll(/[\u0000-\u001f\u007f\u2028\u2029]/g, ' ');
}
