import { describe, expect, test } from 'vitest';
import { at, ms } from '../../agent/base/time.ts';
import type { Ack } from '../../agent/transport/frames.ts';
import { Flight, type Packet } from '../../agent/transport/loss.ts';
import { Rtt } from '../../agent/transport/rtt.ts';

const PATIENCE = ms(10);

/** Ten packets of 1,000 bytes a millisecond apart, on a path of 50 ms. */
function sent(count = 10): { flight: Flight; rtt: Rtt } {
  const flight = new Flight();
  for (let i = 0; i < count; i++) flight.send(1000, undefined, -1, at(i));
  return { flight, rtt: new Rtt(ms(50)) };
}

const ack = (...ranges: number[]): Ack => ({ kind: 'ack', delay: 0, ranges });
const numbers = (packets: readonly Packet[]): number[] => packets.map((packet) => packet.counter);

describe('loss detection (RFC 9002)', () => {
  test('a packet three below one that arrived is lost, a nearer one is waited for', () => {
    const { flight, rtt } = sent();
    flight.acknowledge(ack(5, 5), rtt, PATIENCE, at(55));
    expect(numbers(flight.acknowledged)).toEqual([5]);
    expect(numbers(flight.lost)).toEqual([0, 1, 2]);
    expect(flight.bytes).toBe(6000);
  });

  test('a nearer one is lost after 9/8 of a round trip', () => {
    const { flight, rtt } = sent(3);
    flight.acknowledge(ack(2, 1), rtt, PATIENCE, at(52));
    expect(flight.lost).toEqual([]);
    expect(flight.wake(rtt, PATIENCE)).toBeCloseTo(50 * 1.125, 3);
    expect(flight.tick(rtt, PATIENCE, at(57))).toBe(false);
    expect(numbers(flight.lost)).toEqual([0]);
    expect(flight.bytes).toBe(0);
    expect(flight.wake(rtt, PATIENCE)).toBeUndefined();
  });

  test('when nothing is answered at all, probes are due at growing intervals of at most a second', () => {
    const { flight, rtt } = sent(1);
    let last = 0;
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      const wake = flight.wake(rtt, PATIENCE) ?? at(0);
      waits.push(Math.round(wake - last));
      expect(flight.tick(rtt, PATIENCE, wake)).toBe(true);
      flight.send(1000, undefined, -1, wake);
      last = wake;
    }
    expect(waits).toEqual([160, 320, 640, 1000, 1000, 1000]);
    expect(flight.probes).toBe(6);
    flight.acknowledge(ack(6, 6), rtt, PATIENCE, at(last + 50));
    expect(flight.probes).toBe(0);
  });

  test('an ACK of packets that were never sent is refused', () => {
    const { flight, rtt } = sent();
    expect(flight.acknowledge(ack(10, 0), rtt, PATIENCE, at(50))).toBe(false);
    expect(flight.bytes).toBe(10_000);
  });

  test('on a path that reorders, packets taken for lost too early raise the threshold', () => {
    const { flight, rtt } = sent(40);
    flight.acknowledge(ack(19, 10), rtt, PATIENCE, at(69));
    expect(numbers(flight.lost)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    flight.acknowledge(ack(20, 0), rtt, PATIENCE, at(70));
    expect(numbers(flight.late)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    flight.acknowledge(ack(33, 33, 20, 0), rtt, PATIENCE, at(83));
    expect(flight.lost).toEqual([]);
  });

  test('packets are acknowledged once, however often they are named', () => {
    const { flight, rtt } = sent();
    flight.acknowledge(ack(3, 0), rtt, PATIENCE, at(53));
    flight.acknowledge(ack(4, 0), rtt, PATIENCE, at(54));
    expect(numbers(flight.acknowledged)).toEqual([4]);
  });

  test('a peer that never answers fills no more than a bounded window', () => {
    const flight = new Flight();
    const rtt = new Rtt(ms(50));
    for (let i = 0; !flight.full; i++) flight.send(1000, undefined, -1, at(i));
    expect(flight.next).toBe(4096);
    expect(flight.tick(rtt, PATIENCE, at(1e6))).toBe(true);
    expect(flight.lost.length).toBe(2048);
    expect(flight.full).toBe(false);
  });

  test('after a change of address everything in flight is taken for lost, and numbers go on', () => {
    const { flight } = sent();
    flight.abandon();
    expect(flight.lost.length).toBe(10);
    expect(flight.bytes).toBe(0);
    expect(flight.send(1000, undefined, -1, at(20)).counter).toBe(10);
  });
});
