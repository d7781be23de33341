import type { StateFolder } from '../io/files.ts';
import type { Log } from '../io/log.ts';
import type { Cipher } from '../seal/cipher.ts';

const FILE = 'channel.token';

/**
 * The token of an origin's channel; undefined for a public one. Made where `isPrivate` asks for it. A channel that was
 * private stays so: neither an option that was left out once nor a damaged file must show it to everybody.
 */
export async function channelToken(
  isPrivate: boolean,
  state: StateFolder,
  cipher: Cipher,
  log: Log,
): Promise<Uint8Array | undefined> {
  const wasPrivate = await state.has(FILE);
  if (!wasPrivate && !isPrivate) return undefined;
  if (!isPrivate) log.info('the channel is private because channel.token is in its state directory');
  return state.key(FILE, () => cipher.random(32));
}
