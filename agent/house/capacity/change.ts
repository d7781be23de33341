import { type Instant, type Millis, since } from '../../base/time.ts';
import type { Around } from './orders.ts';

/** Counters since the machine was started; undefined where the system does not tell. */
export interface MachineCounters {
  /** Bytes that left by the interface that leads out. */
  readonly sentBytes: number | undefined;
  /** What that could carry, Mbit/s; Wi-Fi and virtual interfaces do not say. */
  readonly linkMbits: number | undefined;
  /** Of all cores together, in ticks. */
  readonly ticks: { readonly busy: number; readonly all: number } | undefined;
  /** This process, all its threads, in milliseconds. */
  readonly ownMs: number;
  readonly freeBytes: number | undefined;
}

export interface Counted extends MachineCounters {
  /** Of what left by that interface: ours, with all headers. */
  readonly ourBytes: number;
}

/** What happened between two looks at the counters of the machine, the second of which came `late`. */
export function changeOf(before: Counted, now: Counted, then: Instant, at: Instant, late: Millis): Around {
  const span = Math.max(1, since(then, at));
  const all = (now.ticks?.all ?? 0) - (before.ticks?.all ?? 0);
  const busy = (now.ticks?.busy ?? 0) - (before.ticks?.busy ?? 0);
  const sent =
    now.sentBytes === undefined || before.sentBytes === undefined ? undefined : now.sentBytes - before.sentBytes;
  const ours = now.ourBytes - before.ourBytes;
  return {
    own: (now.ownMs - before.ownMs) / span,
    machine: all > 0 ? busy / all : 0,
    late,
    freeBytes: now.freeBytes,
    // A counter that was set back says nothing; a few of ours may leave by another interface.
    others: sent === undefined || sent < 0 ? undefined : Math.max(0, sent - ours) / span,
    link: now.linkMbits === undefined ? undefined : now.linkMbits * BYTES_PER_MS,
  };
}

/** 1 Mbit/s. */
const BYTES_PER_MS = 125;
