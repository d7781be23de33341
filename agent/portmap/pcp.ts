import { ipBytes, ipText } from '../base/address.ts';
import { Reader, Writer } from '../base/bytes.ts';

/**
 * Port Control Protocol, RFC 6887, sections 7, 11, 13 and 14.1: requests as we write them, answers as gateways write them.
 *
 *     request  0 version 2 | 1 opcode | 2 reserved 2 | 4 lifetime 4 (s) | 8 our address 16
 *     answer   0 version 2 | 1 0x80 + opcode | 2 reserved | 3 result | 4 lifetime 4 (s) | 8 epoch 4 (s) | 12 reserved 12
 *     MAP     24 nonce 12 | 36 protocol | 37 reserved 3 | 40 internal port 2 | 42 external port 2 | 44 external address 16
 *     options  0 code | 1 reserved | 2 length 2 | data, padded to 4 bytes
 *
 * An IPv4 address is written as IPv6 (::ffff:a.b.c.d).
 */
export const PCP_PORT = 5351;
/** Where gateways announce themselves: PCP in 14.1, NAT-PMP in RFC 6886, 3.2.1. */
export const ANNOUNCEMENTS = { ip: '224.0.0.1', port: 5350 } as const;
export const ANNOUNCEMENTS6 = { ip: 'ff02::1', port: 5350 } as const;
export const NONCE_BYTES = 12;

const VERSION = 2;
const ANSWER = 0x80;
const OPCODE = { announce: 0, map: 1 } as const;
const OPTION = { thirdParty: 1, preferFailure: 2 } as const;
const UDP = 17;
const [HEADER, MAP, MOST] = [24, 36, 1100];

/** RFC 6887, section 7.4, in the order of their numbers. */
export const PCP_RESULTS = [
  'success',
  'unsupported-version',
  'not-authorized',
  'malformed-request',
  'unsupported-opcode',
  'unsupported-option',
  'malformed-option',
  'network-failure',
  'no-resources',
  'unsupported-protocol',
  'user-exceeded-quota',
  'cannot-provide-external',
  'address-mismatch',
  'excessive-remote-peers',
] as const;
export type PcpResult = (typeof PCP_RESULTS)[number];

export interface MapRequest {
  /** Our address on the way to the gateway; it answers `address-mismatch` to any other. */
  readonly own: string;
  /** 12 bytes, the same for the whole life of a mapping, over restarts too. */
  readonly nonce: Uint8Array;
  readonly internal: number;
  /** 0 leaves it to the gateway. */
  readonly external: number;
  /** The address we had before, as a wish. */
  readonly externalIp?: string | undefined;
  /** Seconds; 0 deletes. */
  readonly lifetime: number;
  /** Rather nothing than another port. Gateways are known to ignore it: compare what was granted. */
  readonly preferFailure?: boolean;
  /** The mapping is for this host instead of us; most gateways refuse. */
  readonly thirdParty?: string | undefined;
}

export interface PcpMapping {
  readonly nonce: Uint8Array;
  readonly internal: number;
  readonly external: number;
  readonly externalIp: string;
}

export type PcpAnswer =
  | { readonly kind: 'announce'; readonly result: PcpResult; readonly epoch: number }
  | {
      readonly kind: 'map';
      readonly result: PcpResult;
      /** Seconds: of the mapping, or how long an error will last. */
      readonly lifetime: number;
      readonly epoch: number;
      readonly mapping: PcpMapping;
    }
  /** It speaks this version; 0 is NAT-PMP. */
  | { readonly kind: 'version'; readonly version: number };

export type PcpRefusal = 'truncated' | 'too-long' | 'not-an-answer' | 'unknown-opcode' | 'unknown-result' | 'not-udp';

/** Throws on an address that is none: ours come from sockets. */
export function encodeMap(request: MapRequest): Uint8Array {
  const { own, nonce, internal, external, externalIp, lifetime, preferFailure = false, thirdParty } = request;
  const out = header(OPCODE.map, lifetime, own);
  out.bytes(nonce).u8(UDP).zeros(3).u16(internal).u16(external);
  out.bytes(wide(externalIp ?? (own.includes(':') ? '::' : '0.0.0.0')));
  if (thirdParty !== undefined) out.u8(OPTION.thirdParty).u8(0).u16(16).bytes(wide(thirdParty));
  if (preferFailure) out.u8(OPTION.preferFailure).u8(0).u16(0);
  return out.done();
}

/** Is a PCP gateway there, and since when? */
export function encodeAnnounce(own: string): Uint8Array {
  return header(OPCODE.announce, 0, own).done();
}

/** Reads an answer, or an announcement, which has the same form. Unknown options are passed over. */
export function decodePcp(bytes: Uint8Array): PcpAnswer | PcpRefusal {
  if (bytes.length > MOST) return 'too-long';
  const reader = new Reader(bytes);
  const [version, opcode] = [reader.u8(), reader.u8()];
  if (reader.short) return 'truncated';
  if ((opcode & ANSWER) === 0) return 'not-an-answer';
  if (version !== VERSION) return { kind: 'version', version };
  reader.u8();
  const result = PCP_RESULTS[reader.u8()];
  const [lifetime, epoch] = [reader.u32(), reader.u32()];
  if (reader.short || bytes.length < HEADER) return 'truncated';
  if (result === undefined) return 'unknown-result';
  reader.bytes(12);
  switch (opcode - ANSWER) {
    case OPCODE.announce:
      return { kind: 'announce', result, epoch };
    case OPCODE.map: {
      if (reader.left < MAP) return 'truncated';
      const nonce = reader.bytes(NONCE_BYTES).slice();
      if (reader.u8() !== UDP) return 'not-udp';
      reader.bytes(3);
      const [internal, external] = [reader.u16(), reader.u16()];
      const mapping = { nonce, internal, external, externalIp: narrow(reader.bytes(16)) };
      return { kind: 'map', result, lifetime, epoch, mapping };
    }
  }
  return 'unknown-opcode';
}

function header(opcode: number, lifetime: number, own: string): Writer {
  return new Writer(HEADER + MAP + 24).u8(VERSION).u8(opcode).zeros(2).u32(lifetime).bytes(wide(own));
}

const V4_IN_V6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

function wide(ip: string): Uint8Array {
  const bytes = ipBytes(ip);
  if (bytes === undefined) throw new Error(`not an IP address: ${ip}`);
  return bytes.length === 16 ? bytes : Uint8Array.of(...V4_IN_V6, ...bytes);
}

function narrow(bytes: Uint8Array): string {
  return ipText(V4_IN_V6.every((byte, i) => bytes[i] === byte) ? bytes.subarray(12) : bytes);
}
