import { isObject } from '../../base/json.ts';
import type { UploadKnown } from './upload.ts';

/** What a household remembers of its line out, as it stands in `upload.json`. */
export interface SavedUpload {
  readonly version: 1;
  /** By this machine's calendar, in seconds since 1970. */
  readonly seen_s: number;
  readonly carried_kbits: number;
  /** It was full at so much; null where it never was. */
  readonly full_kbits: number | null;
}

/** Older memories are of another line. */
const MOST_AGE_S = 30 * 86_400;
/** That it was full is remembered for a day: the line is the same, what else was on it is not. */
const FULL_AGE_S = 86_400;
const HALVES_IN_S = 86_400;
const KBITS_MOST = 1e8;
const BITS = 8;

export function savedUpload({ carried, full }: UploadKnown, nowS: number): SavedUpload {
  const kbits = (rate: number): number => Math.round(rate * BITS);
  return {
    version: 1,
    seen_s: nowS,
    carried_kbits: kbits(carried),
    full_kbits: full === undefined ? null : kbits(full),
  };
}

/**
 * Reads what a file says. `undefined`: it is damaged. `known` is undefined where it is too old; what was carried fades with age. A clock
 * that stands in 1970, as routers' do, makes nothing old.
 */
export function readUpload(value: unknown, nowS: number): { readonly known: UploadKnown | undefined } | undefined {
  if (!isObject(value) || value['version'] !== 1) return undefined;
  const { seen_s: seen, carried_kbits: carried, full_kbits: full } = value;
  if (!isNumber(seen, 1e11) || !isNumber(carried, KBITS_MOST)) return undefined;
  if (full !== null && !isNumber(full, KBITS_MOST)) return undefined;
  const age = Math.max(0, nowS - seen);
  if (age > MOST_AGE_S) return { known: undefined };
  return {
    known: {
      carried: (carried / BITS) * 0.5 ** (age / HALVES_IN_S),
      full: full === null || age > FULL_AGE_S ? undefined : full / BITS,
    },
  };
}

function isNumber(value: unknown, most: number): value is number {
  return typeof value === 'number' && value >= 0 && value <= most;
}
