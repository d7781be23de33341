import { test } from 'vitest';
import { seeded } from '../../agent/base/random.ts';
import { at } from '../../agent/base/time.ts';
import { Connection } from '../../agent/transport/connection.ts';
import {
  decode,
  writeAck,
  writeChallenge,
  writeClose,
  writeMessage,
  writePing,
  writeResponse,
  writeShortMessage,
} from '../../agent/transport/frames.ts';
import { hammer } from './hammer.ts';

function body(write: (body: Uint8Array) => number): Uint8Array {
  const room = new Uint8Array(1168);
  return room.slice(0, write(room));
}

const EIGHT = Uint8Array.from({ length: 8 }, (_, i) => i);
const GOOD = [
  body((room) => writePing(room, writeAck(room, 0, [40, 30, 20, 20, 12, 3], 2.5))),
  body((room) => writeMessage(room, writeAck(room, 0, [900, 0], 0), 7, new Uint8Array(1140))),
  body((room) => writeMessage(room, writeShortMessage(room, 0, 5, new Uint8Array(20)), 6, new Uint8Array(30))),
  body((room) => writeResponse(room, writeChallenge(room, 0, EIGHT), EIGHT)),
  body((room) => writeClose(room, 0, 1)),
];

test('frames are read or refused', () => {
  hammer(GOOD, (bytes) => void decode(bytes));
});

test('a connection in use survives whatever a broken peer says', () => {
  let connection: Connection | undefined;
  let counter = 0;
  let now = 0;
  hammer(GOOD, (bytes) => {
    now += 0.5;
    if (connection === undefined || counter > 2000) {
      connection = new Connection({ random: seeded(1) });
      counter = 0;
    }
    connection.step({ kind: 'message', bytes: EIGHT }, at(now));
    const effects = connection.step({ kind: 'body', counter: counter++, bytes: bytes.slice(0, 1168) }, at(now));
    if (effects.some((effect) => effect.kind === 'closed')) connection = undefined;
    else connection.step({ kind: 'tick' }, at(now));
  });
});
