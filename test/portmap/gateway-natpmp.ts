import type { GatewayTable } from './gateway-table.ts';

/** What an answer depends on. `epoch` in seconds, `now` in ms. */
export interface Scene {
  readonly table: GatewayTable;
  readonly wan: string;
  readonly epoch: number;
  readonly now: number;
  readonly from: string;
}

const [UNSUPPORTED_VERSION, NETWORK_FAILURE, UNSUPPORTED_OPCODE] = [1, 3, 5];

/** RFC 6886 from the gateway's side. */
export function answerNatPmp(bytes: Uint8Array, scene: Scene): Uint8Array | undefined {
  const asked = Buffer.from(bytes);
  if (asked.length < 2) return undefined;
  const [version = 0, opcode = 0] = asked;
  if (version !== 0) return head(0, UNSUPPORTED_VERSION, scene.epoch);
  if (opcode === 0) {
    const address = scene.wan.split('.').map(Number);
    if (scene.wan === '0.0.0.0') return Buffer.concat([head(0, NETWORK_FAILURE, scene.epoch), Buffer.alloc(4)]);
    return Buffer.concat([head(0, 0, scene.epoch), Buffer.from(address)]);
  }
  if (opcode !== 1 && opcode !== 2) return head(opcode, UNSUPPORTED_OPCODE, scene.epoch);
  if (asked.length < 12) return undefined;
  return mapped(opcode, asked.readUInt16BE(4), asked.readUInt16BE(6), asked.readUInt32BE(8), scene);
}

function mapped(opcode: number, internal: number, wished: number, lifetime: number, scene: Scene): Uint8Array {
  const { table, from, now, epoch } = scene;
  const before = table.of(from, internal, now);
  let external = 0;
  let granted = 0;
  if (lifetime === 0) {
    if (before !== undefined) table.delete(before.external);
  } else {
    external = before?.external ?? table.nextFree(wished, from, internal, now);
    granted = table.put({ external, ip: from, internal, lifetime, description: 'NAT-PMP' }, now);
  }
  const rest = Buffer.alloc(8);
  rest.writeUInt16BE(internal, 0);
  rest.writeUInt16BE(external, 2);
  rest.writeUInt32BE(granted, 4);
  return Buffer.concat([head(opcode, 0, epoch), rest]);
}

function head(opcode: number, result: number, epoch: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(128 + opcode, 1);
  bytes.writeUInt16BE(result, 2);
  bytes.writeUInt32BE(epoch, 4);
  return bytes;
}
