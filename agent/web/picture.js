// The households as a living picture: the origin on top, who feeds whom below it, the rendezvous at the side.

import { Player } from './player.js';
import * as words from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const HOUSE = { width: 184, height: 190, gap: 22 };
const MAST = { width: 172, height: 78 };
const LIGHTHOUSE = 172;
const ROW = 50;
/** Windows that show each home's own picture; decoding more would heat a laptop. */
const WINDOWS = 6;
const calm = matchMedia('(prefers-reduced-motion: reduce)');

export class Picture {
  #root;
  #stage;
  #wires;
  #orders;
  #houses = new Map();
  #mast;
  #lighthouse;
  #size = { width: 0, height: 0 };
  #frame;

  /** `orders` = {watch(id), cut(id), restore(id)} */
  constructor(root, orders) {
    this.#root = root;
    this.#orders = orders;
    this.#stage = element('div', 'stage');
    this.#wires = svg('svg', { class: 'wires', 'aria-hidden': 'true' });
    this.#mast = mast();
    this.#lighthouse = lighthouse();
    this.#stage.append(this.#wires, this.#mast.root, this.#lighthouse.root);
    root.append(this.#stage);
    new ResizeObserver(() => this.#fit()).observe(root);
  }

  update(state, watched) {
    this.#mast.name.textContent = state.origin.name;
    set(this.#mast.facts, words.rate(state.origin.rateKbps));
    set(this.#mast.sent, `sent ${words.bytes(state.origin.sentBytes)}`);
    this.#lighthouse.facts.textContent = `${state.rendezvous.introductions} introductions`;
    this.#lighthouse.relayed.textContent =
      state.rendezvous.relayedBytes === 0
        ? 'carries no picture'
        : `relays ${words.bytes(state.rendezvous.relayedBytes)}`;
    const nameOf = (id) =>
      id === state.origin.id ? state.origin.name : (state.households.find((one) => one.id === id)?.name ?? '?');
    for (const [id, house] of this.#houses) if (!state.households.some((one) => one.id === id)) this.#remove(id, house);
    let windows = 0;
    for (const household of state.households) {
      const house = this.#houses.get(household.id) ?? this.#add(household.id);
      house.show(household, nameOf, household.id === watched, household.lan !== null && windows++ < WINDOWS);
    }
    this.#place(state);
  }

  /** A short glow on the thread between the rendezvous and a household it just introduced. */
  spark(id) {
    const thread = this.#houses.get(id)?.thread;
    if (thread === undefined || calm.matches) return;
    thread.animate([{ opacity: 1, strokeWidth: 3 }, { opacity: 0.9, strokeWidth: 3, offset: 0.4 }, {}], {
      duration: 1800,
    });
  }

  #add(id) {
    const house = new House(id, this.#orders);
    this.#houses.set(id, house);
    this.#wires.append(house.thread, house.wire, house.flow);
    this.#stage.append(house.root, house.label);
    return house;
  }

  #remove(id, house) {
    house.remove();
    this.#houses.delete(id);
  }

  /** Leaves side by side, parents over the middle of their children, those without a parent in the last row. */
  #place(state) {
    const children = new Map();
    const known = new Set([state.origin.id, ...state.households.map(({ id }) => id)]);
    const loose = [];
    for (const one of state.households) {
      if (one.parent === null || !known.has(one.parent) || one.state === 'cut') loose.push(one.id);
      else children.set(one.parent, [...(children.get(one.parent) ?? []), one.id]);
    }
    const step = HOUSE.width + HOUSE.gap;
    const tall = this.#tall();
    // On narrow screens the rendezvous has a row of its own above the origin.
    const mastY = tall ? 72 : 0;
    const top = mastY + MAST.height + ROW;
    const spot = new Map();
    let leaves = 0;
    let deepest = 0;
    const visit = (id, depth) => {
      if (spot.has(id)) return spot.get(id).x;
      spot.set(id, { x: 0, depth });
      deepest = Math.max(deepest, depth);
      const below = (children.get(id) ?? []).map((child) => visit(child, depth + 1));
      const x = below.length === 0 ? leaves++ * step : (Math.min(...below) + Math.max(...below)) / 2;
      spot.set(id, { x, depth });
      return x;
    };
    visit(state.origin.id, 0);
    // Households that feed each other in a ring for a moment have no way to the origin: loose as well.
    for (const { id } of state.households) if (!spot.has(id) && !loose.includes(id)) loose.push(id);
    const treeWidth = Math.max(1, leaves) * step - HOUSE.gap;
    const perRow = tall ? Math.max(2, leaves) : Math.max(2, 5 - leaves);
    const looseWidth = Math.min(loose.length, perRow) * step - HOUSE.gap;
    const beside = deepest === 0 ? 0 : treeWidth + HOUSE.gap * 2;
    const allWidth = tall ? Math.max(treeWidth, looseWidth) : loose.length === 0 ? treeWidth : beside + looseWidth;
    const width = Math.max(allWidth, tall ? 2 * step - HOUSE.gap : 560);
    const row = (depth) => top + (depth - 1) * (HOUSE.height + ROW);
    const shift = (width - (tall ? treeWidth : allWidth)) / 2;
    const origin = { x: shift + spot.get(state.origin.id).x + HOUSE.width / 2 };
    for (const [id, { x, depth }] of spot) {
      if (id !== state.origin.id) this.#houses.get(id)?.aim(x + shift, row(depth));
    }
    const lowest = row(Math.max(1, deepest));
    // Where the page scrolls down they stand below the tree, elsewhere beside its lowest row.
    const looseAt =
      tall && deepest > 0
        ? { x: (width - looseWidth) / 2, y: lowest + HOUSE.height + 30 }
        : { x: shift + beside, y: lowest };
    const rowBelow = (i) => looseAt.y + Math.floor(i / perRow) * (HOUSE.height + 24);
    for (const [i, id] of loose.entries()) this.#houses.get(id)?.aim(looseAt.x + (i % perRow) * step, rowBelow(i));
    this.#size = { width, height: (loose.length > 0 ? rowBelow(loose.length - 1) : lowest) + HOUSE.height + 14 };
    // The rendezvous stands on the side of the origin where there is room.
    const side =
      origin.x + MAST.width / 2 + LIGHTHOUSE + 10 <= width ? Math.min(width - LIGHTHOUSE, origin.x + 220) : 0;
    this.#mast.aim(origin.x - MAST.width / 2, mastY);
    this.#lighthouse.aim(tall ? (width - LIGHTHOUSE) / 2 : side, tall ? 0 : 4);
    for (const one of state.households) {
      const house = this.#houses.get(one.id);
      if (house !== undefined)
        house.parent = loose.includes(one.id)
          ? undefined
          : one.parent === state.origin.id
            ? this.#mast
            : this.#houses.get(one.parent);
    }
    this.#fit();
    this.#move();
  }

  #fit() {
    const { width, height } = this.#size;
    if (width === 0) return;
    const room = { width: this.#root.clientWidth, height: this.#root.clientHeight };
    const tall = this.#tall();
    const scale = Math.max(tall ? 0.82 : 0.5, Math.min(1.12, room.width / width, tall ? 9 : room.height / height));
    this.#stage.style.width = `${width}px`;
    this.#stage.style.height = `${height}px`;
    this.#stage.style.transform = `translateX(${Math.max(0, (room.width - width * scale) / 2)}px) scale(${scale})`;
    this.#wires.setAttribute('viewBox', `0 0 ${width} ${height}`);
    if (tall) this.#root.style.height = `${height * scale + 8}px`;
    else this.#root.style.height = '';
  }

  /** True where the stylesheet lets the picture grow downwards: on narrow screens. */
  #tall() {
    return getComputedStyle(this.#root).getPropertyValue('--fit').trim() === 'width';
  }

  #move() {
    if (this.#frame !== undefined) return;
    let last = performance.now();
    const turn = (now) => {
      const share = calm.matches ? 1 : 1 - Math.exp(-(now - last) / 110);
      last = now;
      let busy = false;
      for (const thing of [this.#mast, this.#lighthouse, ...this.#houses.values()]) busy = thing.glide(share) || busy;
      for (const house of this.#houses.values()) house.draw(this.#lighthouse);
      this.#frame = busy ? requestAnimationFrame(turn) : undefined;
    };
    this.#frame = requestAnimationFrame(turn);
  }
}

/** Something that stands on the stage and glides to where it is told. */
class Placed {
  x;
  y;
  #to = { x: 0, y: 0 };

  constructor(root) {
    this.root = root;
  }

  aim(x, y) {
    this.#to = { x, y };
    // A newcomer grows out of the ground where it will stand.
    if (this.x === undefined) [this.x, this.y] = [x, y + (calm.matches ? 0 : 40)];
  }

  glide(share) {
    if (this.x === undefined) return false;
    const dx = this.#to.x - this.x;
    const dy = this.#to.y - this.y;
    const near = Math.abs(dx) + Math.abs(dy) < 0.3;
    this.x = near ? this.#to.x : this.x + dx * share;
    this.y = near ? this.#to.y : this.y + dy * share;
    this.root.style.transform = `translate(${this.x}px, ${this.y}px)`;
    return !near;
  }
}

class House extends Placed {
  parent;
  #parts;
  #player;
  #state;

  constructor(id, orders) {
    super(element('article', 'house'));
    this.thread = svg('path', { class: 'thread' });
    this.wire = svg('path', { class: 'wire' });
    this.flow = svg('path', { class: 'flow' });
    this.label = element('p', 'path-label');
    const video = element('video', 'window-video');
    Object.assign(video, { muted: true, playsInline: true, tabIndex: -1 });
    video.setAttribute('aria-hidden', 'true');
    const name = element('h3', 'house-name');
    const parts = {
      video,
      name,
      window: element('div', 'window'),
      status: element('p', 'window-status'),
      viewers: element('span', 'viewers'),
      nat: element('p', 'nat'),
      watch: button('Watch', () => orders.watch(id)),
      cut: button('Cut off', () => (this.#state === 'cut' ? orders.restore(id) : orders.cut(id))),
    };
    parts.cut.classList.add('cut');
    parts.window.append(video, parts.status);
    const line = element('div', 'house-line');
    line.append(name, parts.viewers);
    const doors = element('div', 'doors');
    doors.append(parts.watch, parts.cut);
    const roof = svg('svg', {
      class: 'roof',
      viewBox: '0 0 172 34',
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    });
    roof.append(
      svg('path', { class: 'chimney', d: 'M128 4h14v22h-14z' }),
      svg('path', { class: 'smoke', d: 'M135 2c-5-5 5-8 0-14s5-8 0-13' }),
      svg('path', { class: 'tiles', d: 'M1 34 82.5 2.5q3.5-1.5 7 0L171 34z' }),
    );
    this.root.append(roof, parts.window, line, parts.nat, doors);
    this.#parts = parts;
    this.#player = new Player(video);
  }

  show(household, nameOf, watched, window) {
    const { video, name, status, viewers, nat, watch, cut } = this.#parts;
    const { state } = household;
    const lit = state === 'watching' || state === 'repairing';
    this.#state = state;
    this.root.dataset.state = state;
    this.root.classList.toggle('watched', watched);
    const relayed = words.isRelay(household.method);
    for (const line of [this.wire, this.flow, this.label]) line.classList.toggle('relayed', relayed);
    this.flow.classList.toggle('still', state !== 'watching');
    this.thread.classList.toggle('off', state === 'cut');
    set(name, household.name);
    set(status, lit && window ? '' : lit ? 'on air' : words.state(state));
    set(viewers, household.viewers === 0 || state === 'cut' ? '' : String(household.viewers));
    viewers.title = `${household.viewers} players watch in this house`;
    const lag = lit && household.lagMs !== null ? ` · lag ${words.span(household.lagMs)}` : '';
    set(nat, `${words.natShort(household.natKind)}${lag}`);
    nat.title = words.natLong(household.natKind, household.filtering);
    set(
      this.label,
      household.method === null
        ? ''
        : `${words.methodShort(household.method)}${household.rttMs === null ? '' : ` · ${words.span(household.rttMs)}`}`,
    );
    const off = state === 'cut';
    set(cut, off ? 'Switch on' : 'Cut off');
    cut.setAttribute('aria-label', off ? `Switch ${household.name} on again` : `Cut ${household.name} off`);
    watch.disabled = !lit || household.lan === null;
    watch.setAttribute('aria-pressed', String(watched));
    set(watch, watched ? 'Watching' : 'Watch');
    watch.setAttribute('aria-label', `Watch the picture of ${household.name}`);
    this.root.setAttribute(
      'aria-label',
      `${household.name}, ${words.state(state)}, ${words.natLong(household.natKind, household.filtering)}` +
        (household.parent === null ? '' : `, fed by ${nameOf(household.parent)}`),
    );
    if (lit && window && household.lan !== null) this.#player.play(here(household.lan));
    else this.#player.stop();
    video.hidden = !(lit && window);
  }

  /** The lines to the parent and to the rendezvous, from where everything stands in this frame. */
  draw(lighthouse) {
    if (this.x === undefined || lighthouse.x === undefined) return;
    const to = { x: this.x + HOUSE.width / 2, y: this.y + 4 };
    const lamp = { x: lighthouse.x + 28, y: lighthouse.y + 48 };
    const bend = Math.max(30, (to.y - lamp.y) * 0.55);
    this.thread.setAttribute(
      'd',
      `M${lamp.x} ${lamp.y}C${lamp.x} ${lamp.y + bend} ${to.x + 40} ${to.y - bend * 0.5} ${to.x + 40} ${to.y + 8}`,
    );
    const { parent } = this;
    const shown = parent !== undefined && parent.x !== undefined;
    for (const line of [this.wire, this.flow]) line.style.display = shown ? '' : 'none';
    this.label.hidden = !shown || this.label.textContent === '';
    if (!shown) return;
    const from =
      parent instanceof House
        ? { x: parent.x + HOUSE.width / 2, y: parent.y + HOUSE.height }
        : { x: parent.x + MAST.width / 2, y: parent.y + MAST.height };
    const half = (to.y - from.y) * 0.5;
    const d = `M${from.x} ${from.y}C${from.x} ${from.y + half} ${to.x} ${to.y - half} ${to.x} ${to.y}`;
    this.wire.setAttribute('d', d);
    this.flow.setAttribute('d', d);
    this.label.style.transform = `translate(${(from.x + to.x * 3) / 4}px, ${to.y - 19}px) translate(-50%, -50%)`;
  }

  remove() {
    this.#player.stop();
    for (const thing of [this.root, this.label, this.thread, this.wire, this.flow]) thing.remove();
  }
}

function mast() {
  const root = element('article', 'mast');
  const drawing = svg('svg', { viewBox: '0 0 44 44', 'aria-hidden': 'true', class: 'glyph' });
  drawing.append(
    svg('path', { class: 'tower', d: 'M22 16 13 41M22 16l9 25M16.5 31h11M18.5 25h7' }),
    svg('circle', { class: 'lamp', cx: 22, cy: 13, r: 3.2 }),
    svg('path', { class: 'wave w1', d: 'M15 18a9 9 0 0 1 0-11M29 18a9 9 0 0 0 0-11' }),
    svg('path', { class: 'wave w2', d: 'M10 22a15 15 0 0 1 0-19M34 22a15 15 0 0 0 0-19' }),
  );
  const text = element('div', '');
  const name = element('h3', '');
  const facts = element('p', 'dim');
  const sent = element('p', 'dim');
  text.append(name, facts, sent);
  root.append(drawing, text);
  return Object.assign(new Placed(root), { name, facts, sent });
}

function lighthouse() {
  const root = element('article', 'lighthouse');
  const drawing = svg('svg', { viewBox: '0 0 44 44', 'aria-hidden': 'true', class: 'glyph' });
  drawing.append(
    svg('path', { class: 'tower', d: 'M17 18h10l3 23H14zM15 18h14M18 11h8v7h-8zM17 11l5-5 5 5z' }),
    svg('path', { class: 'beam', d: 'M26 14.5 41 9v11zM18 14.5 3 9v11z' }),
  );
  const text = element('div', '');
  const name = element('h3', '');
  name.textContent = 'Rendezvous';
  const facts = element('p', 'dim');
  const relayed = element('p', 'dim');
  text.append(name, facts, relayed);
  root.append(drawing, text);
  return Object.assign(new Placed(root), { facts, relayed });
}

/** The demo's URLs name 127.0.0.1; whoever looks from elsewhere reaches the same ports under the page's own name. */
export function here(url) {
  const there = new URL(url, location.href);
  there.hostname = location.hostname;
  return there.href;
}

function element(name, className) {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  return made;
}

function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function button(text, pressed) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = text;
  made.addEventListener('click', pressed);
  return made;
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
