import { crc32 } from '../../agent/media/tables.ts';
import { writePcr } from '../../agent/media/pcr.ts';
import { writeTime } from '../../agent/media/pes.ts';

/** Builds transport stream packets by hand, so that a test says exactly what is in them. */
export interface PacketPlan {
  readonly pid: number;
  readonly counter?: number;
  readonly start?: boolean;
  readonly randomAccess?: boolean;
  readonly discontinuity?: boolean;
  readonly damaged?: boolean;
  /** 27 MHz ticks. */
  readonly pcr?: number;
  /** At most 184 bytes less what the adaptation field takes; undefined for a packet without payload. */
  readonly payload?: Uint8Array;
}

export function packet(plan: PacketPlan): Uint8Array {
  const { pid, counter = 0, start = false, payload } = plan;
  const bytes = new Uint8Array(188).fill(0xff);
  const flags =
    (plan.discontinuity === true ? 0x80 : 0) |
    (plan.randomAccess === true ? 0x40 : 0) |
    (plan.pcr === undefined ? 0 : 0x10);
  const least = plan.pcr === undefined ? (flags === 0 ? 0 : 2) : 8;
  const room = 184 - (payload?.length ?? 0);
  if (room < least) throw new Error(`payload of ${payload?.length} does not fit`);
  bytes[0] = 0x47;
  bytes[1] = (plan.damaged === true ? 0x80 : 0) | (start ? 0x40 : 0) | (pid >> 8);
  bytes[2] = pid & 255;
  bytes[3] = (room > 0 ? 0x20 : 0) | (payload === undefined ? 0 : 0x10) | (counter & 15);
  if (room > 0) bytes[4] = room - 1;
  if (room > 1) bytes[5] = flags;
  if (plan.pcr !== undefined) writePcr(bytes, 0, plan.pcr);
  if (payload !== undefined) bytes.set(payload, 188 - payload.length);
  return bytes;
}

/** A section with its length and CRC put in; `body` starts behind the length. */
export function section(table: number, body: readonly number[]): Uint8Array {
  const length = body.length + 4;
  const bytes = Uint8Array.from([table, 0xb0 | (length >> 8), length & 255, ...body, 0, 0, 0, 0]);
  const crc = crc32(bytes.subarray(0, -4));
  bytes.set([crc >>> 24, (crc >> 16) & 255, (crc >> 8) & 255, crc & 255], bytes.length - 4);
  return bytes;
}

export const pat = (programmes: Readonly<Record<number, number>>, version = 0): Uint8Array =>
  section(0, [
    0,
    1,
    0xc1 | (version << 1),
    0,
    0,
    ...Object.entries(programmes).flatMap(([number, pid]) => [
      Number(number) >> 8,
      Number(number) & 255,
      0xe0 | (pid >> 8),
      pid & 255,
    ]),
  ]);

export interface StreamPlan {
  readonly pid: number;
  readonly type: number;
  readonly descriptors?: readonly number[];
}

export const pmt = (number: number, pcrPid: number, streams: readonly StreamPlan[], version = 0): Uint8Array =>
  section(2, [
    number >> 8,
    number & 255,
    0xc1 | (version << 1),
    0,
    0,
    0xe0 | (pcrPid >> 8),
    pcrPid & 255,
    0xf0,
    0,
    ...streams.flatMap(({ pid, type, descriptors = [] }) => [
      type,
      0xe0 | (pid >> 8),
      pid & 255,
      0xf0,
      descriptors.length,
      ...descriptors,
    ]),
  ]);

/** A section as packets of a PID, as many as it takes. */
export function carry(pid: number, bytes: Uint8Array, counter = 0): Uint8Array[] {
  const all = Uint8Array.from([0, ...bytes]);
  const packets: Uint8Array[] = [];
  for (let at = 0; at < all.length; at += 184) {
    const payload = new Uint8Array(184).fill(0xff);
    payload.set(all.subarray(at, at + 184));
    packets.push(packet({ pid, counter: (counter + packets.length) & 15, start: at === 0, payload }));
  }
  return packets;
}

/** A PES header with PTS and what follows it. */
export function pes(content: readonly number[], pts = 0, id = 0xe0): Uint8Array {
  const bytes = Uint8Array.from([0, 0, 1, id, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1, ...content]);
  writeTime(bytes, 9, pts);
  return bytes;
}

