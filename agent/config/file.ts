import { isObject } from '../base/json.ts';
import { type Entry, parseUci, type Problem, type Section, type Sections } from './uci.ts';

/** Reads a configuration file by what is in it: JSON when it begins with a brace, else UCI. Never throws. */
export function parseFile(text: string): Sections {
  return text.trimStart().startsWith('{') ? parseJson(text) : parseUci(text);
}

/** `{"agent": {"rendezvous": ["..."], "lan": "off"}}`: one object per section, values as in UCI. */
function parseJson(text: string): Sections {
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch (error) {
    return {
      sections: [],
      problems: [{ line: 0, text: `not JSON: ${error instanceof Error ? unquoted(error.message) : 'unreadable'}` }],
    };
  }
  const sections: Section[] = [];
  const problems: Problem[] = [];
  for (const [type, value] of Object.entries(isObject(whole) ? whole : {})) {
    if (!isObject(value)) {
      problems.push({ line: 0, text: `${type} is not an object; write for example {"${type}": {"log": "json"}}` });
      continue;
    }
    const options: Entry[] = [];
    for (const [name, given] of Object.entries(value)) {
      const values = (Array.isArray(given) ? given : [given]).map(wordOf);
      if (values.every((one) => one !== undefined)) options.push({ name, values, line: 0 });
      else problems.push({ line: 0, text: `${type}.${name} is not text, a number, true, false or a list of those` });
    }
    sections.push({ type, name: type, line: 0, options });
  }
  return { sections, problems };
}

/** V8 quotes the text around some faults: it may be a token. */
function unquoted(message: string): string {
  return message.replace(/, (\.\.\.)?".*is not valid JSON$/s, '');
}

function wordOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
