import type { Address } from '../base/address.ts';
import type { Machine } from '../base/machine.ts';
import { at, type Instant } from '../base/time.ts';
import type { Again, IntakeEffect, IntakeInput } from '../media/intake.ts';
import type { Source } from '../media/source.ts';
import { FileHands, memoryHands, stdinHands } from './source-file.ts';
import type { Hands, HandsEvents } from './source-hands.ts';
import { HttpHands } from './source-http.ts';
import { PushHands } from './source-push.ts';
import { TcpHands, TcpListenHands } from './source-tcp.ts';
import { UdpHands } from './source-udp.ts';

export interface SourceEvents {
  /** Whole packets of 188 bytes, in order and at the pace of the stream. Not to be written to. */
  readonly packets: (bytes: Uint8Array) => void;
  /** Packets come now that do not continue earlier ones. */
  readonly up: () => void;
  readonly down: (reason: string, again: Again) => void;
  /** A listening source is bound; with port 0 this tells the port. */
  readonly listening?: (place: Address) => void;
  /** An encoder was turned away because another one is there. */
  readonly refused?: (who: string, why: string) => void;
}

/** A source that runs. */
export interface OpenSource {
  stop(): void;
}

/**
 * Opens a source and keeps it open: `intake` (media/intake.ts, made for the same source) decides, this carries out.
 * `memory` stands in for the file that a source names. Nothing a source does or sends throws; it only goes down with a
 * reason and, where that makes sense, comes back.
 */
export function openSource(
  source: Source,
  intake: Machine<IntakeInput, IntakeEffect>,
  events: SourceEvents,
  memory?: Uint8Array,
): OpenSource {
  const queue: IntakeInput[] = [];
  let busy = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const tell = (input: IntakeInput): void => {
    queue.push(input);
    if (busy || stopped) return;
    busy = true;
    try {
      for (let next = queue.shift(); next !== undefined && !stopped; next = queue.shift()) {
        for (const effect of intake.step(next, now())) act(effect, hands, events);
      }
    } finally {
      busy = false;
    }
    clearTimeout(timer);
    const wake = intake.wake();
    if (wake !== undefined && !stopped) timer = setTimeout(() => tell({ kind: 'tick' }), Math.max(0, wake - now()));
  };

  const ears: HandsEvents = {
    tell,
    listening: (place) => events.listening?.(place),
    refused: (who, why) => events.refused?.(who, why),
  };
  const hands = memory === undefined ? handsFor(source, ears) : memoryHands(memory, ears);
  tell({ kind: 'start' });
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      hands.stop();
    },
  };
}

const now = (): Instant => at(performance.now());

function act(effect: IntakeEffect, hands: Hands, events: SourceEvents): void {
  switch (effect.kind) {
    case 'packets':
      events.packets(effect.bytes);
      return;
    case 'up':
      events.up();
      return;
    case 'down':
      events.down(effect.reason, effect.again);
      return;
    case 'open':
      hands.open();
      return;
    case 'close':
      hands.close();
      return;
    case 'pause':
      hands.pause();
      return;
    case 'resume':
      hands.resume();
  }
}

function handsFor(source: Source, events: HandsEvents): Hands {
  switch (source.kind) {
    case 'stdin':
      return stdinHands(events);
    case 'file':
      return new FileHands(source.path, events);
    case 'udp':
      return new UdpHands(source, events);
    case 'http':
      return new HttpHands(source.url, events);
    case 'http-listen':
      return new PushHands(source, events);
    case 'tcp':
      return new TcpHands(source.host, source.port, events);
    case 'tcp-listen':
      return new TcpListenHands(source.ip, source.port, events);
  }
}
