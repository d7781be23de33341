import { fileURLToPath } from 'node:url';
import type { Child } from './child.ts';
import type { Household, HouseholdOptions, Lab } from './lab.ts';
import type { LineShape } from './line.ts';
import { encoder, SMALL } from './picture.ts';
import { Player } from './player.ts';
import {
  channelOf,
  type ChannelStatus,
  hearth,
  logsOf,
  pause,
  type Rendezvous,
  startHousehold,
  startRendezvous,
  type States,
  until,
} from './programs.ts';

const START_MS = 20_000;
/** How long a missing block may be late before a viewer sees it. */
export const CUSHION_MS = 700;
/** Households that are started side by side. */
const AT_ONCE = 4;
const LIAR = fileURLToPath(new URL('liar.ts', import.meta.url));

/** Each question is a program that starts: thirty at once held everything else up for a second. */
const ASKED_AT_ONCE = 2;
/** What asking everybody takes from the machine is over by then, and whatever viewers missed by it is counted. */
export const QUESTIONS_MS = 1000;

export type GroveNat = NonNullable<HouseholdOptions['nat']> & string;

/** What homes have, roughly: most are behind something that keeps one port, some are open, some hard. */
const KINDS: readonly GroveNat[] = [
  'masquerade',
  'full-cone',
  'open',
  'offset',
  'address-restricted',
  'symmetric-preserve',
  'masquerade',
  'sequential',
];

/** So many households' NATs. */
export function mixed(homes: number): readonly GroveNat[] {
  return Array.from({ length: homes }, (_, i) => KINDS[i % KINDS.length] ?? 'masquerade');
}

export interface GroveOptions {
  readonly nats: readonly GroveNat[];
  /** Everybody's, the rendezvous's and the origin's too. */
  readonly line: LineShape;
  /** Streams that each sends, the origin as well. */
  readonly children?: number;
  /** Players keep all they get, and the grove what the origin is given. */
  readonly keep?: boolean;
  /** So many can be told to lie: the first that come. */
  readonly liars?: number;
}

/** Where a household can be. */
export interface Plot {
  readonly name: string;
  readonly nat: GroveNat;
  readonly house: Household;
  readonly isLiar: boolean;
}

/** One household of the grove: it can be cut off and come back, with another program and another television. */
export interface Tree extends Plot {
  child: Child;
  node: string;
  url: string;
  player: Player;
}

/** A rendezvous, an origin with a real encoder, and households behind NATs under it. */
export class Grove {
  readonly rendezvous: Rendezvous;
  readonly studio: Awaited<ReturnType<Lab['internet']>>;
  readonly origin: Child;
  readonly channel: string;
  readonly homes: Tree[] = [];
  #plots = 0;
  /** All that the origin was given, where it is kept. */
  readonly fed: Buffer[] = [];
  readonly lab: Lab;
  readonly states: States;
  readonly options: GroveOptions;
  /** Called with all that the origin is given. */
  given: (bytes: Buffer) => void = () => {};

  private constructor(
    lab: Lab,
    states: States,
    options: GroveOptions,
    core: Pick<Grove, 'rendezvous' | 'studio' | 'origin' | 'channel'>,
  ) {
    [this.lab, this.states, this.options] = [lab, states, options];
    [this.rendezvous, this.studio, this.origin, this.channel] = [
      core.rendezvous,
      core.studio,
      core.origin,
      core.channel,
    ];
  }

  /** Ready when the origin has its channel; households come with `grow`. */
  static async plant(lab: Lab, states: States, options: GroveOptions): Promise<Grove> {
    const { line, children = 2, keep = false } = options;
    const server = await lab.internet({ addresses: 2, line });
    const studio = await lab.internet({ line });
    const rendezvous = await startRendezvous(lab, server, states);
    const words = ['--rendezvous', rendezvous.place, '--channel', 'Grove', '--in', '-', '--children', String(children)];
    const origin = hearth(lab, studio, ['origin', ...words, '--state', states.next(), '--log-level', 'debug']);
    const [, channel = ''] = await origin.line(/^channel ready ([a-z2-7]{52})$/, START_MS);
    const grove = new Grove(lab, states, options, { rendezvous, studio, origin, channel });
    const take = (bytes: Buffer): void => {
      grove.given(bytes);
      if (keep) grove.fed.push(bytes);
      origin.write(bytes);
    };
    encoder(lab, studio, take, SMALL);
    return grove;
  }

  /** A place for one more household. */
  async lay(nat: GroveNat): Promise<Plot> {
    const house = await this.lab.household({ nat, line: this.options.line });
    const number = this.#plots++;
    return { name: `H${number}`, nat, house, isLiar: number < (this.options.liars ?? 0) };
  }

  /** All households, one batch after the other; ready when each of them plays. */
  async grow(): Promise<void> {
    const { nats } = this.options;
    for (let i = 0; i < nats.length; i += AT_ONCE) {
      const plots: Plot[] = [];
      for (const nat of nats.slice(i, i + AT_ONCE)) plots.push(await this.lay(nat));
      await Promise.all(plots.map(async (plot) => this.plays(await this.settle(plot))));
    }
  }

