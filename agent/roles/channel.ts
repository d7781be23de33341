import { base32 } from '../base/text32.ts';
import { nodeCipher } from '../io/crypto.ts';
import { StateFolder } from '../io/files.ts';
import { finished, type Role } from './role.ts';

/**
 * What a channel is made of, in the state directory of its origin. `key` makes its key where there is none and prints the
 * CHANNEL-ID it stands for; `info` prints the id, how often an origin has started with it and, of a private channel, what
 * households are given, and makes nothing; `token` makes a new token in place of any old one: after the next start of the
 * origin those with the old one see nothing any more.
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
  const id = base32(cipher.signingPair(seed).publicKey);
  if (verb === 'token') {
    const token = cipher.random(32);
    await state.replaceKey('channel.token', token);
    out.line(`${id}:${base32(token)}`);
    return finished(0);
  }
  const token = await state.existingKey('channel.token');
  out.line(`channel ${id}`);
  out.line(`starts  ${await state.counted('channel.epoch')}`);
  if (token !== undefined) out.line(`private ${id}:${base32(token)}`);
  return finished(0);
};
