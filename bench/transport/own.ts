import { after, type Instant, minutes } from '../../agent/base/time.ts';
import { monotonic } from '../../agent/io/drive.ts';
import { hasAes, nodeCipher, secureRandom } from '../../agent/io/crypto.ts';
import { Udp } from '../../agent/io/udp.ts';
import { decodeHeader } from '../../agent/seal/header.ts';
import { Session } from '../../agent/seal/session.ts';
import { Connection, type Input } from '../../agent/transport/connection.ts';
import type { End, Pipe } from './stack.ts';

/** hearth's session and transport over io/udp, with fixed keys: no handshake is in any figure. */
export async function open(end: End): Promise<Pipe> {
  const cipher = nodeCipher();
  const key = (name: string, length: number): Uint8Array =>
    cipher.hash(new Uint8Array([end.port >> 8, end.port & 255, name.charCodeAt(0)])).slice(0, length);
  const [mine, theirs] = end.initiator ? (['a', 'b'] as const) : (['b', 'a'] as const);
  const header = cipher.block(key(mine.toUpperCase(), 16));
  const session = new Session({
    cipher,
    suite: hasAes() ? 'aes-128-ocb' : 'chacha20-poly1305',
    keys: { send: key(mine, 32), receive: key(theirs, 32) },
    theirIndex: 1,
    theirHeader: cipher.block(key(theirs.toUpperCase(), 16)),
    window: 2048,
    random: secureRandom,
  });
  const connection = new Connection({
    random: secureRandom,
    queue: 64 * 1024 * 1024,
    pad: (counter, most) => session.pad(counter, most),
  });
  const to = { ip: end.remote, port: end.port };
  let timer: NodeJS.Timeout | undefined;
  let armed: Instant | number = Infinity;

  const step = (input: Input): void => {
    const now = monotonic();
    for (const effect of connection.step(input, now)) {
      if (effect.kind === 'send') udp.send(to, session.seal(effect.counter, effect.body, effect.pad, now));
      else if (effect.kind === 'deliver') end.onMessage(effect.bytes);
    }
    const wake = connection.wake();
    if (wake === undefined || armed <= wake) return;
    clearTimeout(timer);
    armed = wake;
    timer = setTimeout(() => {
      armed = Infinity;
      step({ kind: 'tick' });
    }, wake - now);
  };

  const udp = await Udp.bind({ ip: end.local, port: end.port }, (_from, datagram) => {
    const head = decodeHeader(datagram, header);
    if (head === undefined) return;
    const opened = session.open(head, datagram, monotonic());
    if (typeof opened !== 'string') step({ kind: 'body', counter: head.counter, bytes: opened.body });
  });
  if (process.env['TRANSPORT_STATS'] !== undefined) {
    setInterval(() => console.error(end.local, JSON.stringify(connection.stats())), 1000).unref();
  }

  return {
    queued: () => connection.queued,
    send: (bytes) => step({ kind: 'message', bytes, deadline: after(monotonic(), minutes(10)) }),
  };
}
