// The forest on a canvas: where each home stands, and how it looks.

import { colours, sharpen } from './ink.js';
import { layOut, ORIGIN } from './tree-layout.js';

const STATES = { a: 'arriving', p: 'playing', m: 'mended', d: 'dry', g: 'gap' };
/** A home that went stays as a cross until those below it are elsewhere, and so long at least. */
const GHOST_MS = 1500;
/** Homes glide to a new place: two thirds of the way in this time. */
const GLIDE_MS = 130;

export class TreeCanvas {
  #canvas;
  #choose;
  #nodes = new Map();
  #order = [];
  #chosen;
  #warm = [];
  #colours = {};
  #radius = 4;
  #frame = 0;
  #last = 0;
  #cost = 0;
  #size = { width: 0, height: 0 };

  /** `choose` is told the home that was clicked, or walked to. */
  constructor(canvas, choose) {
    this.#canvas = canvas;
    this.#choose = choose;
    canvas.addEventListener('click', ({ offsetX, offsetY }) => this.#pick(offsetX, offsetY));
    canvas.addEventListener('keydown', (event) => this.#walk(event));
    new ResizeObserver(() => this.#fit()).observe(canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#dress());
    this.#dress();
  }

  /** Milliseconds that one picture takes to draw, smoothed. */
  get cost() {
    return this.#cost;
  }

  get deepest() {
    return this.#order.reduce((most, { depth, ghost }) => (ghost ? most : Math.max(most, depth)), 0);
  }

  /** `ids`, `parents` and `states` as the server sends them (agent/forest/shot.ts). */
  update({ ids, parents, states }) {
    const numbers = [];
    for (const step of ids) numbers.push((numbers.at(-1) ?? ORIGIN) + step);
    const here = new Set(numbers);
    this.#seen(ORIGIN, undefined, 'playing');
    for (const [i, id] of numbers.entries()) {
      const parent = parents[i] === -1 ? undefined : parents[i] === 0 ? ORIGIN : numbers[parents[i] - 1];
      this.#seen(id, parent, STATES[states[i]]);
    }
    const now = performance.now();
    const needed = new Set();
    for (const node of this.#nodes.values()) {
      if (node.id !== ORIGIN && !here.has(node.id)) node.goneAt ??= now;
      // All the way up: a cross that stands on a cross has to stand somewhere.
      for (let at = node.anchor; node.goneAt === undefined && at !== undefined && !needed.has(at);) {
        needed.add(at);
        at = this.#nodes.get(at)?.anchor;
      }
    }
    for (const node of this.#nodes.values())
      if (node.goneAt !== undefined && now - node.goneAt > GHOST_MS && !needed.has(node.id))
        this.#nodes.delete(node.id);
    this.#layout();
    this.#wake();
  }

  select(id, spares) {
    this.#chosen = id;
    this.#warm = spares;
    this.#wake();
  }

  #seen(id, parent, state) {
    let node = this.#nodes.get(id);
    if (node === undefined) {
      node = { id, x: undefined, y: undefined, toX: 0, toY: 0, depth: 0, leaves: 0, below: [] };
      this.#nodes.set(id, node);
    }
    node.state = state;
    node.parent = parent;
    // Who has lost its parent keeps its place until it has another.
    node.anchor = parent ?? node.anchor;
    node.goneAt = undefined;
  }

  #layout() {
    const { order, radius } = layOut(this.#nodes, this.#size);
    this.#order = order;
    this.#radius = radius;
  }

  #wake() {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame((now) => {
      this.#frame = 0;
      const part = 1 - Math.exp(-Math.min(100, now - this.#last) / GLIDE_MS);
      this.#last = now;
      const began = performance.now();
      const isMoving = this.#glide(part);
      this.#draw();
      this.#cost += (performance.now() - began - this.#cost) * 0.1;
      if (isMoving) this.#wake();
    });
  }

  #glide(part) {
    let isMoving = false;
    for (const node of this.#order) {
      const [dx, dy] = [node.toX - node.x, node.toY - node.y];
      node.x += dx * part;
      node.y += dy * part;
      isMoving ||= Math.abs(dx) + Math.abs(dy) > 0.5;
    }
    return isMoving;
  }

  #draw() {
    const pen = this.#canvas.getContext('2d');
    const { width, height } = this.#size;
    pen.clearRect(0, 0, width, height);
    this.#lines(pen);
    this.#homes(pen);
    this.#marks(pen);
  }

  #lines(pen) {
    const groups = { fed: new Path2D(), lost: new Path2D() };
    for (const node of this.#order) {
      const above = this.#nodes.get(node.parent);
      if (node.ghost || above === undefined) continue;
      curve(node.state === 'playing' || node.state === 'gap' ? groups.fed : groups.lost, above, node);
    }
    pen.lineWidth = Math.max(0.8, this.#radius / 3.2);
    pen.strokeStyle = this.#colours.wire;
    pen.stroke(groups.fed);
    pen.globalAlpha = 0.6;
    pen.strokeStyle = this.#colours.relaySoft;
    pen.stroke(groups.lost);
    pen.globalAlpha = 1;
  }

