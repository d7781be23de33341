import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { get as getSecure } from 'node:https';
import { VERSION } from '../base/version.ts';
import { Flow, type Hands, type HandsEvents, reasonOf } from './source-hands.ts';

const ANSWER_MS = 10_000;
const REDIRECTS_MOST = 5;

/** Pulls a stream from a web server, as a player would. */
export class HttpHands implements Hands {
  readonly #url: string;
  readonly #events: HandsEvents;
  readonly #flow: Flow;
  #asking: ClientRequest | undefined;

  constructor(url: string, events: HandsEvents) {
    this.#url = url;
    this.#events = events;
    this.#flow = new Flow(events.tell);
  }

  open(): void {
    this.close();
    this.#ask(this.#url, REDIRECTS_MOST);
  }

  close(): void {
    const asking = this.#asking;
    this.#asking = undefined;
    asking?.destroy();
    this.#flow.drop();
  }

  pause(): void {
    this.#flow.pause();
  }

  resume(): void {
    this.#flow.resume();
  }

  stop(): void {
    this.close();
  }

  #ask(url: string, redirects: number): void {
    let request: ClientRequest;
    try {
      const options = {
        headers: { 'User-Agent': `hearth/${VERSION}`, Accept: '*/*' },
        timeout: ANSWER_MS,
        agent: false,
      };
      request = url.toLowerCase().startsWith('https:') ? getSecure(url, options) : get(url, options);
    } catch (error) {
      this.#events.tell({ kind: 'failed', reason: reasonOf(error) });
      return;
    }
    this.#asking = request;
    request.on('error', (error) => this.#fail(request, reasonOf(error)));
    request.on('timeout', () => this.#fail(request, 'no answer'));
    request.on('response', (response) => this.#answered(request, response, url, redirects));
  }

  #answered(request: ClientRequest, response: IncomingMessage, url: string, redirects: number): void {
    if (this.#asking !== request) return;
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (status >= 300 && status < 400 && location !== undefined && URL.canParse(location, url)) {
      this.#asking = undefined;
      request.destroy();
      if (redirects > 0) this.#ask(new URL(location, url).href, redirects - 1);
      else this.#events.tell({ kind: 'failed', reason: 'the server sends us round in circles' });
    } else if (status !== 200 && status !== 206) {
      this.#fail(request, `the server answered ${status} ${response.statusMessage ?? ''}`.trim());
    } else {
      this.#asking = undefined;
      // From here on silence is media/intake.ts's to judge.
      request.setTimeout(0);
      this.#flow.take(response, 'the server ended the stream');
    }
  }

  #fail(request: ClientRequest, reason: string): void {
    if (this.#asking !== request) return;
    this.#asking = undefined;
    request.destroy();
    this.#events.tell({ kind: 'failed', reason });
  }
}
