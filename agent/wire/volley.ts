import type { Reader, Writer } from '../base/bytes.ts';
import { METHODS } from '../base/outcome.ts';
import { ms } from '../base/time.ts';
import { readIp, readList, readWord, writeIp, writeList, writeWord } from './fields.ts';
import type { Muzzle, Shot, Volley } from './messages.ts';

/*
 * The shots of a volley stand one after the other to the end of the message. Each begins with a byte
 *
 *     kind (2 bits: 0 probe, 1 knock, 2 spray) | by (1 bit) | rest (5 bits)
 *
 * then, where the bit `by` is set, the socket that fires less one, u8. A probe's rest is its observer. A knock's is ip
 * (2 bits) and ports less one (3 bits; 7: count u8 follows, from 8 up), then the ports, u16 each. A spray's is ip, then
 * from u16 | to u16 | seed u32 | skip u16 | count u16. So 128 single knocks with a probe behind each take 512 bytes.
 */

const IPS = 4;
/** More than anybody fires in one tick, and nothing a body of 1168 bytes could not hold. */
const SHOTS = 512;
const SOCKETS = 256;
const OBSERVERS = 24;
const [PROBE, KNOCK, SPRAY] = [0, 1, 2];
/** Ports of one knock whose number fits its first byte. */
const FEW = 7;

export function writeVolley(w: Writer, m: Volley): void {
  writeWord(w.u32(m.pairId).u16(m.round), METHODS, m.method);
  w.u16(m.startIn);
  writeMuzzle(w, m.from);
  w.u16(m.pace).u8(m.ttl).u16(m.refresh).u16(m.keep);
  writeList(w, m.ips, IPS, (ip) => writeIp(w, ip));
  if (m.shots.length > SHOTS) throw new RangeError(`at most ${SHOTS} shots, got ${m.shots.length}`);
  for (const shot of m.shots) writeShot(w, shot, m.ips.length);
}

export function readVolley(r: Reader): Volley | undefined {
  const [pairId, round] = [r.u32(), r.u16()];
  const method = readWord(r, METHODS);
  const startIn = ms(r.u16());
  const from = readMuzzle(r);
  const [pace, ttl, refresh, keep] = [r.u16(), r.u8(), ms(r.u16()), ms(r.u16())];
  const ips = readList(r, IPS, () => readIp(r));
  if (method === undefined || from === undefined || ips === undefined) return;
  const shots: Shot[] = [];
  while (r.left > 0) {
    const shot = readShot(r, ips.length);
    if (shot === undefined || shots.length === SHOTS) return;
    shots.push(shot);
  }
  return { kind: 'volley', pairId, round, method, startIn, from, pace, ttl, refresh, keep, ips, shots };
}

function writeMuzzle(w: Writer, muzzle: Muzzle): void {
  switch (muzzle.kind) {
    case 'main':
      w.u8(0);
      return;
    case 'fresh':
      if (muzzle.sockets < 1 || muzzle.sockets > SOCKETS) throw new RangeError(`1 to ${SOCKETS} sockets`);
      w.u8(1).u8(muzzle.sockets - 1);
      return;
    case 'round':
      w.u8(2).u16(muzzle.round);
  }
}

function readMuzzle(r: Reader): Muzzle | undefined {
  const kind = r.u8();
  if (kind === 0) return { kind: 'main' };
  if (kind === 1) return { kind: 'fresh', sockets: r.u8() + 1 };
  return kind === 2 ? { kind: 'round', round: r.u16() } : undefined;
}

function writeShot(w: Writer, shot: Shot, ips: number): void {
  if (shot.by < 0 || shot.by > SOCKETS) throw new RangeError(`no socket ${shot.by}`);
  switch (shot.kind) {
    case 'probe':
      if (shot.observer >= OBSERVERS) throw new RangeError(`no observer ${shot.observer}`);
      writeTag(w, PROBE, shot.by, shot.observer);
      return;
    case 'knock': {
      if (shot.ip >= ips) throw new RangeError(`no ip ${shot.ip}`);
      const count = shot.ports.length;
      if (count < 1 || count > 255) throw new RangeError('a knock has 1 to 255 ports');
      writeTag(w, KNOCK, shot.by, (shot.ip << 3) | Math.min(FEW, count - 1));
      if (count > FEW) w.u8(count);
      for (const port of shot.ports) w.u16(port);
      return;
    }
    case 'spray':
      if (shot.ip >= ips) throw new RangeError(`no ip ${shot.ip}`);
      writeTag(w, SPRAY, shot.by, shot.ip);
      w.u16(shot.from).u16(shot.to).u32(shot.seed).u16(shot.skip).u16(shot.count);
  }
}

function writeTag(w: Writer, kind: number, by: number, rest: number): void {
  w.u8((kind << 6) | (by === 0 ? 0 : 0x20) | rest);
  if (by !== 0) w.u8(by - 1);
}

function readShot(r: Reader, ips: number): Shot | undefined {
  const tag = r.u8();
  const by = (tag & 0x20) === 0 ? 0 : r.u8() + 1;
  const rest = tag & 0x1f;
  switch (tag >> 6) {
    case PROBE:
      return rest < OBSERVERS ? { kind: 'probe', by, observer: rest } : undefined;
    case KNOCK:
      return readKnock(r, by, rest >> 3, rest & 7, ips);
    case SPRAY: {
      const [from, to, seed, skip, count] = [r.u16(), r.u16(), r.u32(), r.u16(), r.u16()];
      if (rest >= ips || from > to || from === 0) return undefined;
      return { kind: 'spray', by, ip: rest, from, to, seed, skip, count };
    }
  }
  return undefined;
}

function readKnock(r: Reader, by: number, ip: number, few: number, ips: number): Shot | undefined {
  const count = few < FEW ? few + 1 : r.u8();
  if (ip >= ips || (few === FEW && count <= FEW)) return undefined;
  const ports: number[] = [];
  for (let i = 0; i < count && !r.short; i++) ports.push(r.u16());
  return ports.includes(0) && !r.short ? undefined : { kind: 'knock', by, ip, ports };
}
