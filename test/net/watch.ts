import type { Flows, Tally } from './flows.ts';
import type { Line } from './line.ts';

/** What a household has asked of its router and line since the watch began. */
export interface Load {
  /** Inside sockets with an outside port; a NAT that gives one per destination counts each. */
  readonly mappings: Tally;
  /** Rows in the kernel's table, one for each destination of each socket; none where the kernel keeps no table. */
  readonly flows: Tally;
  /** Datagrams that came to the line: away from the household, and towards it; `fastest` in the busiest second. */
  readonly there: { readonly packets: number; readonly fastest: number };
  readonly back: { readonly packets: number; readonly fastest: number };
}

/** Counts mappings, flows and datagrams of one household. */
export class Watch {
  readonly #line: Line;
  readonly #flows: Flows;

  constructor(line: Line, flows: Flows) {
    this.#line = line;
    this.#flows = flows;
  }

  async read(): Promise<Load> {
    const { nat, passed, lost, full, fastest } = await this.#line.count();
    const { flows, mappings } = this.#flows.read();
    return {
      mappings:
        nat === undefined ? mappings : { living: nat.living, most: nat.most, made: nat.made, fastest: nat.fastest },
      flows,
      there: { packets: passed[0] + lost[0] + full[0], fastest: fastest[0] },
      back: { packets: passed[1] + lost[1] + full[1], fastest: fastest[1] },
    };
  }

  async stop(): Promise<void> {
    await this.#flows.stop();
  }
}
