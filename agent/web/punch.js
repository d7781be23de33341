import { SILENT, toast } from './orders.js';
import * as words from './words.js';

const $ = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';
/** The picture in its own units; the browser scales it. */
const [WIDTH, HEIGHT] = [1000, 560];
const [LEFT, RIGHT] = [92, 18];
/** Top and height of each NAT's strip. */
const STRIPS = { asks: [34, 216], listens: [308, 216] };

let film;
let play;

const choices = (await (await fetch('/api/v1/demo')).json()).choices;
const asked = new URLSearchParams(location.search);
for (const [id, usual] of [
  ['asks', 'port-restricted'],
  ['listens', 'sequential'],
]) {
  $(id).replaceChildren(...choices.map(({ nat, label }) => new Option(`${nat}: ${label}`, nat)));
  $(id).value = choices.some(({ nat }) => nat === asked.get(id)) ? asked.get(id) : usual;
  $(id).addEventListener('change', () => void shoot());
}
$('choose').addEventListener('submit', (event) => {
  event.preventDefault();
  void shoot();
});
$('again').addEventListener('click', () => void shoot());
$('play').addEventListener('click', () => begin());
void shoot(asked.get('seed'));

async function shoot(seed = 1 + Math.floor(Math.random() * 1e9)) {
  const query = new URLSearchParams({ asks: $('asks').value, listens: $('listens').value, seed: seed ?? 1 });
  try {
    const answer = await fetch(`/api/v1/demo/punch?${query}`);
    if (!answer.ok) throw new Error(await answer.text());
    film = await answer.json();
    // The address of this very film, for whoever wants to show it to somebody.
    history.replaceState(null, '', `?${query}`);
    draw();
    begin();
  } catch (error) {
    toast(error instanceof TypeError ? SILENT : error.message);
  }
}

/** Everything of the film at its place, hidden until its time comes. */
function draw() {
  const plot = $('plot');
  plot.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  plot.replaceChildren();
  const span = Math.max(60, film.endMs + 60);
  const x = (ms) => LEFT + ((WIDTH - LEFT - RIGHT) * ms) / span;
  for (const [nat, [top, height]] of Object.entries(STRIPS)) {
    const ports = film.marks.filter((mark) => mark.nat === nat).map(({ port }) => port);
    const y = scale(ports, top, height);
    plot.append(
      shape('rect', { class: 'strip', x: LEFT, y: top, width: WIDTH - LEFT - RIGHT, height, rx: 8 }),
      text(LEFT, top - 12, 'title', title(nat)),
      ...y.ticks.flatMap((port) => [
        shape('line', { class: 'grid', x1: LEFT, x2: WIDTH - RIGHT, y1: y.at(port), y2: y.at(port) }),
        text(LEFT - 10, y.at(port) + 4, 'port', String(port)),
      ]),
    );
    for (const mark of film.marks) {
      if (mark.nat === nat) plot.append(dot(mark, x(mark.atMs), y.at(mark.port)));
    }
  }
  for (const ms of ticks(0, span)) plot.append(text(x(ms), HEIGHT - 12, 'time', words.span(ms)));
  const direct = film.steps.find(({ what }) => what === 'peer-direct');
  if (direct !== undefined) {
    const line = shape('line', { class: 'contact', x1: x(direct.atMs), x2: x(direct.atMs), y1: 20, y2: HEIGHT - 30 });
    line.dataset.at = direct.atMs;
    plot.append(line);
  }
  plot.append(shape('line', { id: 'head', class: 'head', x1: LEFT, x2: LEFT, y1: 26, y2: HEIGHT - 30 }));
  $('steps').replaceChildren(
    ...film.steps.map((step) => {
      const item = document.createElement('li');
      item.dataset.at = step.atMs;
      item.dataset.kind = step.what;
      const time = document.createElement('time');
      time.textContent = words.span(step.atMs);
      const line = document.createElement('span');
      line.textContent = words.step(step);
      item.append(time, line);
      return item;
    }),
  );
  play = { x, span };
}

function title(nat) {
  const { kind, found, step, ports, confidence } = film[nat];
  const sure = confidence > 0 ? `, ${Math.round(confidence * 100)} % sure` : '';
  const how = [step === 0 ? '' : `step ${step}`, ports === null ? '' : `ports ${ports.from}–${ports.to}`].filter(
    Boolean,
  );
  return `${nat === 'asks' ? 'The one that asks' : 'The other one'}: ${kind}. Its probes say: ${found}${how.length > 0 ? ` (${how.join(', ')})` : ''}${sure}`;
}

/** Ports on a strip: as close as they are, so that a step of one is seen as one. */
function scale(ports, top, height) {
  const [low, high] = ports.length === 0 ? [0, 10] : [Math.min(...ports), Math.max(...ports)];
  const margin = Math.max(2, (high - low) * 0.08);
  const [from, to] = [Math.max(0, low - margin), Math.min(65535, high + margin)];
  const at = (port) => top + height - (height * (port - from)) / Math.max(1, to - from);
  return { at, ticks: ticks(from, to).filter(Number.isInteger) };
}

/** About five round numbers between two. */
function ticks(from, to) {
  const rough = (to - from) / 5;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-9)));
  const step = [1, 2, 5, 10].map((by) => by * power).find((by) => by >= rough) ?? rough;
  const found = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) found.push(tick);
  return found;
}

function dot({ what, atMs, port }, x, y) {
  const mark =
    what === 'refused'
      ? shape('path', { d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8` })
      : shape('circle', { cx: x, cy: y, r: what === 'admitted' ? 6 : what === 'seen' ? 6.5 : 4 });
  mark.classList.add('mark', what);
  mark.dataset.at = atMs;
  const hint = document.createElementNS(SVG, 'title');
  hint.textContent = `${words.mark(what)}: port ${port}, ${words.span(atMs)}`;
  mark.append(hint);
  return mark;
}

function shape(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function text(x, y, kind, content) {
  const element = shape('text', { x, y, class: kind });
  element.textContent = content;
  return element;
}

/** Runs the film from its beginning; whoever wants no motion sees its end at once. */
function begin() {
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  play.from = performance.now();
  play.run = (play.run ?? 0) + 1;
  $('result').textContent = '…';
  delete $('result').dataset.how;
  const run = play.run;
  const frame = () => {
    if (run !== play.run) return;
    const now = still ? play.span : (performance.now() - play.from) / 10 ** Number($('slow').value);
    show(Math.min(now, play.span));
    if (now < play.span) requestAnimationFrame(frame);
  };
  frame();
}

function show(ms) {
  for (const element of document.querySelectorAll('[data-at]')) {
    element.classList.toggle('come', Number(element.dataset.at) <= ms);
  }
  const head = $('head');
  head.setAttribute('x1', play.x(ms));
  head.setAttribute('x2', play.x(ms));
  $('clock').textContent = words.span(ms);
  if (ms < film.endMs) return;
  $('result').textContent = words.result(film.result);
  $('result').dataset.how = film.result.startsWith('connected direct') ? 'direct' : 'other';
}
