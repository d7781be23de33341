import type { Fields } from '../base/json.ts';
import { ms } from '../base/time.ts';
import type { Facts, TreeShot } from '../forest/shot.ts';
import { type Ask, type Route, readOrder, sendJson, sendText } from './http.ts';
import { Events } from './lan-events.ts';
import { pageRoute } from './lan.ts';

/** Ten a second: a repair takes two to four of them. */
const EVERY = ms(100);

export interface ForestActions {
  /** With the seconds of the simulation per second. */
  readonly shot: () => TreeShot & { readonly speed: number };
  /** undefined: it is not there (any more). */
  readonly facts: (id: number) => Facts | undefined;
  /** `agent/forest/order.ts` says what fields. Answers with a sentence when that cannot be. */
  readonly order: (fields: Fields) => string | undefined;
}

/** The demo's page at `/tree`, its state, and its orders: for `startWeb`. */
export function demoForestRoutes(actions: ForestActions): { readonly routes: readonly Route[]; stop(): void } {
  const events = new Events(EVERY, actions.shot);
  return {
    routes: [
      pageRoute('/tree', 'tree.html'),
      { method: 'GET', path: '/api/v1/demo/tree', answer: (ask) => sendJson(ask, actions.shot()) },
      { method: 'GET', path: '/api/v1/demo/tree/events', answer: (ask) => events.answer(ask) },
      { method: 'GET', path: '/api/v1/demo/tree/household', answer: (ask) => tell(ask, actions.facts) },
      { method: 'POST', path: '/api/v1/demo/tree/order', answer: (ask) => carryOut(ask, actions.order) },
    ],
    stop: () => events.stop(),
  };
}

function tell(ask: Ask, facts: ForestActions['facts']): void {
  const id = new URL(ask.request.url ?? '', 'http://demo').searchParams.get('id') ?? '';
  // That one has gone is no fault of the page that asks for it.
  if (/^\d{1,10}$/.test(id)) sendJson(ask, facts(Number(id)) ?? null);
  else sendText(ask, 400, 'This wants the number of a household: ?id=7.\n');
}

function carryOut(ask: Ask, action: ForestActions['order']): void {
  readOrder(ask, (order) => {
    const problem = order === undefined ? 'This wants a JSON object.' : action(order);
    if (problem === undefined) sendJson(ask, { done: true });
    else sendText(ask, order === undefined ? 400 : 409, `${problem}\n`);
  });
}
