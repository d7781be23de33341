import { type Address, parseAddress } from '../base/address.ts';
import { fromBase32 } from '../base/text32.ts';
import { ms, seconds } from '../base/time.ts';
import type { ChannelTaken, Option, Server } from './schema.ts';

/** What an option was given as comes to `value`, or to `fault`: what it should have been, as "not ..." or "is ...". */
export type Reading = { readonly value: unknown } | { readonly fault: string };

/** Words for yes and no, as OpenWrt's own scripts take them. */
const YES = ['on', '1', 'true', 'yes', 'enabled'];
const NO = ['off', '0', 'false', 'no', 'disabled', ''];
export const FLAG_WORDS: readonly string[] = [...YES, ...NO.filter((word) => word !== '')];

/** Schemes of io/source that an origin can take its stream from. */
const SOURCES = ['udp', 'rtp', 'tcp', 'http', 'listen:http'];

/** Reads an option given once or several times; lists take several, or commas. */
export function readValue(option: Option, given: readonly string[]): Reading {
  switch (option.kind) {
    case 'addresses':
      return each(given, readAddresses, 'not ADDR:PORT or ADDR:PORT-PORT');
    case 'servers':
      return each(
        given,
        (text) => listOf(readServer(text)),
        'not ADDR:PORT#KEY with an IP address and a key of 52 letters and digits',
      );
    case 'channels':
      return readChannels(given, option.most);
    case 'text':
    case 'source':
    case 'whole':
    case 'duration':
    case 'choice':
    case 'flag':
    case 'place':
      if (given.length > 1) return { fault: `is given ${given.length} times; keep one` };
      return readOne(option, given[0] ?? '');
  }
}

type Single = Exclude<Option, { kind: 'addresses' | 'servers' | 'channels' }>;

function readOne(option: Single, text: string): Reading {
  switch (option.kind) {
    case 'text':
      return readText(text, option.most);
    case 'source':
      return readSource(text);
    case 'whole':
      return readNumber(text, /^\d{1,15}$/, option.least, option.most, `not a whole number${unit(option.unit)}`);
    case 'duration': {
      const number = readNumber(
        text,
        /^\d{1,9}(\.\d{1,6})?$/,
        option.least,
        option.most,
        `not a number${unit(option.unit)}`,
      );
      if ('fault' in number) return number;
      return { value: option.unit === 's' ? seconds(number.value) : ms(number.value) };
    }
    case 'choice':
      return option.of.includes(text) ? { value: text } : { fault: `not ${list(option.of)}` };
    case 'flag':
      if (YES.includes(text.toLowerCase())) return { value: true };
      return NO.includes(text.toLowerCase()) ? { value: false } : { fault: 'not on or off' };
    case 'place':
      return text === 'off' ? { value: 'off' } : orFault(parseAddress(text), 'not ADDR:PORT or off');
  }
}

function readText(text: string, most: number): Reading {
  if (text.length > most) return { fault: `is longer than ${most} characters` };
  // eslint-disable-next-line no-control-regex -- control characters are what must not pass
  return /[\u0000-\u001f\u007f]/.test(text) ? { fault: 'has control characters in it' } : { value: text };
}

function readSource(text: string): Reading {
  const scheme = /^([a-z:]+):\/\//.exec(text)?.[1];
  if (scheme !== undefined && !SOURCES.includes(scheme)) {
    return { fault: `not one of ${SOURCES.map((name) => `${name}://`).join(' ')}, a file or -` };
  }
  return readText(text, 1024);
}

function readNumber(
  text: string,
  form: RegExp,
  least: number,
  most: number,
  fault: string,
): { readonly value: number } | { readonly fault: string } {
  const value = Number(text);
  return form.test(text) && value >= least && value <= most
    ? { value }
    : { fault: `${fault} from ${least} to ${most}` };
}

/** One address, or one for each port of a range. */
function readAddresses(text: string): readonly Address[] | undefined {
  const [, place = '', from = '', to = ''] = /^(.*):(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  if (from === '') return listOf(parseAddress(text));
  const ports = Number(to) - Number(from) + 1;
  if (from === '0' || ports < 1 || ports > MOST_PORTS) return undefined;
  const all = Array.from({ length: ports }, (_, i) => parseAddress(`${place}:${Number(from) + i}`));
  return all.includes(undefined) ? undefined : all.filter((one) => one !== undefined);
}

/** Of one range; a rendezvous names at most 24 observers. */
const MOST_PORTS = 24;

function listOf<T>(value: T | undefined): readonly T[] | undefined {
  return value === undefined ? undefined : [value];
}

/** A rendezvous as it prints itself: ADDR:PORT#KEY. */
function readServer(text: string): Server | undefined {
  const [place = '', keyText = '', ...rest] = text.split('#');
  const address = parseAddress(place);
  const key = readId(keyText);
  return address === undefined || address.port === 0 || key === undefined || rest.length > 0
    ? undefined
    : { address, key };
}

/** ID or ID:TOKEN, each channel once. Faults name no token. */
function readChannels(given: readonly string[], most: number): Reading {
  const read = each(
    given,
    (text) => listOf(readChannel(text)),
    'not a channel identity of 52 letters and digits, nor ID:TOKEN with a token of 52 more',
    withoutTokens,
  );
  if ('fault' in read) return read;
  const ids = read.value.map(({ id }) => String(id));
  if (new Set(ids).size < ids.length) return { fault: 'names a channel twice; keep one of them' };
  return ids.length > most ? { fault: `is ${ids.length} channels; a household takes ${most} at most` } : read;
}

function readChannel(text: string): ChannelTaken | undefined {
  const [idText = '', tokenText, ...rest] = text.split(':');
  const id = readId(idText);
  const token = tokenText === undefined ? undefined : readId(tokenText);
  const isSound = rest.length === 0 && (token === undefined) === (tokenText === undefined);
  return id === undefined || !isSound ? undefined : { id, token };
}

/** What was given for channels, fit to be shown: what stands behind an identity is not, however it is written. */
export function withoutTokens(text: string): string {
  return text
    .split(',')
    .map((part) => {
      const id = /^\s*[^:\s]{0,52}/.exec(part)?.[0] ?? '';
      return id === part ? part : `${id}:(hidden)`;
    })
    .join(',');
}

/** 32 bytes of base32: a node, a channel, a key. */
export function readId(text: string): Uint8Array | undefined {
  const bytes = fromBase32(text);
  return bytes?.length === 32 ? bytes : undefined;
}

function each<T>(
  given: readonly string[],
  read: (text: string) => readonly T[] | undefined,
  fault: string,
  shown: (text: string) => string = (text) => text,
): { readonly value: readonly T[] } | { readonly fault: string } {
  const parts = given.flatMap((text) => text.split(',')).map((text) => text.trim());
  const value: T[] = [];
  for (const part of parts.filter((text) => text !== '')) {
    const one = read(part);
    if (one === undefined) return { fault: parts.length > 1 ? `${fault}: ${shown(part)}` : fault };
    value.push(...one);
  }
  return { value };
}

function orFault(value: unknown, fault: string): Reading {
  return value === undefined ? { fault } : { value };
}

const unit = (name: string | undefined): string => (name === undefined ? '' : ` of ${name}`);

/** "a, b or c". */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
