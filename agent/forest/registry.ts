import { between } from '../base/random.ts';
import { type Claimant, Plan } from '../tree/plan.ts';
import type { MemberEffect } from '../tree/talk.ts';
import type { House } from './house.ts';
import type { Sim } from './sim.ts';

/** To the rendezvous: a server in the middle. */
const ONE_WAY = 15;
/** It misses three beats of a household before it forgets it. */
const FORGETS_SOONEST = 30_000;
const FORGETS_LATEST = 50_000;
/** What a household reports of its place within this goes in one message. */
const TOGETHER = 50;
const NOTICED = 10_000;
/** An auditor lets itself be fed for so long (house/trial.ts). */
const TRIAL = 2000;

/** The rendezvous of the simulation: the real plan behind messages that take their time. */
export class Registry {
  plan: Plan;
  isThere = true;
  /** Questions it answered, by kind. */
  readonly asked_ = { parent: 0, spares: 0, waits: 0 };
  audits = 0;
  /** Honest households that were taken for such that feed nobody. */
  wronged = 0;
  readonly #sim: Sim;
  #origin: House | undefined;
  #wakeAt = Infinity;

  constructor(sim: Sim) {
    this.#sim = sim;
    this.plan = this.#fresh();
  }

  plant(origin: House): void {
    this.#origin = origin;
    this.plan.plant(origin.node, origin.slots, origin.prefix);
  }

  /** Gone with everything it knew. */
  stop(): void {
    this.isThere = false;
    for (const house of this.#sim.houses.values()) {
      this.#sim.at(this.#sim.now + between(this.#sim.random, 0, NOTICED), () =>
        this.#sim.step(house, { kind: 'rendezvous', isThere: false }),
      );
    }
  }

  /** Back, and knowing nothing. */
  start(): void {
    this.isThere = true;
    this.plan = this.#fresh();
    if (this.#origin !== undefined) this.plant(this.#origin);
    for (const house of this.#sim.houses.values()) {
      this.#sim.at(this.#sim.now + between(this.#sim.random, 0, NOTICED), () => {
        if (!house.isAlive) return;
        this.plan.enter(house.node, claim(house), this.#sim.clock);
        this.#sim.step(house, { kind: 'rendezvous', isThere: true });
      });
    }
  }

  asked(house: House, want: 'parent' | 'spares', avoid: readonly number[]): void {
    this.#soon(() => {
      const avoided = new Set(avoid.map(String));
      if (!house.isAlive) return;
      this.asked_[want]++;
      if (want === 'spares') {
        const spares = this.plan.spares(house.node, avoided);
        return this.#soon(() => this.#meet(house, spares));
      }
      const answer = this.plan.join(house.node, claim(house), avoided, this.#sim.clock);
      this.#plan();
      if (answer.kind === 'wait') {
        this.asked_.waits++;
        return this.#soon(() => this.#sim.step(house, { kind: 'refused', retryIn: answer.retryIn }));
      }
      this.#soon(() => {
        this.#sim.connect(house.id, Number(answer.parent), 'parent', numberOf(answer.displaced));
        this.#meet(house, answer.spares);
      });
    });
  }

  stands(house: House): void {
    if (house.standAt < Infinity) return;
    house.standAt = this.#sim.now + TOGETHER;
    this.#sim.at(house.standAt, () => {
      house.standAt = Infinity;
      if (!house.isAlive) return;
      const { parent, children } = house.member;
      this.said(house, parent, children);
    });
  }

  complained(house: House, { short, why, proof }: Extract<MemberEffect, { kind: 'complain' }>): void {
    this.#soon(() => {
      if (this.plan.complain(house.node, String(short), why, proof !== undefined, this.#sim.clock))
        this.#condemn(short);
      this.#plan();
    });
  }

  /** A household says who feeds it and whom it feeds; a liar what is not so. */
  said(house: House, parent: number | undefined, children: readonly number[]): void {
    this.#soon(() => {
      this.plan.stand(house.node, { parent: parent?.toString(), children: children.map(String) }, this.#sim.clock);
      this.#plan();
    });
  }

  #condemn(id: number): void {
    if (this.#sim.houses.get(id)?.manner === 'honest') this.wronged++;
  }

  failed(child: number, parent: number): void {
    this.#soon(() => this.plan.failed(String(child), String(parent)));
  }

  vanished(house: House): void {
    this.#sim.at(this.#sim.now + between(this.#sim.random, FORGETS_SOONEST, FORGETS_LATEST), () => this.left(house));
  }

  left(house: House): void {
    this.#soon(() => {
      this.plan.leave(house.node, this.#sim.clock);
      this.#plan();
    });
  }

  #meet(house: House, spares: readonly string[]): void {
    for (const spare of spares)
      if (!house.sessions.has(Number(spare))) this.#sim.connect(house.id, Number(spare), 'spare');
  }

  #fresh(): Plan {
    const { net, random, most } = this.#sim;
    return new Plan({
      random,
      most,
      suits: {
        rank: () => 0,
        rtt: (a, b) => net.guess(Number(a), Number(b)),
        isNear: () => false,
      },
    });
  }

  #soon(what: () => void): void {
    this.#sim.at(this.#sim.now + ONE_WAY + between(this.#sim.random, 0, 5), () => {
      if (this.isThere) what();
    });
  }

  /** Moves that the plan has become ready for. */
  #plan(): void {
    const wake = this.plan.wake();
    if (wake === undefined || wake >= this.#wakeAt) return;
    const when = Math.max(wake, this.#sim.now + 1);
    this.#wakeAt = when;
    this.#sim.at(when, () => {
      if (this.#wakeAt !== when) return;
      this.#wakeAt = Infinity;
      if (!this.isThere) return;
      for (const { node, to, instead } of this.plan.due(this.#sim.clock)) {
        this.#soon(() => this.#sim.connect(Number(node), Number(to), 'move', numberOf(instead)));
      }
      for (const { by, of } of this.plan.audits(this.#sim.clock)) this.#soon(() => this.#audit(by, of));
      this.#plan();
    });
  }

  /** One household lets itself be fed by another. Who is not there proves nothing. */
  #audit(by: string, of: string): void {
    const { houses, net, now } = this.#sim;
    const [auditor, audited] = [houses.get(Number(by)), houses.get(Number(of))];
    if (auditor === undefined || audited === undefined) return;
    this.audits++;
    this.#sim.at(now + net.punch(auditor.id, audited.id) + TRIAL, () => {
      const passed = auditor.isAlive && plays(auditor) ? verdict(audited) : undefined;
      if (passed === undefined) return;
      this.#soon(() => {
        if (this.plan.audited(by, of, passed, this.#sim.clock)) this.#condemn(audited.id);
        this.#plan();
      });
    });
  }
}

function plays({ playingSince, drought }: House): boolean {
  return playingSince !== undefined && drought === undefined;
}

/** What an auditor says after two seconds; undefined where that would be a guess. */
function verdict(audited: House): boolean | undefined {
  switch (audited.manner) {
    case 'honest':
    case 'slanderer':
      return audited.isAlive && plays(audited) ? true : undefined;
    // Full, it shows blocks that it has, as anybody does.
    case 'slow':
      return audited.member.children.length >= audited.most;
    case 'mute':
    case 'holding':
    case 'corrupt':
      return false;
  }
}

function claim(house: House): Claimant {
  return { capacity: house.slots, most: house.most, prefix: house.prefix };
}

function numberOf(node: string | undefined): number | undefined {
  return node === undefined ? undefined : Number(node);
}
