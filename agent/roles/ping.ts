import { fromBase32 } from '../base/text32.ts';
import { Ping, type PingEffect, type PingInput } from '../house/ping.ts';
import { readTable } from '../io/conntrack.ts';
import { nodeCipher } from '../io/crypto.ts';
import { Drive } from '../io/drive.ts';
import { StateFolder } from '../io/files.ts';
import { logEvent } from './events.ts';
import { placeOf } from './place.ts';
import type { Role } from './role.ts';

/** `hearth ping NODE-ID`: joins as a new household would, and says how the other one was reached. */
export const ping: Role = async (config, out, log) => {
  const cipher = nodeCipher();
  const node = fromBase32(config.words[0] ?? '');
  if (node === undefined) throw new Error('the NODE-ID is not 52 characters of base32');
  const state = config.state === '' ? undefined : await StateFolder.open(config.state, log);
  const secret = await state?.key('node.key', () => cipher.random(32));
  const identity = cipher.pair(secret ?? cipher.random(32));
  const { promise: done, resolve, reject } = Promise.withResolvers<number>();
  const machine = new Ping({ ...placeOf(config, 'ping', identity, cipher), node, patience: config.patience });
  const drive = new Drive<PingInput, PingEffect>(machine, (effect) => {
    switch (effect.kind) {
      case 'result':
        out.line(effect.line);
        resolve(effect.exitCode);
        return;
      case 'unbound':
        reject(new Error(`the UDP port ${config.udpPort} cannot be had: ${effect.reason}; choose another with --port`));
        return;
      case 'read-table': {
        const table = readTable();
        if (table !== undefined) drive.give(table);
        return;
      }
      case 'event':
        logEvent(log, effect);
    }
  });
  drive.give({ kind: 'start' });
  const leave = (): void => {
    drive.give({ kind: 'leave' });
    drive.stop();
  };
  return { stop: () => Promise.resolve(leave()), done: done.finally(leave) };
};
