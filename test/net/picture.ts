import type { Child } from './child.ts';
import type { Lab, Space } from './lab.ts';

/** A moving test picture with noise and a tone: H.264 and AAC at about 5 Mbit/s, filled up to 6 with null packets, a keyframe a second. */
const ENCODE = [
  ...['ffmpeg', '-hide_banner', '-v', 'warning', '-nostdin'],
  ...['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=25,noise=alls=24:allf=t'],
  ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000'],
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p', '-g', '25'],
  ...['-b:v', '4500k', '-maxrate', '4500k', '-bufsize', '2000k', '-c:a', 'aac', '-b:a', '128k'],
  ...['-f', 'mpegts', '-muxrate', '6M', '-flush_packets', '1'],
];

/** A real encoder at the pace of the clock; `take` gets what it makes. */
export function encoder(lab: Lab, space: Space, take: (bytes: Buffer) => void): Child {
  return lab.run(space, [...ENCODE, 'pipe:1'], { onBytes: take });
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
