import { ipText } from '../base/address.ts';
import { Reader, Writer } from '../base/bytes.ts';

/**
 * NAT Port Mapping Protocol, RFC 6886, section 3; the gateway listens where PCP's does (PCP_PORT).
 *
 *     question  0 version 0 | 1 opcode 0
 *     request   0 version 0 | 1 opcode 1 (UDP) | 2 reserved 2 | 4 internal 2 | 6 external 2 | 8 lifetime 4 (s)
 *     address   0 version 0 | 1 128 | 2 result 2 | 4 epoch 4 (s) | 8 external address 4
 *     mapping   0 version 0 | 1 129 | 2 result 2 | 4 epoch 4 (s) | 8 internal 2 | 10 external 2 | 12 lifetime 4 (s)
 *
 * An answer that is an error may end after the epoch.
 */
const VERSION = 0;
const ANSWER = 128;
const OPCODE = { address: 0, udp: 1 } as const;

/** RFC 6886, section 3.5, in the order of their numbers. */
export const NATPMP_RESULTS = [
  'success',
  'unsupported-version',
  'not-authorized',
  'network-failure',
  'no-resources',
  'unsupported-opcode',
] as const;
export type NatPmpResult = (typeof NATPMP_RESULTS)[number];

export type NatPmpAnswer =
  | { readonly kind: 'address'; readonly epoch: number; readonly ip: string }
  | {
      readonly kind: 'mapping';
      readonly epoch: number;
      readonly internal: number;
      readonly external: number;
      /** Seconds; 0 after a deletion. */
      readonly lifetime: number;
    }
  | {
      readonly kind: 'error';
      readonly of: 'address' | 'mapping';
      readonly result: Exclude<NatPmpResult, 'success'>;
      readonly epoch: number;
    };

export type NatPmpRefusal =
  | 'truncated'
  | 'trailing-bytes'
  | 'version'
  | 'not-an-answer'
  | 'unknown-opcode'
  | 'unknown-result';

/** What is your outside address? Creates nothing. */
export function encodeAddressQuestion(): Uint8Array {
  return Uint8Array.of(VERSION, OPCODE.address);
}

/** `lifetime` in seconds; 0, with external port 0, deletes. */
export function encodeMapping(internal: number, external: number, lifetime: number): Uint8Array {
  return new Writer(12).u8(VERSION).u8(OPCODE.udp).u16(0).u16(internal).u16(external).u32(lifetime).done();
}

/** Reads an answer, or the announcement of an address, which has the same form. */
export function decodeNatPmp(bytes: Uint8Array): NatPmpAnswer | NatPmpRefusal {
  const reader = new Reader(bytes);
  const [version, opcode, code, epoch] = [reader.u8(), reader.u8(), reader.u16(), reader.u32()];
  if (reader.short) return 'truncated';
  if (version !== VERSION) return 'version';
  if (opcode < ANSWER) return 'not-an-answer';
  const of = opcode === ANSWER + OPCODE.address ? 'address' : opcode === ANSWER + OPCODE.udp ? 'mapping' : undefined;
  if (of === undefined) return 'unknown-opcode';
  const result = NATPMP_RESULTS[code];
  if (result === undefined) return 'unknown-result';
  const rest = of === 'address' ? 4 : 8;
  if (reader.left > rest) return 'trailing-bytes';
  if (result !== 'success') return { kind: 'error', of, result, epoch };
  if (reader.left < rest) return 'truncated';
  if (of === 'address') return { kind: 'address', epoch, ip: ipText(reader.bytes(4)) };
  return { kind: 'mapping', epoch, internal: reader.u16(), external: reader.u16(), lifetime: reader.u32() };
}
