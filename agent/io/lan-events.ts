import type { ServerResponse } from 'node:http';
import type { Millis } from '../base/time.ts';
import { type Ask, sendText } from './http.ts';

/** A page that did not take its news for so many turns is gone. */
const PATIENCE = 15;
/** Pages open at once; each costs a socket and one write per turn. */
const MOST = 32;

/** Server-sent events: the same text to every open page, made once per turn and only while a page is open. */
export class Events {
  readonly #pages = new Map<ServerResponse, { late: number }>();
  readonly #interval: Millis;
  readonly #news: () => unknown;
  #clock: NodeJS.Timeout | undefined;

  /** `news` gives the value that is sent as JSON each `interval`. */
  constructor(interval: Millis, news: () => unknown) {
    this.#interval = interval;
    this.#news = news;
  }

  get open(): number {
    return this.#pages.size;
  }

  answer(ask: Ask): void {
    const { request, response } = ask;
    if (this.#pages.size >= MOST) {
      sendText(ask, 503, `${MOST} pages watch already. Close one.\n`);
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    request.socket.setTimeout(0);
    this.#pages.set(response, { late: 0 });
    response.on('close', () => this.#closed(response));
    response.write(`retry: 1000\n\n${this.#text()}`);
    this.#clock ??= setInterval(() => this.#turn(), this.#interval);
  }

  stop(): void {
    clearInterval(this.#clock);
    this.#clock = undefined;
    for (const page of this.#pages.keys()) page.destroy();
  }

  #closed(page: ServerResponse): void {
    this.#pages.delete(page);
    if (this.#pages.size > 0) return;
    clearInterval(this.#clock);
    this.#clock = undefined;
  }

  #turn(): void {
    const text = this.#text();
    for (const [page, state] of this.#pages) {
      if (page.writableNeedDrain) {
        state.late++;
        if (state.late > PATIENCE) page.destroy();
      } else {
        state.late = 0;
        page.write(text);
      }
    }
  }

  #text(): string {
    return `data: ${JSON.stringify(this.#news())}\n\n`;
  }
}
