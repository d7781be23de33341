import { ipBytes } from '../../base/address.ts';

/** What an operator of a rendezvous may hand in: whose network a prefix is. Without it nothing. */
export class Operators {
  /** By length, then by the prefix as a number. */
  readonly #byLength = new Map<number, Map<number, string>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The later line wins where two say the same prefix. */
  add(prefix: number, bits: number, label: string): void {
    const same = this.#byLength.get(bits) ?? new Map<number, string>();
    this.#byLength.set(bits, same);
    if (!same.has(prefix)) this.#size++;
    same.set(prefix, label);
  }

  /** The label of the longest prefix that an IPv4 address is in. */
  label(ip: string): string | undefined {
    const address = four(ip);
    if (address === undefined) return undefined;
    let best: string | undefined;
    let longest = -1;
    for (const [bits, prefixes] of this.#byLength) {
      const label = bits > longest ? prefixes.get(masked(address, bits)) : undefined;
      if (label !== undefined) [best, longest] = [label, bits];
    }
    return best;
  }
}

/** Longer labels are cut nowhere: they are refused. */
export const MOST_LABEL = 64;
/** More faults than this are a wrong file. */
const MOST_FAULTS = 5;

/** Reads lines of `PREFIX,LABEL`, as in `203.0.113.0/24,Example Mobile`; `#` begins a comment. Or says what is wrong. */
export function readOperators(text: string): Operators | { readonly faults: readonly string[] } {
  const operators = new Operators();
  const faults: string[] = [];
  // One string for all prefixes of a label: big tables have many times more prefixes than labels.
  const labels = new Map<string, string>();
  for (const [i, whole] of text.split(/\r?\n/).entries()) {
    const line = whole.replace(/#.*/, '').trim();
    if (line === '') continue;
    const read = readLine(line);
    if (typeof read === 'string') faults.push(`line ${i + 1}: ${read}`);
    else {
      const label = labels.get(read.label) ?? read.label;
      labels.set(label, label);
      operators.add(read.prefix, read.bits, label);
    }
    if (faults.length === MOST_FAULTS) break;
  }
  return faults.length === 0 ? operators : { faults };
}

function readLine(line: string): { prefix: number; bits: number; label: string } | string {
  const match = /^([0-9.]+)\/(\d{1,2})\s*,\s*(.+)$/.exec(line);
  const address = four(match?.[1] ?? '');
  const bits = Number(match?.[2]);
  if (match === null || address === undefined || bits > 32)
    return 'not PREFIX,LABEL as in 203.0.113.0/24,Example Mobile';
  const label = (match[3] ?? '').replace(/^"(.*)"$/, '$1');
  if (!isLabel(label)) return `the label has control characters in it, or more than ${MOST_LABEL} characters`;
  return { prefix: masked(address, bits), bits, label };
}

export function isLabel(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what must not pass
  return text !== '' && text.length <= MOST_LABEL && !/[\u0000-\u001f\u007f]/.test(text);
}

function four(ip: string): number | undefined {
  const bytes = ipBytes(ip);
  return bytes?.length === 4 ? bytes.reduce((sum, byte) => sum * 256 + byte, 0) : undefined;
}

function masked(address: number, bits: number): number {
  return address - (address % 2 ** (32 - bits));
}
