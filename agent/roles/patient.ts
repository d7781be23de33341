import { BAITS } from '../base/bait.ts';
import type { Address } from '../base/address.ts';
import { bytesOf } from '../base/bytes.ts';
import type { Config } from '../config/schema.ts';
import { Examination } from '../doctor/examination.ts';
import type { ExaminationEffect, ExaminationInput } from '../doctor/orders.ts';
import type { Facts, LineTried } from '../doctor/facts.ts';
import { hasAes, nodeCipher, secureRandom } from '../io/crypto.ts';
import { Drive } from '../io/drive.ts';
import { tryLine } from '../io/line-test.ts';
import { askGateway } from '../io/upnp-http.ts';
import type { Terrain } from '../uplink/terrain.ts';

/** For each connection of a line test, ms. */
const LINE_PATIENCE = 2500;
/** Mappings are taken back in this time, or run out by themselves; ms. */
const FAREWELL = 1500;

/** The doctor's examination on real sockets. */
export class Patient {
  /** What there was to see, once nothing more is. */
  readonly examined: Promise<Pick<Facts, 'sight' | 'lines' | 'clock'>>;
  readonly #drive: Drive<ExaminationInput, ExaminationEffect>;
  readonly #left = Promise.withResolvers<void>();
  #lines: readonly LineTried[] | undefined;
  #clock: Facts['clock'] = { own: Date.now(), theirs: undefined };

  constructor(config: Config, own: readonly string[], terrain: Terrain) {
    const cipher = nodeCipher();
    const examination = new Examination({
      cipher,
      random: secureRandom,
      identity: cipher.pair(cipher.random(32)),
      servers: config.rendezvous,
      networkSecret: bytesOf(config.networkSecret),
      suites: hasAes() ? ['aes-128-gcm', 'chacha20-poly1305'] : ['chacha20-poly1305'],
      local: { ip: '0.0.0.0', port: config.udpPort },
      own,
      four: terrain.uplinks.find(({ family }) => family === 4),
      six: terrain.uplinks.find(({ family }) => family === 6),
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.examined = promise.then(() => ({ sight: examination.sight, lines: this.#lines, clock: this.#clock }));
    this.#drive = new Drive<ExaminationInput, ExaminationEffect>(examination, (effect) => {
      switch (effect.kind) {
        case 'http':
          void askGateway(effect).then((answer) => this.#drive.give(answer));
          return;
        case 'line-ready':
          this.#clock = { own: Date.now(), theirs: effect.clock === 0 ? undefined : effect.clock };
          if (effect.to !== undefined) void this.#tryLines(effect.to);
          return;
        case 'over':
          resolve();
          return;
        case 'left':
          this.#left.resolve();
      }
    });
    this.#drive.give({ kind: 'start' });
  }

  /** Takes back what gateways were asked for. */
  async leave(): Promise<void> {
    this.#drive.give({ kind: 'leave' });
    const timer = setTimeout(this.#left.resolve, FAREWELL);
    await this.#left.promise;
    clearTimeout(timer);
    this.#drive.stop();
  }

  async #tryLines(to: Address): Promise<void> {
    this.#lines = await Promise.all(BAITS.map((bait) => tryLine(to, bait, secureRandom, LINE_PATIENCE)));
    this.#drive.give({ kind: 'lines-tried' });
  }
}
