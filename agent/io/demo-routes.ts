import { ms } from '../base/time.ts';
import type { DemoState, PunchFilm } from './demo-state.ts';
import { type Ask, type Route, readOrder, sendJson, sendText } from './http.ts';
import { Events } from './lan-events.ts';
import { pageRoute, pageRoutes } from './lan.ts';

export interface DemoActions {
  readonly state: () => DemoState;
  /** Switch a household off as a power cut does. Answers with a sentence when that cannot be. */
  readonly cut: (id: string) => string | undefined;
  /** Switch it on again. */
  readonly restore: (id: string) => string | undefined;
  /** A new household behind a NAT of that kind (`choices` of the state). */
  readonly add: (nat: string) => string | undefined;
  /** The punch between two kinds of `choices`; a sentence when it cannot be shown. */
  readonly punch: (asks: string, listens: string, seed: number) => PunchFilm | string;
}

/** The demo's page at `/`, its state, and its orders: for `startWeb`, or for `routes` of `startLan`. */
export function demoRoutes(actions: DemoActions): { readonly routes: readonly Route[]; stop(): void } {
  const events = new Events(ms(500), actions.state);
  return {
    routes: [
      ...pageRoutes('demo.html'),
      pageRoute('/punch', 'punch.html'),
      { method: 'GET', path: '/api/v1/demo/punch', answer: (ask) => showPunch(ask, actions.punch) },
      { method: 'GET', path: '/api/v1/demo', answer: (ask) => sendJson(ask, actions.state()) },
      { method: 'GET', path: '/api/v1/demo/events', answer: (ask) => events.answer(ask) },
      { method: 'POST', path: '/api/v1/demo/cut', answer: (ask) => carryOut(ask, 'id', actions.cut) },
      { method: 'POST', path: '/api/v1/demo/restore', answer: (ask) => carryOut(ask, 'id', actions.restore) },
      { method: 'POST', path: '/api/v1/demo/add', answer: (ask) => carryOut(ask, 'nat', actions.add) },
    ],
    stop: () => events.stop(),
  };
}

function showPunch(ask: Ask, punch: DemoActions['punch']): void {
  const query = new URL(ask.request.url ?? '', 'http://demo').searchParams;
  const film = punch(query.get('asks') ?? '', query.get('listens') ?? '', Number(query.get('seed') ?? 1) >>> 0);
  if (typeof film === 'string') sendText(ask, 400, `${film}\n`);
  else sendJson(ask, film);
}

function carryOut(ask: Ask, field: string, action: (value: string) => string | undefined): void {
  readOrder(ask, (order) => {
    const value = order?.[field];
    if (typeof value !== 'string' || value.length > 200) {
      sendText(ask, 400, `This wants a JSON object with the text "${field}".\n`);
      return;
    }
    const problem = action(value);
    if (problem === undefined) sendJson(ask, { done: true });
    else sendText(ask, 409, `${problem}\n`);
  });
}
