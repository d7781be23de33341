import { Player } from './player.js';
import * as words from './words.js';

const $ = (id) => document.getElementById(id);
const player = new Player($('video'), ({ state, text }) => {
  $('tube').dataset.state = state;
  $('note').textContent = text;
  $('sound').hidden = state !== 'playing';
});
let status;

const source = new EventSource('/api/v1/events');
source.addEventListener('message', ({ data }) => {
  status = JSON.parse(data);
  document.body.classList.remove('away');
  render();
});
source.addEventListener('error', () => document.body.classList.add('away'));
$('channel').addEventListener('change', render);
for (const id of ['sound', 'video']) {
  $(id).addEventListener('click', () => {
    $('video').muted = !$('video').muted;
    $('sound').textContent = $('video').muted ? 'Sound on' : 'Sound off';
  });
}
for (const what of ['list', 'live']) {
  $(`copy-${what}`).addEventListener('click', () => void copy($(`${what}-url`)));
}

function render() {
  const channels = status.channels ?? [];
  const select = $('channel');
  if (select.length !== channels.length || channels.some(({ id }, i) => select.options[i].value !== id)) {
    const kept = select.value;
    select.replaceChildren(...channels.map(({ id, name }) => new Option(name || id.slice(0, 8), id)));
    if (channels.some(({ id }) => id === kept)) select.value = kept;
  }
  $('chooser').hidden = channels.length < 2;
  const channel = channels.find(({ id }) => id === select.value);
  $('list-url').textContent = new URL('/playlist.m3u', location.href).href;
  $('title').textContent = channel?.name ?? 'No channel yet';
  $('summary').textContent = summary(channel);
  document.title = channel === undefined ? 'hearth' : `${channel.name} · hearth`;
  if (channel === undefined) {
    player.stop();
    $('note').textContent = 'This household has no channel to show. It can still pass streams on.';
  } else if (channel.shown === false) {
    player.stop();
    $('note').textContent = locked(channel);
  } else {
    const url = new URL(`/live/${channel.id}.ts`, location.href).href;
    $('live-url').textContent = url;
    player.play(url);
  }
  const behind = player.behind;
  $('behind').textContent = [
    typeof channel?.lag_ms === 'number' ? `${words.span(channel.lag_ms)} from the origin to this house` : '',
    behind === undefined ? '' : `player holds ${behind.toFixed(1)} s`,
  ]
    .filter((part) => part !== '')
    .join(', ');
  facts(channel);
  rows($('children'), channel?.children ?? [], (child) => [
    `${short(child.node)} · ${words.method(child.method)}`,
    `${words.bytes(child.sent_bytes ?? 0)} · ${words.span(child.rtt_ms)}`,
  ]);
  rows($('viewers'), channel?.viewers ?? [], (viewer) => [
    viewer.player ? `${viewer.player.split(/[ /(]/, 1)[0]} at ${viewer.address}` : String(viewer.address ?? viewer),
    viewer.sent_bytes === undefined
      ? ''
      : `${words.bytes(viewer.sent_bytes)}${viewer.jumps > 0 ? ` · ${viewer.jumps} jumps` : ''}`,
  ]);
}

function summary(channel) {
  if (channel === undefined) return 'A household ready to serve.';
  if (channel.parent === null || channel.parent === undefined)
    return 'Looking for a household to get the picture from…';
  const fed = channel.children?.length ?? 0;
  if (channel.shown === false) return 'This house passes a private channel on and cannot read it.';
  const homes = fed === 0 ? '' : fed === 1 ? ' and feeds one more household' : ` and feeds ${fed} more households`;
  return `This house gets one sealed copy of the stream${homes}.`;
}

function locked({ token }) {
  return token === 'wrong'
    ? 'This channel is private, and the token of this house does not fit. Ask the broadcaster for the present one.'
    : 'This channel is private, and this house has no token for it. It still passes it on to others.';
}

function facts(channel) {
  const { nat, rendezvous = [], mappings = [], uptime_s: up } = status;
  const parent = channel?.parent;
  const list = [
    ['Router', nat === undefined ? '–' : words.natLong(nat.kind, nat.filtering)],
    [
      'Parent',
      parent === null || parent === undefined ? '–' : `${short(parent.node)} · ${words.method(parent.method)}`,
    ],
    ['To the parent', parent === null || parent === undefined ? '–' : words.span(parent.rtt_ms)],
    ['Can feed', words.capacity(status.capacity)],
    ['Received', channel?.received_bytes === undefined ? '–' : words.bytes(channel.received_bytes)],
    ['Refused blocks', String(channel?.refused_blocks ?? 0)],
    ...(channel?.forked === true ? [['Fault of the channel', 'its key signs two different streams']] : []),
    [
      'Open ports',
      mappings.length === 0 ? 'none' : mappings.map((one) => `${one.external} (${one.protocol})`).join(', '),
    ],
    [
      'Rendezvous',
      rendezvous
        .map(
          (one) =>
            `${one.state}${one.rtt_ms === undefined || one.rtt_ms === null ? '' : `, ${words.span(one.rtt_ms)}`}`,
        )
        .join('; ') || '–',
    ],
    ['Running for', up === undefined ? '–' : words.clock(up * 1000)],
  ];
  const nodes = list.flatMap(([name, value]) => [text('dt', name), text('dd', value)]);
  $('facts').replaceChildren(...nodes);
}

function rows(list, values, parts) {
  if (values.length === 0) list.replaceChildren(text('li', 'Nobody at the moment.'));
  else {
    list.replaceChildren(
      ...values.map((value) => {
        const row = document.createElement('li');
        row.append(...parts(value).map((part) => text('span', part)));
        return row;
      }),
    );
  }
}

const short = (node) => `${String(node).slice(0, 6)}…`;

function text(name, content) {
  const made = document.createElement(name);
  made.textContent = content;
  return made;
}

async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    toast('Copied.');
  } catch {
    // Outside of secure contexts a page may only mark the text for the visitor.
    getSelection()?.selectAllChildren(code);
    toast('Marked: copy it with Ctrl+C, or a long press.');
  }
}

let toastTimer;
function toast(message) {
  clearTimeout(toastTimer);
  $('toast').textContent = message;
  $('toast').hidden = false;
  toastTimer = setTimeout(() => ($('toast').hidden = true), 4000);
}
