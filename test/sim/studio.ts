import type { ChannelTaken } from '../../agent/config/schema.ts';
import { at, type Instant } from '../../agent/base/time.ts';
import type { BlockWritten } from '../../agent/blocks/writer.ts';
import type { EndpointOptions } from '../../agent/house/endpoint.ts';
import { Origin, type OriginEffect, type OriginInput } from '../../agent/house/origin.ts';
import type { KeyPair } from '../../agent/seal/cipher.ts';
import type { Drive } from '../../agent/sim/drive.ts';
import type { Host } from '../../agent/sim/host.ts';
import type { World } from '../../agent/sim/world.ts';

/** What stays of an origin in its state directory. */
export interface Kept {
  readonly name: string;
  readonly pair: KeyPair;
  readonly children: number;
  readonly token?: Uint8Array | undefined;
}

/** A place with an encoder and an origin, which can be killed and started again. */
export class Studio {
  readonly host: Host;
  /** All blocks that any start of the origin wrote. */
  readonly written: BlockWritten[] = [];
  readonly events: { readonly name: string; readonly at: Instant; readonly fields: object }[] = [];
  readonly #world: World;
  readonly #kept: Kept;
  readonly #place: Omit<EndpointOptions, 'role' | 'children'>;
  #origin: Origin;
  #drive: Drive<OriginInput, OriginEffect>;

  constructor(world: World, host: Host, place: Omit<EndpointOptions, 'role' | 'children'>, kept: Kept) {
    this.#world = world;
    this.host = host;
    this.#kept = kept;
    this.#place = place;
    [this.#origin, this.#drive] = this.#begin(1, kept.token);
  }

  get origin(): Origin {
    return this.#origin;
  }

  /** The channel's key. */
  get pair(): KeyPair {
    return this.#kept.pair;
  }

  get drive(): Drive<OriginInput, OriginEffect> {
    return this.#drive;
  }

  /** What a household is told that is to watch it. */
  get channel(): ChannelTaken {
    return { id: this.#kept.pair.publicKey, token: this.#kept.token };
  }

  /** The power is cut. */
  kill(): void {
    this.#drive.stop();
  }

  /** After `kill`; another token in place of the old one, if one is given. */
  start(epoch: number, token = this.#kept.token): void {
    [this.#origin, this.#drive] = this.#begin(epoch, token);
  }

  /** An encoder: so many bytes of `stream` every 40 ms, again and again. */
  play(stream: Uint8Array, from: Instant, span: number, bytesPerTick: number): void {
    let position = 0;
    for (let t = 0; t < span; t += 40) {
      this.#world.at(at(from + t), () => {
        const end = Math.min(position + bytesPerTick, stream.length);
        const bytes = stream.subarray(position, end);
        position = end === stream.length ? 0 : end;
        this.#drive.give({ kind: 'source', input: { kind: 'packets', bytes } });
      });
    }
  }

  #begin(epoch: number, token: Uint8Array | undefined): [Origin, Drive<OriginInput, OriginEffect>] {
    const { name, pair: channel, children } = this.#kept;
    const role = 'origin';
    const origin = new Origin({ ...this.#place, role, children, channel, epoch, token, name, now: this.host.now() });
    const drive = this.host.run<OriginInput, OriginEffect>(origin, (effect, now) => {
      if (effect.kind === 'written') this.written.push(effect.block);
      if (effect.kind === 'event') this.events.push({ name: effect.name, at: now, fields: effect.fields });
      if (effect.kind === 'published') this.events.push({ name: 'published', at: now, fields: { epoch } });
    });
    drive.give({ kind: 'start' });
    return [origin, drive];
  }
}
