import type { Facts } from './facts.ts';
import { type Check, type Finding, no, unchecked, yes } from './finding.ts';

/** What this machine is like. */
export const HOME_CHECKS: readonly Check[] = [
  { name: 'clock', question: 'Clock is set', run: clock },
  { name: 'names', question: 'Names are found', run: names },
  { name: 'lan-port', question: 'Port for the house', run: lanPort },
  { name: 'table', question: 'Room for connections', run: table },
  { name: 'machine', question: 'Machine is enough', run: machine },
];

/** 2025-01-01. Nobody built this before; a clock that says so was never set. */
const EARLIEST = 1_735_689_600_000;
/** Certificates and logs bear this much; nothing of ours depends on the time of day. */
const MOST_WRONG_S = 120;

function clock({ clock: { own, theirs } }: Facts): Finding {
  if (theirs === undefined) {
    return own < EARLIEST
      ? no('it stands before 2025')
      : unchecked('nobody to compare it with, but the year is plausible');
  }
  const wrong = Math.round((own - theirs) / 1000);
  if (Math.abs(wrong) <= MOST_WRONG_S) return yes(`within ${Math.max(1, Math.abs(wrong))} s of the rendezvous`);
  return no(`${span(Math.abs(wrong))} ${wrong < 0 ? 'behind' : 'ahead of'} the rendezvous`);
}

function span(seconds: number): string {
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / 86_400)} days`;
}

function names({ names: seen }: Facts): Finding {
  if (seen === undefined) return unchecked('not in time');
  if (seen.invented === 'address') return no('a name that does not exist gets an address: somebody answers for others');
  switch (seen.known) {
    case 'address':
      return yes('the DNS server answers');
    case 'empty':
      return no('the DNS server answers, but does not know example.com');
    case 'silent':
      return no('no DNS server answers');
  }
}

function lanPort({ homePort }: Facts): Finding {
  switch (homePort) {
    case 'free':
      return yes('8480 is free');
    case 'agent':
      return yes('8480 is served by the agent here');
    case 'other':
      return no('8480 is taken by another program');
    case undefined:
      return unchecked('not in time');
  }
}

/** A house with a stream and its neighbours needs some hundred; punching adds up to 512 for a while. */
const ROOM = 2048;

function table({ machine: seen, terrain }: Facts): Finding {
  if (seen?.table === undefined)
    return unchecked(terrain?.isGateway === false ? 'this machine tracks no connections' : 'not to be read here');
  const { used, most } = seen.table;
  const words = `${used} of ${most} connections in use`;
  return most - used >= ROOM ? yes(words) : no(words);
}

const [MEMORY, MEMORY_FREE, FLASH_FREE] = [120, 40, 2];

function machine({ machine: seen }: Facts): Finding {
  if (seen === undefined) return unchecked('not to be read here');
  const { cpu, cores, memory, memoryFree, flashFree } = seen;
  const flash = flashFree === undefined ? '' : `, ${size(flashFree)} of storage free`;
  const words = `${cpu === '' ? '' : `${cpu}, `}${cores} ${cores === 1 ? 'core' : 'cores'}, ${size(memoryFree)} of ${size(memory)} memory free${flash}`;
  const enough = memory >= MEMORY && memoryFree >= MEMORY_FREE && (flashFree ?? FLASH_FREE) >= FLASH_FREE;
  return enough ? yes(words) : no(words);
}

function size(mb: number): string {
  return mb >= 1024 ? `${(mb / 1024).toFixed(1)} GB` : `${Math.round(mb)} MB`;
}
