import { isObject } from '../../base/json.ts';
import type { Dossier } from './dossier.ts';
import { isFeature } from './features.ts';
import { isKey, type Step, STEPS } from './ladder.ts';
import { isRowName } from './trials.ts';
import { HOURS, MOST_LOG } from './weekly.ts';

/** The file of a rendezvous' knowledge, as JSON. Only prefixes, labels and counts; single addresses never. */
export interface Saved {
  readonly format: 'hearth-knowledge';
  readonly version: 1;
  readonly keys: readonly Page[];
}

/** One key. Counts have three decimals: they are observations that fade. */
interface Page {
  readonly step: Step;
  readonly key: string;
  /** Weight by `facet value`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Hour of the week, weight, sum of logarithms. */
  readonly drift?: readonly (readonly [number, number, number])[];
  /** Won, lost, seconds by `pair class method`. */
  readonly trials?: Readonly<Record<string, readonly [number, number, number]>>;
}

/** No fleet has counted further; what a file claims beyond is damage. */
const MOST_WEIGHT = 1e9;
/** Of one key: all facets with all their values, and some more. */
const MOST_COUNTS = 300;

export function save(shelves: Readonly<Record<Exclude<Step, 'address'>, readonly [string, Dossier][]>>): Saved {
  const keys = STEPS.flatMap((step) =>
    step === 'address' ? [] : shelves[step].map(([key, dossier]) => pack(step, key, dossier)),
  );
  return { format: 'hearth-knowledge', version: 1, keys: keys.filter(isWorthIt) };
}

function pack(step: Step, key: string, { cells, drift, trials }: Dossier): Page {
  const counts = [...cells.all()].map(([name, weight]) => [name, round(weight)] as const).filter(([, n]) => n > 0);
  const hours = [...(drift?.all() ?? [])].map(([hour, { weight, sum }]) => [hour, round(weight), round(sum)] as const);
  const rows = [...(trials?.all() ?? [])].map(
    ([name, { won, lost, seconds }]) => [name, [round(won), round(lost), round(seconds)] as const] as const,
  );
  const measured = hours.filter(([, weight]) => weight > 0);
  const tried = rows.filter(([, [won, lost]]) => won + lost > 0);
  return {
    step,
    key,
    counts: Object.fromEntries(counts),
    ...(measured.length > 0 && { drift: measured }),
    ...(tried.length > 0 && { trials: Object.fromEntries(tried) }),
  };
}

function isWorthIt({ counts, trials }: Page): boolean {
  return Object.keys(counts).length > 0 || trials !== undefined;
}

/** What a file says, or what is wrong with it; then nothing of it is taken. */
export function readSaved(value: unknown): Saved | string {
  if (!isObject(value) || value['format'] !== 'hearth-knowledge') return 'not a file of knowledge';
  if (value['version'] !== 1) return 'written by a newer hearth';
  const { keys } = value;
  if (!Array.isArray(keys)) return 'keys are missing';
  const bad = keys.findIndex((page) => !isPage(page));
  return bad < 0
    ? { format: 'hearth-knowledge', version: 1, keys: keys as Page[] }
    : `key number ${bad + 1} is damaged`;
}

/** Adds a page to a dossier. Nothing that was there gets less. */
export function unpack({ counts, drift = [], trials = {} }: Page, dossier: Dossier): void {
  for (const [name, weight] of Object.entries(counts)) {
    const [facet = '', value = ''] = name.split(' ');
    dossier.cells.add(facet, value, weight);
    if (facet === 'kind') dossier.inherit(weight, 0);
  }
  for (const [hour, weight, sum] of drift) dossier.toDrift().add(hour, { weight, sum });
  for (const [name, [won, lost, seconds]] of Object.entries(trials)) {
    dossier.toTrials().add(name, { won, lost, seconds });
    dossier.inherit(0, won + lost);
  }
}

function isPage(value: unknown): value is Page {
  if (!isObject(value)) return false;
  const { step, key, counts, drift = [], trials = {} } = value;
  return (
    STEPS.some((name) => name === step && typeof key === 'string' && isKey(name, key)) &&
    isObject(counts) &&
    Object.keys(counts).length <= MOST_COUNTS &&
    Object.entries(counts).every(([name, weight]) => isCellName(name) && isWeight(weight)) &&
    Array.isArray(drift) &&
    drift.length <= HOURS &&
    drift.every(isHour) &&
    isObject(trials) &&
    Object.keys(trials).length <= MOST_COUNTS &&
    Object.entries(trials).every(([name, row]) => isRowName(name) && isThree(row))
  );
}

function isCellName(name: string): boolean {
  const [facet = '', value = '', ...rest] = name.split(' ');
  return rest.length === 0 && isFeature(facet, value);
}

function isHour(value: unknown): boolean {
  if (!isThree(value)) return false;
  const [hour, weight, sum] = value;
  return Number.isInteger(hour) && hour < HOURS && sum <= weight * MOST_LOG + 0.001;
}

function isThree(value: unknown): value is readonly [number, number, number] {
  return Array.isArray(value) && value.length === 3 && value.every(isWeight);
}

function isWeight(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MOST_WEIGHT;
}

function round(weight: number): number {
  return Math.round(weight * 1000) / 1000;
}
