// How hearth speaks to people: kinds, methods, reasons and events in plain words.

const NATS = {
  unknown: ['looking…', 'Its NAT is not known yet'],
  open: ['no NAT', 'No NAT: reachable from anywhere'],
  preserve: ['keeps ports', 'The NAT keeps port numbers'],
  offset: ['shifts ports', 'The NAT moves ports by a fixed distance'],
  'endpoint-independent': ['cone', 'Cone NAT: one stable outside port'],
  'address-dependent': ['per address', 'A new outside port for each address'],
  'preserve-first': ['first keeps', 'The first peer sees our own port, others a random one'],
  sequential: ['counts', 'A new outside port for each peer, counting'],
  'per-core': ['several counters', 'A new outside port for each peer, from one of several counters'],
  'block-sequential': ['counts in a block', 'A new outside port for each peer, counting inside a block'],
  'block-random': ['random block', 'A new outside port for each peer, random inside a block'],
  'range-random': ['random range', 'A new outside port for each peer, random inside a range'],
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

const LIMITS = {
  assumed: 'its line has not shown itself yet',
  declared: 'by what you said of its line',
  measured: 'as measured',
  machine: 'this machine has no more to give',
};

export function capacity(known) {
  if (known === undefined) return '–';
  const many = Math.floor(known.streams);
  const homes = many === 1 ? '1 household' : `${many} households`;
  const line = known.upload_kbits === null ? '' : `, of a line of ${rate(known.upload_kbits)}`;
  return `${homes}${line}: ${LIMITS[known.source] ?? known.source}`;
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
        : [who(event.household), ' moved to ', who(event.to), '; nobody had to wait.'];
    case 'cut':
      return ['You cut ', who(event.household), ' off.'];
    case 'back':
      return [who(event.household), ' is switched on again.'];
    default:
      return [event.text ?? event.kind];
  }
}

/** One line of a punch. */
export function step({ who, what, fields }) {
  switch (what) {
    case 'classified':
      return `It knows its own router: ${lower(natLong(fields.nat, fields.filtering))}. It asks for the other one.`;
    case 'introduced':
      return who === 'rendezvous'
        ? 'The rendezvous introduces the two and tells each when to begin.'
        : `Introduced. The plan: ${method(fields.plan)}.`;
    case 'peer-open':
      return `Data goes both ways by ${method(fields.method)}.`;
    case 'peer-direct':
      return `Contact! A direct path, won by ${method(fields.method)}.`;
    case 'no-direct':
      return `No direct path: ${REASONS[fields.reason] ?? fields.reason}.`;
    case 'reported':
      return `The rendezvous is told: ${fields.outcome}, ${fields.how}.`;
    default: {
      const facts = Object.entries(fields).map(([name, value]) => `${name} ${value}`);
      return facts.length > 0 ? `${capital(what)}: ${facts.join(', ')}.` : `${capital(what)}.`;
    }
  }
}

const MARKS = {
  probed: 'new mapping towards the rendezvous',
  seen: 'seen by the rendezvous',
  opened: 'new mapping towards the other home',
  refused: 'a datagram of the other home was refused',
  admitted: 'a datagram of the other home was let in',
};
export const mark = (what) => MARKS[what] ?? what;

/** The line of `hearth ping`, for a headline. */
export function result(line) {
  const direct = /^connected direct (\S+) after (\S+) s/.exec(line);
  if (direct !== null) return `Connected directly after ${span(Number(direct[2]) * 1000)}, by ${method(direct[1])}.`;
  const relayed = /^connected relay (\S+) after (\S+) s: (\S+)$/.exec(line);
  if (relayed === null) return `${capital(line)}.`;
  const [, by, after, why] = relayed;
  return `${capital(method(by))} after ${span(Number(after) * 1000)}; nothing direct, because ${REASONS[why] ?? why}.`;
}

const capital = (text) => text.replaceAll('-', ' ').replace(/^./, (letter) => letter.toUpperCase());
const lower = (text) => (/^[A-Z][a-z]|^A /.test(text) ? text[0].toLowerCase() + text.slice(1) : text);