/** Starts of access units as encoders write them: delimiter, then what the picture is. */
export const NAL = {
  h264Key: [0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 0x64, 0, 0x1f],
  h264Idr: [0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x65, 0x88],
  h264Other: [0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x41, 0x9a],
  h265Key: [0, 0, 0, 1, 0x46, 1, 0x50, 0, 0, 0, 1, 0x40, 1],
  h265Cra: [0, 0, 1, 0x2a, 1],
  h265Other: [0, 0, 0, 1, 0x46, 1, 0x50, 0, 0, 1, 0x02, 1],
  mpeg2Key: [0, 0, 1, 0xb3, 0x14],
  mpeg2Other: [0, 0, 1, 0, 0x10],
} as const;

export const PID = { pmt: 0x100, video: 0x200, audio: 0x201 } as const;

export interface ShowPlan {
  readonly seconds: number;
  readonly pictures: number;
  /** Pictures from key to key. */
  readonly gop: number;
  /** Packets of one picture. */
  readonly size?: number;
  /** Null packets behind each picture. */
  readonly nulls?: number;
  readonly randomAccess?: boolean;
}

/** A small sound programme: tables each 10 pictures, H.264 pictures with clock, some audio, counters without a fault. */
export function show(plan: ShowPlan): Uint8Array {
  const { size = 6, nulls = 0, randomAccess = true } = plan;
  const counters = new Map<number, number>();
  const next = (pid: number): number => {
    const counter = ((counters.get(pid) ?? -1) + 1) & 15;
    counters.set(pid, counter);
    return counter;
  };
  const packets: Uint8Array[] = [];
  const streams = [
    { pid: PID.video, type: 0x1b },
    { pid: PID.audio, type: 0x0f },
  ];
  for (let picture = 0; picture < plan.seconds * plan.pictures; picture++) {
    if (picture % 10 === 0) {
      packets.push(...carry(0, pat({ 1: PID.pmt }), next(0)));
      packets.push(...carry(PID.pmt, pmt(1, PID.video, streams), next(PID.pmt)));
    }
    const time = Math.round((picture * 90_000) / plan.pictures);
    const key = picture % plan.gop === 0;
    for (let i = 0; i < size; i++) {
      const first = i === 0;
      packets.push(
        packet({
          pid: PID.video,
          counter: next(PID.video),
          start: first,
          randomAccess: first && key && randomAccess,
          ...(first ? { pcr: time * 300 } : {}),
          payload: first
            ? pes(key ? NAL.h264Key : NAL.h264Other, time + 9000)
            : new Uint8Array(184).fill((picture * 7 + i) & 255),
        }),
      );
    }
    packets.push(
      packet({
        pid: PID.audio,
        counter: next(PID.audio),
        start: true,
        randomAccess: true,
        payload: pes([0xff, picture & 255], time + 9000, 0xc0),
      }),
    );
    for (let i = 0; i < nulls; i++) packets.push(nullPacket());
  }
  return join(packets);
}

export const nullPacket = (): Uint8Array =>
  Uint8Array.from({ length: 188 }, (_, i) => [0x47, 0x1f, 0xff, 0x10][i] ?? 0xff);

export function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** The same bytes in pieces of the given sizes, the last as long as it takes. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let position = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(position, position + size));
    position += size;
  }
  pieces.push(bytes.subarray(position));
  return pieces;
}

/** Faults of the continuity counters by the rules of the standard, in code of its own: no reader of ours is asked. */
export function continuityFaults(bytes: Uint8Array): number {
  const last = new Map<number, number>();
  let faults = 0;
  for (let at = 0; at < bytes.length; at += 188) {
    const header = Buffer.from(bytes.subarray(at, at + 6));
    const pid = header.readUInt16BE(1) & 0x1fff;
    if (pid === 0x1fff) continue;
    const flags = header.readUInt8(3);
    const counter = flags & 15;
    const jump = (flags & 0x20) !== 0 && header.readUInt8(4) > 0 && (header.readUInt8(5) & 0x80) !== 0;
    const before = last.get(pid);
    const expected = before === undefined || (flags & 0x10) === 0 ? before : (before + 1) & 15;
    if (expected !== undefined && !jump && counter !== expected) faults++;
    last.set(pid, counter);
  }
  return faults;
}
