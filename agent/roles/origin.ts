import { base32 } from '../base/text32.ts';
import { Origin, type OriginEffect, type OriginInput } from '../house/origin.ts';
import { readTable } from '../io/conntrack.ts';
import { nodeCipher, secureRandom } from '../io/crypto.ts';
import { Drive, monotonic } from '../io/drive.ts';
import { StateFolder } from '../io/files.ts';
import type { Log } from '../io/log.ts';
import { type OpenSource, openSource } from '../io/source.ts';
import { Intake } from '../media/intake.ts';
import { parseSource, type Source } from '../media/source.ts';
import { openDoorman, portFor } from './doorman.ts';
import { logEvent } from './events.ts';
import { placeOf } from './place.ts';
import type { Role } from './role.ts';
import { channelToken } from './token.ts';

/** `hearth origin`: the broadcaster's end of the tree. */
export const origin: Role = async (config, out, log) => {
  const source = parseSource(config.in, config.loop);
  if ('problem' in source) throw new Error(source.problem);
  const cipher = nodeCipher();
  const state = await StateFolder.open(config.state, log);
  const identity = cipher.pair(await state.key('node.key', () => cipher.random(32)));
  const channel = cipher.signingPair(await state.key('channel.key', () => cipher.random(32)));
  const token = await channelToken(config.private, state, cipher, log);
  const machine = new Origin({
    ...placeOf({ ...config, udpPort: await portFor(config.udpPort) }, 'origin', identity, cipher),
    channel,
    token,
    epoch: await state.count('channel.epoch'),
    name: config.channelName,
    now: monotonic(),
  });
  const { promise: unbound, reject } = Promise.withResolvers<never>();
  unbound.catch(() => {});
  const drive = new Drive<OriginInput, OriginEffect>(machine, (effect) => {
    switch (effect.kind) {
      case 'published':
        out.line(`channel ready ${base32(channel.publicKey)}`);
        return;
      case 'unbound':
        reject(new Error(`the UDP port ${config.udpPort} cannot be had: ${effect.reason}; choose another with --port`));
        return;
      case 'written':
        return;
      case 'read-table': {
        const table = readTable();
        if (table !== undefined) drive.give(table);
        return;
      }
      case 'http':
      case 'keep':
      case 'left':
        doorman.act(effect);
        return;
      case 'event':
        logEvent(log, effect);
    }
  });
  const doorman = await openDoorman(state, (answer) => drive.give(answer));
  drive.give({ kind: 'start' });
  const running = open(source, drive, log);
  return {
    done: unbound,
    reread: ({ children }) => drive.give({ kind: 'capacity', children }),
    stop: async () => {
      running.stop();
      doorman.stop();
      drive.give({ kind: 'leave' });
      await doorman.left();
      drive.stop();
      log.info('counters', { ...machine.endpoint.unanswered() });
      await state.close();
    },
  };
};

function open(source: Source, drive: Drive<OriginInput, OriginEffect>, log: Log): OpenSource {
  return openSource(source, new Intake(source, secureRandom), {
    packets: (bytes) => drive.give({ kind: 'source', input: { kind: 'packets', bytes } }),
    up: () => {
      log.info('the source gives a stream');
      drive.give({ kind: 'source', input: { kind: 'restart' } });
    },
    down: (reason, again) => {
      log.warn('the source is away', { reason, again });
      drive.give({ kind: 'source', input: { kind: 'source-down' } });
    },
    listening: ({ ip, port }) => log.info('waiting for an encoder', { ip, port }),
    refused: (who, why) => log.warn('an encoder was turned away', { who, why }),
  });
}
