/**
 * As much of XML as gateways speak: elements and their text. Attributes are passed over, comments and instructions skipped.
 * There is no document type and there are no entities of one's own, so nothing in a document can make it grow.
 */
export interface Element {
  /** Without its prefix, in lower case: devices do not agree on either. */
  readonly name: string;
  /** Its own text without that of its children, trimmed. */
  readonly text: string;
  readonly children: readonly Element[];
}

export type XmlRefusal = 'too-long' | 'too-deep' | 'too-many' | 'doctype' | 'malformed';

/** Bytes or characters of a whole answer. The longest description seen in the field has about 12 kB. */
export const LONGEST_DOCUMENT = 64 * 1024;
/** A description with devices in devices goes 9 deep, a fault 6. */
const DEEPEST = 16;
const MOST_ELEMENTS = 2048;

/** Reads the root element; what stands before and after it is no matter. One pass, no recursion. */
export function readXml(document: string): Element | XmlRefusal {
  if (document.length > LONGEST_DOCUMENT) return 'too-long';
  const open: Open[] = [];
  let count = 0;
  let position = 0;
  for (;;) {
    const start = document.indexOf('<', position);
    if (start < 0) return 'malformed';
    open.at(-1)?.texts.push(unescaped(document.slice(position, start)));
    const marked = markup(document, start);
    if (typeof marked === 'string') return marked;
    position = marked.end;
    if (marked.text !== undefined) open.at(-1)?.texts.push(marked.text);
    const { tag } = marked;
    if (tag === undefined) continue;
    if (!tag.closes) {
      if (++count > MOST_ELEMENTS) return 'too-many';
      if (open.length >= DEEPEST) return 'too-deep';
      open.push({ name: tag.name, texts: [], children: [] });
      if (!tag.empty) continue;
    }
    const top = open.pop();
    if (top === undefined || top.name !== tag.name) return 'malformed';
    const element = { name: top.name, text: top.texts.join('').trim(), children: top.children };
    const parent = open.at(-1);
    if (parent === undefined) return element;
    parent.children.push(element);
  }
}

/** The first child of that name, in lower case. */
export function child(element: Element | undefined, name: string): Element | undefined {
  return element?.children.find((one) => one.name === name);
}

export function textOfChild(element: Element | undefined, name: string): string | undefined {
  return child(element, name)?.text;
}

/** Text that can stand between two tags. */
export function escaped(text: string): string {
  return text.replaceAll(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

interface Open {
  readonly name: string;
  readonly texts: string[];
  readonly children: Element[];
}

interface Tag {
  readonly name: string;
  readonly closes: boolean;
  readonly empty: boolean;
}

interface Markup {
  readonly end: number;
  readonly tag?: Tag;
  readonly text?: string;
}

/** What begins at `start`: a tag, or something that is passed over. */
function markup(document: string, start: number): Markup | XmlRefusal {
  if (document.startsWith('<!--', start)) return skipped(document, start, '-->');
  if (document.startsWith('<?', start)) return skipped(document, start, '?>');
  if (document.startsWith('<![CDATA[', start)) {
    const plain = skipped(document, start, ']]>');
    return typeof plain === 'string' ? plain : { ...plain, text: document.slice(start + 9, plain.end - 3) };
  }
  if (document.startsWith('<!', start)) return 'doctype';
  const end = endOfTag(document, start + 1);
  if (end < 0) return 'malformed';
  const inner = document.slice(start + 1, end - 1);
  const closes = inner.startsWith('/');
  const name = /^[^\s/]+/.exec(closes ? inner.slice(1) : inner)?.[0];
  if (name === undefined) return 'malformed';
  const local = name.slice(name.lastIndexOf(':') + 1).toLowerCase();
  return { end, tag: { name: local, closes, empty: !closes && inner.endsWith('/') } };
}

function skipped(document: string, start: number, mark: string): Markup | XmlRefusal {
  const end = document.indexOf(mark, start + 2);
  return end < 0 ? 'malformed' : { end: end + mark.length };
}

/** Behind the `>` that ends a tag, which is not one inside quotes. -1 when there is none. */
function endOfTag(document: string, start: number): number {
  let quote: string | undefined;
  for (let i = start; i < document.length; i++) {
    const character = document[i];
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return i + 1;
    else if (character === '<') return -1;
  }
  return -1;
}

const NAMED: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);

/** The five named ones and numbers; an `&` of any other kind stays, because careless devices write it plainly. */
function unescaped(text: string): string {
  if (!text.includes('&')) return text;
  return text.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,4}));/gi, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return NAMED.get(name) ?? whole;
    const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd';
  });
}
