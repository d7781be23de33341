import { describe, expect, it } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { Six } from '../../agent/house/six.ts';

const FOUR = { ip: '198.51.100.1', port: 7000 };
const OBSERVER = { ip: '2001:2::1', port: 7000 };
const OURS = { ip: '2001:2:0:7::10', port: 40_000 };
const MOVED = { ip: '2001:2:0:8::10', port: 40_000 };
const TOKEN = new Uint8Array(8);
const HOME = [
  { ip: '192.168.1.2', prefix: 24 },
  { ip: OURS.ip, prefix: 64 },
];

function asked(six: Six): readonly unknown[] {
  const opened = six.step({ kind: 'observers', observers: [FOUR, OBSERVER] }, at(0));
  expect(opened).toEqual([{ kind: 'open', socket: 7, ip: '::', port: 0 }]);
  return six.step({ kind: 'opened' }, at(0));
}

describe('the IPv6 side of a household', () => {
  it('asks an observer of IPv6 where it is, and is a door once that is proven', () => {
    const six = new Six(7, HOME);
    expect(asked(six)).toEqual([{ kind: 'probe', socket: 7, observer: 1, index: 0 }]);
    expect([six.door, six.proven]).toEqual([undefined, []]);
    expect(six.step({ kind: 'observed', external: OURS, token: TOKEN }, at(30))).toEqual([{ kind: 'moved' }]);
    expect([six.door, six.proven]).toEqual([7, [{ address: OURS, token: TOKEN, opening: 'none' }]]);
  });

  it('asks again when nothing comes, ever more seldom', () => {
    const six = new Six(7, HOME);
    asked(six);
    const times: number[] = [];
    for (let wake = six.wake(); wake !== undefined && times.length < 5; wake = six.wake()) {
      times.push(wake);
      expect(six.step({ kind: 'tick' }, wake)).toHaveLength(1);
    }
    expect(times).toEqual([300, 1000, 3000, 11_000, 311_000]);
  });

  it('tells only when it has moved', () => {
    const six = new Six(7, HOME);
    asked(six);
    six.step({ kind: 'observed', external: OURS, token: TOKEN }, at(30));
    const again = six.wake() ?? at(0);
    expect(again).toBe(300_030);
    expect(six.step({ kind: 'tick' }, again)).toHaveLength(1);
    expect(six.step({ kind: 'observed', external: OURS, token: TOKEN }, again)).toEqual([]);
    expect(six.step({ kind: 'observed', external: MOVED, token: TOKEN }, again)).toEqual([{ kind: 'moved' }]);
    expect(six.proven).toEqual([{ address: MOVED, token: TOKEN, opening: 'none' }]);
  });

  it('tells where it is anew, and has it proven, in a new session of the rendezvous', () => {
    const six = new Six(7, HOME);
    asked(six);
    six.step({ kind: 'observed', external: OURS, token: TOKEN }, at(30));
    expect(six.step({ kind: 'observers', observers: [FOUR, OBSERVER] }, at(1000))).toHaveLength(1);
    const token = new Uint8Array(8).fill(1);
    expect(six.step({ kind: 'observed', external: OURS, token }, at(1030))).toEqual([{ kind: 'moved' }]);
    expect(six.proven).toEqual([{ address: OURS, token, opening: 'none' }]);
  });

  it('has the port of the other family, which a rule of a firewall is for, or any where that is taken', () => {
    const six = new Six(7, HOME);
    six.step({ kind: 'bound', port: 41_641 }, at(0));
    const open = { kind: 'open', socket: 7, ip: '::', port: 41_641 };
    expect(six.step({ kind: 'observers', observers: [OBSERVER] }, at(0))).toEqual([open]);
    expect(six.step({ kind: 'failed' }, at(0))).toEqual([{ ...open, port: 0 }]);
    expect(six.step({ kind: 'opened' }, at(0))).toHaveLength(1);
  });

  it('is none any more where the line has lost IPv6', () => {
    const six = new Six(7, HOME);
    asked(six);
    six.step({ kind: 'observed', external: OURS, token: TOKEN }, at(30));
    expect(six.step({ kind: 'networks', networks: HOME.slice(0, 1) }, at(1000))).toEqual([{ kind: 'moved' }]);
    expect([six.door, six.proven]).toEqual([undefined, []]);
  });

  it.each([
    ['no address of its own', [{ ip: '192.168.1.2', prefix: 24 }], [FOUR, OBSERVER]],
    ['only one of its LAN', [{ ip: 'fd00::10', prefix: 64 }], [FOUR, OBSERVER]],
    ['nobody to ask', HOME, [FOUR]],
  ])('opens nothing with %s', (_, networks, observers) => {
    const six = new Six(7, networks);
    expect(six.step({ kind: 'observers', observers }, at(0))).toEqual([]);
    expect(six.wake()).toBeUndefined();
  });

  it('is given up where the system has no such socket', () => {
    const six = new Six(7, HOME);
    six.step({ kind: 'observers', observers: [OBSERVER] }, at(0));
    expect(six.step({ kind: 'failed' }, at(0))).toEqual([]);
    expect(six.step({ kind: 'observers', observers: [OBSERVER] }, at(1))).toEqual([]);
    expect([six.door, six.wake()]).toEqual([undefined, undefined]);
  });
});
