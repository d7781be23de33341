import { order as give } from './orders.js';
import { TreeCanvas } from './tree-canvas.js';
import { drawStrip } from './tree-strip.js';
import * as words from './tree-words.js';

const $ = (id) => document.getElementById(id);
const API = '/api/v1/demo/tree';
const FACTS_EVERY_MS = 500;
const order = (what, more = {}) => give(`${API}/order`, { what, ...more });
const tree = new TreeCanvas($('tree'), choose);
const shown = new Map();
let shot;
let chosen;
let hasGone = false;

$('children').replaceChildren(...[2, 3, 4, 5, 6, 7, 8].map((n) => new Option(String(n), n)));
const source = new EventSource(`${API}/events`);
source.addEventListener('message', ({ data }) => {
  shot = JSON.parse(data);
  document.body.classList.remove('away');
  render();
});
source.addEventListener('error', () => document.body.classList.add('away'));
setInterval(() => void ask(), FACTS_EVERY_MS);

for (const [id, give] of [
  ['size', (households) => order('size', { households })],
  ['speed', (factor) => order('speed', { factor })],
])
  $(id).addEventListener('click', ({ target }) => {
    if (target.value !== undefined && target.value !== '') void give(Number(target.value));
  });
$('children').addEventListener('change', ({ target }) => {
  choose(undefined);
  void order('children', { most: Number(target.value) });
});
$('stay').addEventListener('change', ({ target }) => {
  void order('stay', { seconds: target.value === '' ? null : Number(target.value) });
});
$('feeders').addEventListener('click', () => void order('kill-feeders'));
$('carrier').addEventListener('click', () => void order('carrier-out'));
$('rendezvous').addEventListener('click', () => void order('rendezvous', { on: !shot.rendezvous }));
for (const what of ['kill', 'leave']) $(what).addEventListener('click', () => void order(what, { house: chosen }));

function choose(id) {
  chosen = id;
  hasGone = false;
  tree.select(id, []);
  if (id === undefined) tell(undefined);
  else void ask();
}

async function ask() {
  if (chosen === undefined || hasGone) return;
  const id = chosen;
  try {
    const answer = await fetch(`${API}/household?id=${id}`);
    const one = await answer.json();
    if (id === chosen) tell(one ?? undefined);
  } catch {
    // The stream of events says so in large letters.
  }
}

function tell(one) {
  const isThere = one !== undefined;
  hasGone = !isThere;
  $('facts').hidden = !isThere;
  for (const id of ['kill', 'leave']) $(id).disabled = !isThere;
  $('chosen').textContent = chosen === undefined ? 'A home' : `Home ${chosen}`;
  const hint =
    chosen === undefined
      ? 'Click a home in the tree, or walk there with the arrow keys.'
      : 'It has gone. Click another.';
  // A screen reader is told once, not twice a second.
  const told = isThere ? '' : hint;
  if ($('told').textContent !== told) $('told').textContent = told;
  if (!isThere) return tree.select(chosen, []);
  $('facts').replaceChildren(
    ...words.facts(one).flatMap(([word, value]) => [element('dt', word), element('dd', value)]),
  );
  tree.select(one.id, one.spares);
}

function render() {
  tree.update(shot);
  const fed = [...shot.states].filter((state) => state === 'p').length;
  $('homes').textContent = shot.ids.length.toLocaleString('en');
  $('fed').textContent = fed.toLocaleString('en');
  $('deepest').textContent = String(tree.deepest);
  $('clock').textContent = words.clock(shot.atMs);
  press('size', shot.wanted);
  press('speed', shot.speed);
  $('children').value = String(shot.most);
  $('stay').value = shot.stayS === null ? '' : String(shot.stayS);
  $('rendezvous').textContent = shot.rendezvous ? 'Rendezvous off' : 'Rendezvous on again';
  $('rendezvous').setAttribute('aria-pressed', String(!shot.rendezvous));
  $('drawn').textContent = `drawn in ${tree.cost.toFixed(1)} ms`;
  drawStrip($('strip'), shot.strip, shot.cushionMs);
  showBlows();
}

function press(group, value) {
  for (const button of $(group).querySelectorAll('button'))
    button.setAttribute('aria-pressed', String(Number(button.value) === value));
}

/** Each blow keeps its line; the figures in it grow while the tree heals. */
function showBlows() {
  const { blows, cushionMs } = shot;
  $('none').hidden = blows.length > 0;
  for (const one of blows.toReversed()) {
    const text = JSON.stringify(one);
    const known = shown.get(one.seq);
    if (known?.text === text) continue;
    const item = known?.item ?? element('li', '');
    item.dataset.over = String(one.isOver);
    item.replaceChildren(...words.blow(one, cushionMs).map(word));
    shown.set(one.seq, { text, item });
    if (known === undefined) $('blows').prepend(item);
  }
  for (const [seq, { item }] of shown) {
    if (blows.some((one) => one.seq === seq)) continue;
    item.remove();
    shown.delete(seq);
  }
}

function word(part) {
  if (typeof part === 'string') return document.createTextNode(part);
  const node = element(part.name === undefined ? 'strong' : 'b', part.name ?? part.strong);
  if (part.seen === true) node.className = 'seen';
  return node;
}

function element(tag, text) {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
}
