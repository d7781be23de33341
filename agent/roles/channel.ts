import { base32 } from '../base/text32.ts';
import { nodeCipher } from '../io/crypto.ts';
import { StateFolder } from '../io/files.ts';
import { finished, type Role } from './role.ts';

/**
 * `hearth channel key --state DIR` makes the channel's key where there is none and prints the CHANNEL-ID it stands for;
 * `hearth channel info --state DIR` prints the id and how often an origin has started with it, and makes nothing.
 */
export const channel: Role = async ({ words: [verb], state: path }, out, log) => {
  const cipher = nodeCipher();
  const state = await StateFolder.open(path, log);
  if (verb === 'key') {
    out.line(base32(cipher.signingPair(await state.key('channel.key', () => cipher.random(32))).publicKey));
    return finished(0);
  }
  const seed = await state.existingKey('channel.key');
  if (seed === undefined) {
    out.line(`There is no channel key in ${path}. hearth channel key --state ${path} makes one.`);
    return finished(1);
  }
  out.line(`channel ${base32(cipher.signingPair(seed).publicKey)}`);
  out.line(`starts  ${await state.counted('channel.epoch')}`);
  return finished(0);
};
