// How hearth speaks to people: kinds, methods, reasons and events in plain words.

const NATS = {
  unknown: ['looking…', 'Its NAT is not known yet'],
  open: ['no NAT', 'No NAT: reachable from anywhere'],
  preserve: ['keeps ports', 'The NAT keeps port numbers'],
  offset: ['shifts ports', 'The NAT moves ports by a fixed distance'],
  'endpoint-independent': ['cone', 'Cone NAT: one stable outside port'],
  'address-dependent': ['per address', 'A new outside port for each address'],
  sequential: ['counts up', 'A new outside port for each peer, counting up'],
  random: ['random', 'A new random outside port for each peer'],
};
const FILTERS = {
  unknown: '',
  'endpoint-independent': 'lets everybody in',
  'address-dependent': 'lets known addresses in',
  'address-and-port-dependent': 'lets only known address and port in',
};
const METHODS = {
  lan: 'same LAN',
  ipv6: 'IPv6',
  'mapped-pcp': 'port opened by PCP',
  'mapped-natpmp': 'port opened by NAT-PMP',
  'mapped-upnp': 'port opened by UPnP',
  pinhole: 'IPv6 pinhole',
  dial: 'direct dial',
  simultaneous: 'simultaneous punch',
  bracket: 'port bracket',
  walk: 'port walk',
  block: 'port block',
  birthday: 'birthday spray',
  'relay-household': 'relay by a household',
  'relay-rendezvous': 'relay by the rendezvous',
};
const SHORT = {
  'mapped-pcp': 'PCP',
  'mapped-natpmp': 'NAT-PMP',
  'mapped-upnp': 'UPnP',
  dial: 'dial',
  simultaneous: 'simultaneous',
  birthday: 'birthday',
  'relay-household': 'relay',
  'relay-rendezvous': 'relay',
};
const REASONS = {
  drift: 'its outside ports drift too fast',
  random: 'its router takes a new random port each time',
  'block-hop': 'its carrier hops between port blocks',
  pool: 'its carrier hops between addresses',
  poison: 'its router closed the hole again',
  filter: 'the other router let nothing in',
  quota: 'its router allows no more ports',
  loss: 'too much was lost on the way',
  hairpin: 'their router does not loop back',
  'udp-blocked': 'UDP is blocked',
  'peer-offline': 'it is switched off',
  'peer-unknown': 'nobody knows it',
  'rendezvous-unreachable': 'the rendezvous does not answer',
  refused: 'it was refused',
  timeout: 'no answer in time',
};
const STATES = {
  starting: 'switching on',
  finding: 'looking for a way in',
  watching: 'on air',
  repairing: 'finding a new parent',
  cut: 'switched off',
};

export const natShort = (kind) => NATS[kind]?.[0] ?? kind;
export const natLong = (kind, filtering) => {
  const filter = FILTERS[filtering] ?? '';
  return `${NATS[kind]?.[1] ?? kind}${filter === '' ? '' : `, ${filter}`}`;
};
export const method = (word) => METHODS[word] ?? word;
/** For a label on a line. */
export const methodShort = (word) => SHORT[word] ?? METHODS[word] ?? word;
export const state = (word) => STATES[word] ?? word;
export const isRelay = (word) => typeof word === 'string' && word.startsWith('relay');

export function span(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export function clock(ms) {
  const s = Math.floor(ms / 1000);
  const two = (n) => String(n).padStart(2, '0');
  return s < 3600
    ? `${Math.floor(s / 60)}:${two(s % 60)}`
    : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

export function bytes(n) {
  if (n < 1000) return `${n} B`;
  for (const [unit, size] of [
    ['kB', 1e3],
    ['MB', 1e6],
    ['GB', 1e9],
    ['TB', 1e12],
  ]) {
    if (n < size * 1000) return `${(n / size).toFixed(n / size < 10 ? 1 : 0)} ${unit}`;
  }
  return `${Math.round(n / 1e12)} TB`;
}

export const rate = (kbps) => (kbps < 1000 ? `${Math.round(kbps)} kbit/s` : `${(kbps / 1000).toFixed(1)} Mbit/s`);

/** One event as parts: plain text, or {name} of somebody, or {strong}. */
export function tell(event, nameOf) {
  const who = (id) => ({ name: nameOf(id) });
  switch (event.kind) {
    case 'switched-on':
      return [who(event.household), ` switched on behind ${event.nat}.`];
    case 'classified':
      return [who(event.household), ` knows its router now: ${lower(natLong(event.natKind, event.filtering))}.`];
    case 'introduced':
      return ['The rendezvous introduced ', who(event.household), ' to ', who(event.peer), '.'];
    case 'reached':
      return [
        who(event.household),
        ' found its way to ',
        who(event.peer),
        ` by ${method(event.method)} in `,
        { strong: span(event.tookMs) },
        '.',
      ];
    case 'not-reached':
      return [
        who(event.household),
        ' could not reach ',
        who(event.peer),
        ` directly: ${REASONS[event.reason] ?? event.reason}.`,
      ];
    case 'picture':
      return [
        who(event.household),
        ' has the picture from ',
        who(event.from),
        ' after ',
        { strong: span(event.tookMs) },
        '.',
      ];
    case 'lost-parent':
      return [who(event.household), ' lost ', who(event.parent), ' and looks for another way.'];
    case 'moved':
      return event.gapMs > 0
        ? [
            who(event.household),
            ' is fed by ',
            who(event.to),
            ' now; the stream waited ',
            { strong: span(event.gapMs) },
            '.',
          ]
        : [who(event.household), ' moved to ', who(event.to), ' without losing a block.'];
    case 'cut':
      return ['You cut ', who(event.household), ' off.'];
    case 'back':
      return [who(event.household), ' is switched on again.'];
    default:
      return [event.text ?? event.kind];
  }
}

const lower = (text) => (/^[A-Z][a-z]|^A /.test(text) ? text[0].toLowerCase() + text.slice(1) : text);
