/**
 * OpenWrt's configuration text (UCI): `config TYPE 'NAME'`, then `option` and `list` lines. Read after libuci's file.c
 * (quotes in two kinds, backslash, `;` and `#`), written like `uci export`.
 */

/** One section; options in their order, a `list` with all its values, an `option` with one. */
export interface Section {
  readonly type: string;
  readonly name: string;
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly options: readonly Entry[];
}

export interface Entry {
  readonly name: string;
  readonly values: readonly string[];
  readonly line: number;
}

export interface Sections {
  readonly sections: readonly Section[];
  readonly problems: readonly Problem[];
}

/** What is wrong and how to mend it. Line 0 where there is none to name. */
export interface Problem {
  readonly line: number;
  readonly text: string;
}

interface Statement {
  readonly line: number;
  readonly words: readonly string[];
}

/** Reads a whole file; what cannot be read is named, the rest stands. Never throws. */
export function parseUci(text: string): Sections {
  const { statements, problems } = statementsOf(text);
  const sections: { type: string; name: string; line: number; options: Map<string, Gathered> }[] = [];
  for (const { line, words } of statements) {
    const [verb, name = '', value = ''] = words;
    const section = sections.at(-1);
    if (verb === 'package' && words.length === 2) continue;
    if (verb === 'config' && (words.length === 2 || words.length === 3) && /^[\w-]+$/.test(name)) {
      sections.push({ type: name, name: value, line, options: new Map() });
    } else if ((verb !== 'option' && verb !== 'list') || words.length !== 3 || !/^\w+$/.test(name)) {
      problems.push({
        line,
        text: "not a line of UCI; write: config TYPE 'NAME', option NAME 'VALUE' or list NAME 'VALUE'",
      });
    } else if (section === undefined) {
      problems.push({ line, text: `${verb} before any section; begin with a line: config agent 'agent'` });
    } else {
      gather(section.options, name, value, line, verb === 'list');
    }
  }
  return {
    sections: sections.map(({ options, ...section }) => ({
      ...section,
      options: [...options].map(([name, { values, line }]) => ({ name, values, line })),
    })),
    problems,
  };
}

interface Gathered {
  values: string[];
  line: number;
}

/** A later `option` replaces an earlier one, as in libuci; a `list` adds. */
function gather(options: Map<string, Gathered>, name: string, value: string, line: number, adds: boolean): void {
  const known = options.get(name);
  if (known !== undefined && adds) known.values.push(value);
  else options.set(name, { values: [value], line });
}

/** Cuts text into statements of words. A statement ends with its line or a `;` outside quotes. */
function statementsOf(text: string): { statements: Statement[]; problems: Problem[] } {
  const statements: Statement[] = [];
  const problems: Problem[] = [];
  let line = 1;
  let words: string[] = [];
  let begun = 1;
  let at = 0;
  const end = (): void => {
    if (words.length > 0) statements.push({ line: begun, words });
    words = [];
  };
  while (at < text.length) {
    const character = text[at] ?? '';
    if (character === '\n' || character === ';') {
      end();
      if (character === '\n') line += 1;
      at += 1;
    } else if (character === '#') {
      while (at < text.length && text[at] !== '\n') at += 1;
    } else if (/\s/.test(character)) {
      at += 1;
    } else {
      if (words.length === 0) begun = line;
      const word = wordAt(text, at);
      words.push(word.value);
      if (!word.closed)
        problems.push({ line, text: 'a quotation mark is never closed; add it at the end of the value' });
      line += newlines(text, at, word.end);
      at = word.end;
    }
  }
  end();
  return { statements, problems };
}

/** One word from `start`: pieces plain, in '…' or in "…" one after the other. */
function wordAt(text: string, start: number): { value: string; end: number; closed: boolean } {
  let value = '';
  let quote = '';
  let at = start;
  for (; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote === '' && /[\s;]/.test(character)) break;
    if (character === quote) quote = '';
    else if (quote === '' && (character === "'" || character === '"')) quote = character;
    else if (character === '\\' && quote !== "'") value += text[++at] ?? '';
    else value += character;
  }
  return { value, end: Math.min(at, text.length), closed: quote === '' };
}

function newlines(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; at++) if (text[at] === '\n') count += 1;
  return count;
}

/** One value in quotes, the way `uci export` writes it. */
export function quoteUci(value: string): string {
  return `'${value.replaceAll("'", String.raw`'\''`)}'`;
}

/** A whole file of sections; entries with several values become `list` lines. */
export function formatUci(sections: readonly Pick<Section, 'type' | 'name' | 'options'>[]): string {
  return sections
    .map(({ type, name, options }) =>
      [
        name === '' ? `config ${type}` : `config ${type} ${quoteUci(name)}`,
        ...options.flatMap((entry) =>
          entry.values.map(
            (value) => `\t${entry.values.length > 1 ? 'list' : 'option'} ${entry.name} ${quoteUci(value)}`,
          ),
        ),
        '',
      ].join('\n'),
    )
    .join('\n');
}
