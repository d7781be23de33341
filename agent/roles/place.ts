import { bytesOf } from '../base/bytes.ts';
import type { Config } from '../config/schema.ts';
import type { CarryLimits } from '../house/carriages.ts';
import type { EndpointOptions } from '../house/endpoint.ts';
import { hasAes, secureRandom } from '../io/crypto.ts';
import { ownNetworks } from '../io/interfaces.ts';
import type { Cipher, KeyPair } from '../seal/cipher.ts';
import type { ClientRole } from '../wire/messages.ts';

/** What every role on the network is made of: primitives, an identity, the rendezvous, this machine's interfaces. */
export function placeOf(config: Config, role: ClientRole, identity: KeyPair, cipher: Cipher): EndpointOptions {
  return {
    cipher,
    random: secureRandom,
    identity,
    servers: config.rendezvous,
    networkSecret: bytesOf(config.networkSecret),
    role,
    children: role === 'ping' ? 0 : config.children,
    suites: hasAes() ? ['aes-128-ocb', 'aes-128-gcm', 'chacha20-poly1305'] : ['chacha20-poly1305'],
    firstByte: config.shyFirstByte ? 'shy' : 'any',
    local: { ip: '0.0.0.0', port: config.udpPort },
    networks: ownNetworks(),
    punch: config.punch,
    doors: role !== 'ping' && config.openPort,
    carries: role === 'agent' ? carriesOf(config) : undefined,
  };
}

/** What its owner lets a household carry for others. */
export function carriesOf({ carries, carriesKbit, carriesPairs }: Config): CarryLimits {
  return { kbits: carries ? carriesKbit : 0, pairs: carriesPairs };
}
