import type { Child } from './child.ts';
import type { Lab, Space } from './lab.ts';

/** How much a picture is: H.264 and AAC, filled up to `muxKbits` with null packets. */
interface Picture {
  readonly size: string;
  readonly videoKbits: number;
  readonly audioKbits: number;
  readonly muxKbits: number;
}

/** About 5 Mbit/s. */
const LARGE: Picture = { size: '640x360', videoKbits: 4500, audioKbits: 128, muxKbits: 6000 };
/**
 * What thirty households on two cores can pass on: 0.37 Mbit/s. With 0.9 they need more than two cores, all of them are late
 * together, and each sheds its children because its processor is full.
 */
export const SMALL: Picture = { size: '320x180', videoKbits: 256, audioKbits: 32, muxKbits: 400 };

/** A moving test picture with noise and a tone, a keyframe a second, at the pace of the clock; `take` gets what the encoder makes. */
export function encoder(lab: Lab, space: Space, take: (bytes: Buffer) => void, picture: Picture = LARGE): Child {
  const { size, videoKbits, audioKbits, muxKbits } = picture;
  const rate = `${videoKbits}k`;
  const encode = [
    ...['ffmpeg', '-hide_banner', '-v', 'warning', '-nostdin'],
    ...['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25,noise=alls=24:allf=t`],
    ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25'],
    ...['-b:v', rate, '-maxrate', rate, '-bufsize', `${Math.round(videoKbits * 0.44)}k`],
    ...['-c:a', 'aac', '-b:a', `${audioKbits}k`],
    ...['-f', 'mpegts', '-muxrate', `${muxKbits}k`, '-flush_packets', '1', 'pipe:1'],
  ];
  return lab.run(space, encode, { onBytes: take });
}

/** What a player would get, and when it got it. */
export interface Recording {
  readonly child: Child;
  bytes(): Buffer;
  /** Longest time without a byte so far, in ms, from the first byte on. */
  pause(): number;
}

/** Takes a stream over HTTP on a host of the LAN and keeps it. */
export function record(lab: Lab, space: Space, url: string): Recording {
  const pieces: Buffer[] = [];
  let [last, longest] = [0, 0];
  const child = lab.run(space, ['curl', '-sSN', url], {
    onBytes: (bytes) => {
      const now = performance.now();
      if (last !== 0) longest = Math.max(longest, now - last);
      last = now;
      pieces.push(bytes);
    },
  });
  return { child, bytes: () => Buffer.concat(pieces), pause: () => longest };
}

/** Plays a stream with ffmpeg for so long, decoding all of it; answers with what it complained of. */
export async function play(lab: Lab, space: Space, url: string, seconds: number): Promise<string> {
  const child = lab.run(space, [
    ...['ffmpeg', '-hide_banner', '-v', 'warning', '-nostdin', '-i', url, '-t', String(seconds), '-f', 'null', '-'],
  ]);
  const code = await child.ended;
  return code === 0 ? child.errors : `ended with ${code}: ${child.errors}`;
}

/** The codecs that ffprobe finds. */
export async function codecsOf(lab: Lab, space: Space, url: string): Promise<readonly string[]> {
  const words = ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', url];
  const child = lab.run(space, ['ffprobe', ...words]);
  await child.ended;
  return [...new Set(child.lines.filter((line) => line !== ''))].toSorted();
}
