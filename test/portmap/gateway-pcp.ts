import { ipBytes, scope } from '../../agent/base/address.ts';
import type { Scene } from './gateway-natpmp.ts';

const [UNSUPPORTED_VERSION, NOT_AUTHORIZED, MALFORMED, UNSUPPORTED_OPCODE, UNSUPPORTED_OPTION] = [1, 2, 3, 4, 5];
const [NO_RESOURCES, CANNOT_PROVIDE, ADDRESS_MISMATCH] = [8, 11, 12];
const [SHORTEST, LONG_ERROR, SHORT_ERROR] = [120, 1800, 30];
const PREFER_FAILURE = 2;

/** RFC 6887 from the gateway's side, for UDP; as strict as the RFC lets it be. Over IPv6 it opens pinholes. */
export function answerPcp(bytes: Uint8Array, scene: Scene): Uint8Array | undefined {
  const asked = Buffer.from(bytes);
  if (asked.length < 2 || ((asked[1] ?? 0) & 0x80) !== 0) return undefined;
  const opcode = asked[1] ?? 0;
  const answer = (result: number, lifetime: number, payload: Uint8Array = asked.subarray(24)): Uint8Array =>
    Buffer.concat([head(opcode, result, lifetime, scene.epoch), payload]);
  if (asked[0] !== 2) return head(opcode, UNSUPPORTED_VERSION, LONG_ERROR, scene.epoch);
  if (asked.length < 24 || asked.length % 4 !== 0 || asked.length > 1100) return answer(MALFORMED, LONG_ERROR);
  if (!asked.subarray(8, 24).equals(wide(scene.from))) return answer(ADDRESS_MISMATCH, LONG_ERROR);
  if (opcode === 0) return answer(0, 0, Buffer.alloc(0));
  if (opcode !== 1) return answer(UNSUPPORTED_OPCODE, LONG_ERROR);
  if (asked.length < 60) return answer(MALFORMED, LONG_ERROR);
  return mapped(asked, scene, answer);
}

export function pcpAnnouncement(epoch: number): Uint8Array {
  return head(0, 0, 0, epoch);
}

function mapped(
  asked: Buffer,
  { table, wan, from, now }: Scene,
  answer: (result: number, lifetime: number, payload?: Uint8Array) => Uint8Array,
): Uint8Array {
  const lifetime = asked.readUInt32BE(4);
  const nonce = asked.subarray(24, 36).toString('hex');
  const [internal, wished] = [asked.readUInt16BE(40), asked.readUInt16BE(42)];
  const payload = Buffer.from(asked.subarray(24, 60));
  wide(wan).copy(payload, 20);
  const options = optionsOf(asked.subarray(60));
  if (options === undefined || options.some((code) => code < 128 && code !== PREFER_FAILURE)) {
    return answer(options === undefined ? MALFORMED : UNSUPPORTED_OPTION, LONG_ERROR);
  }
  if (from.includes(':')) return pinhole(from, internal, lifetime, table, now, answer, payload);
  const before = table.of(from, internal, now);
  if (before?.nonce !== undefined && before.nonce !== nonce) return answer(NOT_AUTHORIZED, LONG_ERROR, payload);
  if (lifetime === 0) {
    if (before !== undefined) table.delete(before.external);
    payload.writeUInt16BE(0, 18);
    return answer(0, 0, payload);
  }
  // A gateway that is behind another NAT can give nothing that is worth anything, and says so with its address.
  if (scope(wan) !== 'public') return answer(NO_RESOURCES, SHORT_ERROR, payload);
  const external = before?.external ?? table.nextFree(wished, from, internal, now);
  if (options.includes(PREFER_FAILURE) && external !== wished) return answer(CANNOT_PROVIDE, SHORT_ERROR, payload);
  const longest = Math.max(SHORTEST, lifetime);
  const granted = table.put({ external, ip: from, internal, lifetime: longest, nonce, description: 'PCP' }, now);
  payload.writeUInt16BE(external, 18);
  return answer(0, granted, payload);
}

function pinhole(
  ip: string,
  internal: number,
  lifetime: number,
  table: Scene['table'],
  now: number,
  answer: (result: number, lifetime: number, payload?: Uint8Array) => Uint8Array,
  payload: Buffer,
): Uint8Array {
  if (lifetime === 0) {
    const open = table.pinholes(now).find((one) => one.ip === ip && one.port === internal);
    if (open !== undefined) table.shut(open.id);
  } else {
    table.open(ip, internal, Math.max(SHORTEST, lifetime), now);
  }
  wide(ip).copy(payload, 20);
  payload.writeUInt16BE(lifetime === 0 ? 0 : internal, 18);
  return answer(0, lifetime, payload);
}

/** Their codes; undefined when they don't add up. */
function optionsOf(bytes: Buffer): readonly number[] | undefined {
  const codes: number[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < 4) return undefined;
    codes.push(bytes.readUInt8(at));
    at += 4 + Math.ceil(bytes.readUInt16BE(at + 2) / 4) * 4;
    if (at > bytes.length) return undefined;
  }
  return codes;
}

function wide(ip: string): Buffer {
  const bytes = ipBytes(ip) ?? new Uint8Array(4);
  return Buffer.from(bytes.length === 16 ? bytes : [...Array<number>(10).fill(0), 255, 255, ...bytes]);
}

function head(opcode: number, result: number, lifetime: number, epoch: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.writeUInt8(2, 0);
  bytes.writeUInt8(0x80 + opcode, 1);
  bytes.writeUInt8(result, 3);
  bytes.writeUInt32BE(lifetime, 4);
  bytes.writeUInt32BE(epoch, 8);
  return bytes;
}