  #homes(pen) {
    const r = this.#radius;
    const paths = { playing: new Path2D(), mended: new Path2D(), dry: new Path2D(), gap: new Path2D() };
    paths.arriving = new Path2D();
    const ghosts = new Path2D();
    for (const { id, x, y, state, ghost } of this.#order) {
      if (id === ORIGIN) continue;
      if (ghost) cross(ghosts, x, y, r);
      else if (state === 'gap') cross(paths.gap, x, y, r * 1.1);
      else if (state === 'mended') paths.mended.rect(x - r, y - r, 2 * r, 2 * r);
      else disc(paths[state], x, y, state === 'dry' ? r * 0.85 : r);
    }
    pen.fillStyle = this.#colours.ember;
    pen.fill(paths.playing);
    pen.fillStyle = this.#colours.relay;
    pen.fill(paths.mended);
    for (const [path, colour, thick] of [
      [paths.arriving, this.#colours.thread, 1],
      [paths.dry, this.#colours.lamp, Math.max(1.2, r / 3)],
      [paths.gap, this.#colours.bad, Math.max(1.6, r / 2.5)],
      [ghosts, this.#colours.dim, 1.3],
    ]) {
      pen.lineWidth = thick;
      pen.strokeStyle = colour;
      pen.stroke(path);
    }
    const origin = this.#nodes.get(ORIGIN);
    pen.fillStyle = this.#colours.text;
    pen.fill(disc(new Path2D(), origin.x, origin.y, Math.max(6, r)));
    pen.font = '600 12px system-ui, sans-serif';
    pen.textAlign = 'left';
    pen.fillText('Origin', origin.x + 13, origin.y + 4);
  }

  /** The chosen one: its way to the origin, its children, and dashed its spares. */
  #marks(pen) {
    const node = this.#nodes.get(this.#chosen);
    if (node === undefined || node.ghost) return;
    const way = new Path2D();
    let one = node;
    for (let i = 0; i < 64 && one?.parent !== undefined; i++, one = this.#nodes.get(one.parent)) {
      const above = this.#nodes.get(one.parent);
      if (above !== undefined) curve(way, above, one);
    }
    pen.strokeStyle = this.#colours.ember;
    pen.lineWidth = Math.max(2, this.#radius / 2.5);
    pen.stroke(way);
    const warm = new Path2D();
    for (const id of this.#warm) {
      const spare = this.#nodes.get(id);
      if (spare === undefined || spare.ghost) continue;
      warm.moveTo(node.x, node.y);
      warm.lineTo(spare.x, spare.y);
    }
    pen.setLineDash([6, 5]);
    pen.lineWidth = 1.8;
    pen.strokeStyle = this.#colours.relay;
    pen.stroke(warm);
    pen.setLineDash([]);
    pen.lineWidth = 2;
    pen.strokeStyle = this.#colours.text;
    pen.stroke(disc(new Path2D(), node.x, node.y, this.#radius + 4));
  }

  #pick(x, y) {
    let [found, nearest] = [undefined, Math.max(18, this.#radius * 2.5)];
    for (const node of this.#order) {
      const away = Math.hypot(node.x - x, node.y - y);
      if (node.ghost || node.id === ORIGIN || away >= nearest) continue;
      [found, nearest] = [node, away];
    }
    if (found !== undefined) this.#choose(found.id);
  }

  #walk(event) {
    const node = this.#nodes.get(this.#chosen) ?? this.#nodes.get(ORIGIN);
    const living = (list) => list.filter(({ ghost, id }) => !ghost && id !== ORIGIN);
    const row = living(this.#order.filter(({ depth }) => depth === node.depth)).toSorted((a, b) => a.toX - b.toX);
    const beside = (by) => row[row.indexOf(node) + by];
    const to = {
      ArrowUp: () => this.#nodes.get(node.parent),
      ArrowDown: () => living(node.below)[0],
      ArrowLeft: () => beside(-1),
      ArrowRight: () => beside(1),
    }[event.key]?.();
    if (!event.key.startsWith('Arrow')) return;
    event.preventDefault();
    if (to !== undefined && to.id !== ORIGIN) this.#choose(to.id);
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    sharpen(this.#canvas);
    this.#size = { width, height };
    if (this.#nodes.size === 0) return;
    this.#layout();
    this.#wake();
  }

  #dress() {
    this.#colours = colours();
    if (this.#nodes.size > 0) this.#wake();
  }
}

function curve(path, from, to) {
  const middle = (from.y + to.y) / 2;
  path.moveTo(from.x, from.y);
  path.bezierCurveTo(from.x, middle, to.x, middle, to.x, to.y);
}

function disc(path, x, y, r) {
  path.moveTo(x + r, y);
  path.arc(x, y, r, 0, 7);
  return path;
}

function cross(path, x, y, r) {
  path.moveTo(x - r, y - r);
  path.lineTo(x + r, y + r);
  path.moveTo(x - r, y + r);
  path.lineTo(x + r, y - r);
}
