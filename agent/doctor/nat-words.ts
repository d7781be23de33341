import type { NatProfile } from '../base/nat-profile.ts';

/** Whether others can know our port before they write to it: what decides how we are reached. */
export function isReadable({ kind }: NatProfile): boolean {
  switch (kind) {
    case 'open':
    case 'preserve':
    case 'offset':
    case 'endpoint-independent':
    case 'address-dependent':
    case 'preserve-first':
    case 'sequential':
    case 'per-core':
    case 'block-sequential':
      return true;
    case 'block-random':
    case 'range-random':
    case 'random':
    case 'unknown':
      return false;
  }
}

/** How a NAT gives out its ports, for a person. */
export function allocatorWords({ kind, offset, step, counters, ports }: NatProfile): string {
  const range = ports === undefined ? '' : ` from ${ports.from} to ${ports.to}`;
  switch (kind) {
    case 'unknown':
      return 'too few answers to tell';
    case 'open':
      return 'no translation: what is bound is what is seen';
    case 'preserve':
      return 'one port for all destinations, the number that was bound';
    case 'offset':
      return `one port for all destinations, ${Math.abs(offset)} ${offset < 0 ? 'below' : 'above'} the one that was bound`;
    case 'endpoint-independent':
      return 'one port for all destinations';
    case 'address-dependent':
      return `another port for each address${step === 0 ? '' : `, ${steps(step)}`}`;
    case 'preserve-first':
      return 'the bound number for the first destination, any other for the rest';
    case 'sequential':
      return `another port for each destination, ${steps(step)}`;
    case 'per-core':
      return `another port for each destination, ${steps(step)}, from ${counters} counters in turn`;
    case 'block-sequential':
      return `another port for each destination, ${steps(step)}${range}`;
    case 'block-random':
      return `a random port for each destination${range}`;
    case 'range-random':
      return `a random port for each destination${range}`;
    case 'random':
      return 'a random port for each destination';
  }
}

function steps(step: number): string {
  return `${Math.abs(step)} ${step < 0 ? 'down' : 'up'} each time`;
}
