import { ipBytes } from '../../base/address.ts';
import { isLabel, type Operators } from './operators.ts';

/** From the finest to the coarsest: the address, its /24, the operator, the model of the gateway, all there is. */
export const STEPS = ['address', 'network', 'operator', 'gateway', 'fleet'] as const;
export type Step = (typeof STEPS)[number];

/** One key that an observation counts for, and whose word it is there: a coarse key hears addresses or networks. */
export interface Rung {
  readonly step: Step;
  readonly key: string;
  readonly source: string;
}

/** Where an address stands, finest first; nothing for IPv6, which has no NATs to learn. */
export function ladder(
  ip: string,
  household: string,
  operators: Operators | undefined,
  gateway: string | undefined,
): readonly Rung[] {
  const network = networkOf(ip);
  if (network === undefined) return [];
  const operator = operators?.label(ip);
  return [
    { step: 'address', key: ip, source: household },
    { step: 'network', key: network, source: ip },
    ...(operator === undefined ? [] : [{ step: 'operator', key: operator, source: network } as const]),
    ...(gateway === undefined ? [] : [{ step: 'gateway', key: gateway, source: ip } as const]),
    { step: 'fleet', key: '', source: network },
  ];
}

function networkOf(ip: string): string | undefined {
  const bytes = ipBytes(ip);
  return bytes?.length === 4 ? `${bytes[0]}.${bytes[1]}.${bytes[2]}.0/24` : undefined;
}

/** Is this text a key of that step, of those that may be written down? Never a single address. */
export function isKey(step: Step, key: string): boolean {
  switch (step) {
    case 'address':
      return false;
    case 'network':
      return key.endsWith('/24') && networkOf(key.slice(0, -3)) === key;
    case 'operator':
    case 'gateway':
      return isLabel(key);
    case 'fleet':
      return key === '';
  }
}
