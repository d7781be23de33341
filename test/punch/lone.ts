import type { NatKind } from '../../agent/base/nat-profile.ts';
import type { SocketId } from '../../agent/base/net.ts';
import { Account } from '../../agent/punch/account.ts';
import type { PunchPlan } from '../../agent/punch/plan.ts';
import { Punch } from '../../agent/punch/punch.ts';
import type { Manner } from '../../agent/punch/rules.ts';
import type { Ground } from '../../agent/punch/target.ts';

interface Lone {
  readonly plan: PunchPlan;
  readonly ground: Ground;
  readonly port?: number;
  readonly nat?: NatKind;
  readonly manner?: Manner;
  /** The addresses that a volley may name; those of the plan when left out. */
  readonly ips?: readonly string[];
  /** Shared with other peers of the household. */
  readonly account?: Account;
  readonly newSocket?: () => SocketId;
  readonly six?: SocketId;
}

/** A punch of a household that has no other peer; its main socket is number 0. */
export function lone(options: Lone): Punch {
  const { plan, ground, port = 40_000, nat = 'preserve', manner = 'full', six } = options;
  const { ips = plan.schedule.map(({ to }) => to.ip), account = new Account(), newSocket = counting() } = options;
  const rules = { manner, ground, ips: new Set(ips) };
  const doors = six === undefined ? { four: 0 } : { four: 0, six };
  return new Punch({ plan, doors, port, newSocket, account, rules, nat });
}

/** Socket numbers from 10 up. */
export function counting(): () => SocketId {
  let last = 9;
  return () => ++last;
}
