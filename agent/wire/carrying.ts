import type { Address } from '../base/address.ts';
import type { Reader, Writer } from '../base/bytes.ts';
import { readAddress, readFlag, readList, readWord, writeFixed, writeList, writeWord } from './fields.ts';
import { type Bridge, type Bridged, type Carry, type Carrying, CARRYING_STATES, type Leg } from './messages.ts';

/* Messages about a household that carries between two others; their bytes are drawn in codec.ts. */

/** Where a leg may lead: observed, proven, mapped and one on the LAN. */
const ADDRESSES = 4;

export function writeCarry(w: Writer, m: Carry): void {
  w.u32(m.pairId).u32(m.kbits);
  for (const leg of m.legs) writeLeg(w, leg);
}

export function readCarry(r: Reader): Carry | undefined {
  const [pairId, kbits] = [r.u32(), r.u32()];
  const [one, other] = [readLeg(r), readLeg(r)];
  return one === undefined || other === undefined ? undefined : { kind: 'carry', pairId, kbits, legs: [one, other] };
}

export function writeCarrying(w: Writer, m: Carrying): void {
  writeWord(w.u32(m.pairId).u32(m.leg), CARRYING_STATES, m.state);
}

export function readCarrying(r: Reader): Carrying | undefined {
  const [pairId, leg] = [r.u32(), r.u32()];
  const state = readWord(r, CARRYING_STATES);
  return state === undefined ? undefined : { kind: 'carrying', pairId, leg, state };
}

export function writeBridge(w: Writer, m: Bridge): void {
  writeLeg(w.u32(m.pairId), m.leg);
}

export function readBridge(r: Reader): Bridge | undefined {
  const pairId = r.u32();
  const leg = readLeg(r);
  return leg === undefined ? undefined : { kind: 'bridge', pairId, leg };
}

export function writeBridged(w: Writer, m: Bridged): void {
  w.u32(m.pairId)
    .u32(m.leg)
    .u8(m.up ? 1 : 0);
}

export function readBridged(r: Reader): Bridged | undefined {
  const [pairId, leg] = [r.u32(), r.u32()];
  const up = readFlag(r);
  return up === undefined ? undefined : { kind: 'bridged', pairId, leg, up };
}

function writeLeg(w: Writer, { number, headerKey, secret, addresses }: Leg): void {
  writeFixed(w.u32(number), headerKey, 16);
  writeFixed(w, secret, 32);
  writeList(w, addresses, ADDRESSES, (address) => w.address(address));
}

function readLeg(r: Reader): Leg | undefined {
  const number = r.u32();
  const [headerKey, secret] = [r.bytes(16), r.bytes(32)];
  const addresses = readList<Address>(r, ADDRESSES, () => readAddress(r));
  return addresses === undefined ? undefined : { number, headerKey, secret, addresses };
}
