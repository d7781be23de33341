import { Picture, here } from './picture.js';
import { order as give, toast } from './orders.js';
import { Player } from './player.js';
import * as words from './words.js';

const $ = (id) => document.getElementById(id);
const player = new Player($('video'), ({ state, text }) => {
  $('tube').dataset.state = state;
  $('note').textContent = text;
  $('sound').hidden = state !== 'playing';
});
const picture = new Picture($('picture'), {
  watch: (id) => {
    chosen = id;
    render();
  },
  cut: (id) => order('cut', { id }),
  restore: (id) => order('restore', { id }),
});
const order = (what, body) => give(`/api/v1/demo/${what}`, body);
let state;
/** The household the visitor chose to watch; otherwise the one farthest down the tree, which is the most to show. */
let chosen;
let told = 0;
let first = true;

const source = new EventSource('/api/v1/demo/events');
source.addEventListener('message', ({ data }) => {
  state = JSON.parse(data);
  document.body.classList.remove('away');
  render();
});
source.addEventListener('error', () => document.body.classList.add('away'));

$('add').addEventListener('submit', (event) => {
  event.preventDefault();
  void order('add', { nat: $('nat').value });
});
$('sound').addEventListener('click', () => setSound($('video').muted));
$('video').addEventListener('click', () => setSound($('video').muted));
$('copy').addEventListener('click', () => void copy($('copy').dataset.url));
setInterval(() => {
  const { behind } = player;
  if (state === undefined) return;
  const home = state.households.find(({ id }) => id === watched());
  $('behind').textContent =
    home === undefined || behind === undefined
      ? ''
      : `${home.lagMs === null ? '' : `${words.span(home.lagMs)} from the origin to this home, `}player holds ${behind.toFixed(1)} s`;
}, 500);

function watched() {
  const on = state.households.filter(
    (one) => one.lan !== null && (one.state === 'watching' || one.state === 'repairing'),
  );
  const mine = state.households.find(({ id }) => id === chosen);
  if (mine !== undefined && mine.state !== 'cut' && mine.lan !== null) return mine.id;
  const kept = on.find((one) => here(one.lan) === player.url);
  return (kept ?? on.toSorted((a, b) => b.depth - a.depth)[0])?.id;
}

function render() {
  const id = watched();
  picture.update(state, id);
  const home = state.households.find((one) => one.id === id);
  if (home === undefined) player.stop();
  else player.play(here(home.lan));
  $('watching').textContent = home === undefined ? 'The moving picture' : `At ${home.name}`;
  if (home === undefined) $('note').textContent = 'Waiting for the first household…';
  showLinks(home);
  const on = state.households.filter((one) => one.state === 'watching');
  const direct = state.links.filter((link) => !words.isRelay(link.method));
  $('on-air').textContent = `${on.length} of ${state.households.length}`;
  $('direct').textContent = `${direct.length} of ${state.links.length}`;
  $('origin-sent').textContent = words.bytes(state.origin.sentBytes);
  $('homes-sent').textContent = words.bytes(state.households.reduce((sum, one) => sum + one.sentBytes, 0));
  showChoices();
  showEvents();
}

function showLinks(home) {
  const url = home === undefined ? undefined : here(home.lan);
  $('copy').disabled = url === undefined;
  $('copy').dataset.url = url ?? '';
  $('list').hidden = url === undefined;
  if (url !== undefined) $('list').href = new URL('/playlist.m3u', url).href;
}

function showChoices() {
  const { choices, most, households } = state;
  const form = $('add');
  form.hidden = choices.length === 0;
  const select = $('nat');
  if (select.length !== choices.length) {
    select.replaceChildren(...choices.map(({ nat, label }) => new Option(label, nat)));
  }
  const full = households.length >= most;
  const button = form.querySelector('button');
  button.disabled = full;
  button.title = full ? `${most} households are enough for one laptop` : '';
}

function showEvents() {
  const names = new Map([[state.origin.id, state.origin.name], ...state.households.map(({ id, name }) => [id, name])]);
  const list = $('events');
  for (const event of state.events) {
    if (event.seq <= told) continue;
    told = event.seq;
    const item = document.createElement('li');
    item.dataset.kind = event.kind;
    if (!first) item.className = 'fresh';
    const time = document.createElement('time');
    time.textContent = words.clock(event.atMs);
    item.append(time, sentence(words.tell(event, (id) => names.get(id) ?? 'a household')));
    list.prepend(item);
    if (event.kind === 'introduced' && !first) {
      picture.spark(event.household);
      picture.spark(event.peer);
    }
  }
  while (list.children.length > 60) list.lastChild.remove();
  first = false;
}

function sentence(parts) {
  const line = document.createElement('span');
  for (const part of parts) {
    if (typeof part === 'string') line.append(part);
    else {
      const word = document.createElement(part.name === undefined ? 'strong' : 'b');
      word.textContent = part.name ?? part.strong;
      line.append(word);
    }
  }
  return line;
}

function setSound(on) {
  $('video').muted = !on;
  $('sound').textContent = on ? 'Sound off' : 'Sound on';
}

/** Clipboard access exists only in secure contexts; localhost is one, a LAN address is not. */
async function copy(url) {
  try {
    await navigator.clipboard.writeText(url);
    toast('Copied. In VLC: Media, Open Network Stream.');
  } catch {
    toast(url);
  }
}
