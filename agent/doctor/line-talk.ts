import type { Address } from '../base/address.ts';
import { seconds } from '../base/time.ts';
import type { ClientEffect, ClientInput } from '../rendezvous/client.ts';
import type { LineReady, LineReport } from '../wire/messages.ts';

type Ask = Extract<ClientInput, { kind: 'line-test' | 'line-ask' }>;

const TEST = 1;
const ASK = 2;
/** For each of the two questions. */
const PATIENCE = seconds(5);

/** What is said with a rendezvous about connections to it: may they come, and what was seen of them. */
export class LineTalk {
  #ready: LineReady | undefined;
  #report: LineReport | undefined;
  #over = false;

  get ready(): LineReady | undefined {
    return this.#ready;
  }

  get report(): LineReport | undefined {
    return this.#report;
  }

  /** Nothing more is to be heard. */
  get over(): boolean {
    return this.#over;
  }

  begin(): Ask {
    return { kind: 'line-test', request: TEST, patience: PATIENCE };
  }

  /** Our connections have ended. */
  goOn(): Ask {
    return { kind: 'line-ask', request: ASK, patience: PATIENCE };
  }

  /** Where connections to this host may be made now; undefined: nowhere. */
  invited(ready: LineReady, host: Address | undefined): Address | undefined {
    this.#ready = ready;
    if (ready.port !== 0 && host !== undefined) return { ip: host.ip, port: ready.port };
    this.#over = true;
    return undefined;
  }

  told(report: LineReport): void {
    this.#report = report;
    this.#over = true;
  }

  refused({ request }: Extract<ClientEffect, { kind: 'refused' }>): void {
    if (request === TEST || request === ASK) this.#over = true;
  }
}
