/** What standard output can show. */
export interface Terminal {
  readonly columns: number;
  readonly colour: boolean;
  /** More than ASCII. */
  readonly unicode: boolean;
}

/** Columns where standard output is no terminal, and of the oldest ones. */
const COLUMNS = 80;

/** Of this process; NO_COLOR and TERM=dumb are obeyed (no-color.org). */
export function terminal({ env, stdout } = process): Terminal {
  // Undefined where it is a file or a pipe, whatever the types say.
  const isTty = (stdout.isTTY as boolean | undefined) === true;
  const locale = env['LC_ALL'] ?? env['LC_CTYPE'] ?? env['LANG'] ?? '';
  return {
    columns: isTty ? Math.max(60, Math.min(stdout.columns || COLUMNS, 100)) : COLUMNS,
    // Present and not empty, whatever it says.
    colour: isTty && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    unicode: /utf-?8/i.test(locale),
  };
}
