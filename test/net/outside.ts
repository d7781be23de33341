import { afterAll, beforeAll } from 'vitest';
import type { Address } from '../../agent/base/address.ts';
import type { Told } from '../portmap/tenant-main.ts';
import { startObserver } from './gateways.ts';
import { Lab } from './lab.ts';
import { ip } from './netns.ts';

/** A laboratory for all tests of a file, with somebody outside who sees where others come from and tries to come in. */
export interface Outside {
  readonly lab: Lab;
  readonly observer: Address;
  /** Printed at the end. */
  readonly outcomes: Outcomes;
}

/** To be called where tests are described; `ipv6`: the observer is there. What it gives may be used from the first test on. */
export function outside({ ipv6 = false } = {}): Outside {
  let [lab, observer]: [Lab | undefined, Address | undefined] = [undefined, undefined];
  const outcomes = new Outcomes();
  beforeAll(async () => {
    lab = await Lab.create();
    const server = await lab.internet({ addresses: 2, ipv6 });
    const { netns, six = '' } = server;
    if (ipv6) ip(netns, [`addr add ${six}234/128 dev wan nodad`]);
    observer = await startObserver(lab, ipv6 ? { netns, addresses: [six, `${six}234`] } : server);
  });
  afterAll(async () => {
    outcomes.print();
    await lab?.close();
  });
  return {
    get lab() {
      return made(lab);
    },
    get observer() {
      return made(observer);
    },
    outcomes,
  };
}

function made<Thing>(thing: Thing | undefined): Thing {
  if (thing === undefined) throw new Error('used before the first test');
  return thing;
}

/** What was tried and how it came out, printed at the end of a file. */
export class Outcomes {
  readonly #rows: (readonly [string, string])[] = [];

  add(what: string, outcome: string): void {
    this.#rows.push([what, outcome]);
  }

  print(): void {
    const width = Math.max(...this.#rows.map(([what]) => what.length), 0);
    console.log(this.#rows.map(([what, outcome]) => `${what.padEnd(width)}  ${outcome}`).join('\n'));
  }
}

/** A mapping in a few words. */
export function inWords({ mapping, verifiedAfter }: Told): string {
  if (mapping === undefined) return 'no mapping';
  const { protocol, state, outside, external, layers } = mapping;
  const time = verifiedAfter === undefined ? '' : ` after ${verifiedAfter.toFixed(0)} ms`;
  const through = layers > 1 ? `, through ${layers} NATs` : '';
  return `${protocol} ${state}${time}, port ${external?.port ?? 0}, ${outside}${through}`;
}