  /** A household moves in, and switches its television on. */
  async settle(plot: Plot): Promise<Tree> {
    const home: Tree = { ...plot, ...(await this.#start(plot)) };
    this.homes.push(home);
    return home;
  }

  /** The same once more, as a newcomer, after its end. */
  async restart(home: Tree): Promise<void> {
    home.player.child.signal('SIGKILL');
    Object.assign(home, await this.#start(home));
  }

  /** Switched on again where there may be nobody to answer: a program that is not ready, without a television. */
  relight({ house }: Tree): Child {
    const { lab, rendezvous, channel, states } = this;
    const words = ['--rendezvous', rendezvous.place, '--channel', channel, '--state', states.next(), '--lan', 'off'];
    return hearth(lab, house.host, ['agent', ...words, '--log-level', 'debug']);
  }

  async plays(home: Tree, patience = 60_000): Promise<void> {
    await until(
      async () => this.view(home),
      ({ block }) => block !== null,
      patience,
    );
  }

  /** Its television is switched off and on again. */
  rewatch(home: Tree): void {
    home.player.child.signal('SIGKILL');
    home.player = this.#watch(home.house, home.url);
  }

  /** It is gone for good, and so is its television. */
  async remove(home: Tree): Promise<void> {
    this.homes.splice(this.homes.indexOf(home), 1);
    home.player.child.signal('SIGKILL');
    await home.child.stop();
  }

  async #start({ house, isLiar }: Plot): Promise<Pick<Tree, 'child' | 'node' | 'url' | 'player'>> {
    const { lab, rendezvous, channel, states } = this;
    const more = ['--cushion-ms', String(CUSHION_MS), '--children', String(this.options.children ?? 2)];
    const program = isLiar ? LIAR : undefined;
    const started = await startHousehold(lab, house.host, rendezvous.place, channel, states, more, program);
    const { child, node, url } = started;
    return { child, node, url, player: this.#watch(house, url) };
  }

  #watch({ host }: Household, url: string): Player {
    const { keep = false } = this.options;
    return new Player(this.lab, host, `${url}live/${this.channel}.ts`, { keep });
  }

  async view(home: Tree): Promise<ChannelStatus> {
    return channelOf(this.lab, home.house.host, home.url);
  }

  /** What each of them says now, a few at a time. */
  async views(homes: readonly Tree[] = this.homes): Promise<readonly ChannelStatus[]> {
    const views: ChannelStatus[] = [];
    for (let i = 0; i < homes.length; i += ASKED_AT_ONCE)
      views.push(...(await Promise.all(homes.slice(i, i + ASKED_AT_ONCE).map(async (home) => this.view(home)))));
    return views;
  }

  /** Until everybody has a parent and a spare, or it has been long enough. */
  async settled(patience = 20_000): Promise<readonly ChannelStatus[]> {
    const last = Date.now() + patience;
    for (;;) {
      const views = await this.views();
      if (views.every(({ parent, spares }) => parent !== null && spares.length > 0) || Date.now() > last) return views;
      await pause(500);
    }
  }

  /** One that feeds others, another each turn, and whom it feeds. */
  async inner(turn: number, choose: (home: Tree) => boolean = () => true) {
    const views = await this.settled();
    const feeding = this.homes.filter((home, i) => (views[i]?.children.length ?? 0) > 0 && choose(home));
    const victim = feeding[turn % feeding.length];
    if (victim === undefined) throw new Error('nobody feeds anybody');
    return { victim, children: this.#fedBy(victim, views), others: this.homes.filter((home) => home !== victim) };
  }

  /** Those that it feeds now, by their word. */
  async childrenOf(home: Tree): Promise<readonly Tree[]> {
    return this.#fedBy(home, await this.views());
  }

  #fedBy({ node }: Tree, views: readonly ChannelStatus[]): readonly Tree[] {
    return this.homes.filter((_, i) => views[i]?.parent?.node === node);
  }

  /** What these have shown and missed so far. */
  async damage(homes: readonly Tree[]): Promise<Damage> {
    const views = await this.views(homes);
    const sum = (of: (view: ChannelStatus) => number): number => views.reduce((all, view) => all + of(view), 0);
    return {
      errors: homes.reduce((all, { player }) => all + player.errors, 0),
      skipped: sum((view) => view.skipped_blocks),
      lost: sum((view) => view.lost_blocks),
    };
  }

  logs(): string {
    return logsOf(Object.fromEntries(this.homes.map(({ name, child }) => [name, child])), 4000);
  }
}

export interface Damage {
  /** At televisions. */
  readonly errors: number;
  /** Blocks that viewers did not get, and those that a household never had. */
  readonly skipped: number;
  readonly lost: number;
}

export function damageSince(before: Damage, now: Damage): Damage {
  return {
    errors: now.errors - before.errors,
    skipped: now.skipped - before.skipped,
    lost: now.lost - before.lost,
  };
}
