import { describe, expect, test } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { ID_WINDOW, Inbox } from '../../agent/transport/inbox.ts';
import { type Message, Outbox } from '../../agent/transport/outbox.ts';

const NEVER = at(1e9);

function taken(outbox: Outbox, now = 0): Message | undefined {
  const message = outbox.next(at(now));
  if (message !== undefined) outbox.take(message);
  return message;
}

describe('outbox', () => {
  test('urgent messages overtake, repairs overtake new ones', () => {
    const outbox = new Outbox(10_000);
    outbox.add(new Uint8Array(1), NEVER, false, at(0));
    const lost = taken(outbox);
    outbox.add(new Uint8Array(2), NEVER, false, at(0));
    outbox.add(new Uint8Array(3), NEVER, true, at(0));
    if (lost !== undefined) outbox.repair(lost, at(0));
    expect([taken(outbox), taken(outbox), taken(outbox)].map((message) => message?.bytes.length)).toEqual([3, 1, 2]);
    expect(outbox.bytes).toBe(0);
  });

  test('an id belongs to a message, not to a sending of it', () => {
    const outbox = new Outbox(10_000);
    outbox.add(new Uint8Array(1), NEVER, false, at(0));
    const message = taken(outbox) as Message;
    outbox.repair(message, at(0));
    expect(taken(outbox)).toBe(message);
    expect(message.id).toBe(0);
  });

  test('what is too late is dropped and counted, waiting or in need of repair', () => {
    const outbox = new Outbox(10_000);
    outbox.add(new Uint8Array(1), at(10), false, at(0));
    const lost = taken(outbox) as Message;
    outbox.add(new Uint8Array(1), at(10), false, at(0));
    outbox.repair(lost, at(10));
    expect(outbox.next(at(10))).toBeUndefined();
    expect(outbox.takeExpired()).toBe(2);
    expect(outbox.takeExpired()).toBe(0);
  });

  test('the bytes of a settled message are let go at once', () => {
    const outbox = new Outbox(10_000);
    outbox.add(new Uint8Array(1000), NEVER, false, at(0));
    const message = taken(outbox) as Message;
    outbox.acknowledged(message);
    expect(message.bytes.length).toBe(0);
    outbox.repair(message, at(0));
    expect(outbox.next(at(0))).toBeUndefined();
  });

  test('a double wakes when it becomes due, not while it is', () => {
    const outbox = new Outbox(10_000);
    outbox.add(new Uint8Array(1), NEVER, false, at(0));
    outbox.double(taken(outbox) as Message, at(10));
    expect(outbox.next(at(9))).toBeUndefined();
    expect(outbox.wake()).toBe(10);
    // It may go, and window or pace do not let it.
    expect(outbox.next(at(10))?.id).toBe(0);
    expect(outbox.wake()).toBeUndefined();
    expect(taken(outbox, 12)?.id).toBe(0);
  });

  test('past its limit the oldest give way', () => {
    const outbox = new Outbox(3000);
    for (let i = 1; i <= 4; i++) outbox.add(new Uint8Array(900 + i), NEVER, false, at(0));
    expect(outbox.bytes).toBeLessThanOrEqual(3000);
    expect(taken(outbox)?.bytes.length).toBe(902);
    expect(outbox.takeExpired()).toBe(1);
  });

  test('ids in flight never spread further than the receiver remembers', () => {
    const outbox = new Outbox(1e9);
    for (let i = 0; i <= ID_WINDOW; i++) outbox.add(new Uint8Array(1), NEVER, false, at(0));
    const first = taken(outbox) as Message;
    for (let i = 1; i < ID_WINDOW; i++) taken(outbox);
    expect(taken(outbox)).toBeUndefined();
    outbox.acknowledged(first);
    expect(taken(outbox)?.id).toBe(ID_WINDOW);
  });
});

describe('inbox', () => {
  test('takes each id once, in any order, and across the wrap at 2^32', () => {
    const inbox = new Inbox();
    expect([3, 1, 3, 2, 1].map((id) => inbox.take(id))).toEqual([true, true, false, true, false]);
    const other = new Inbox();
    expect([0xfffffffe, 0, 0xffffffff, 0xfffffffe, 0, 1].map((id) => other.take(id))).toEqual([
      true,
      true,
      true,
      false,
      false,
      true,
    ]);
  });

  test('an id too old to be remembered counts as taken', () => {
    const inbox = new Inbox();
    inbox.take(ID_WINDOW + 5);
    expect(inbox.take(5)).toBe(false);
    expect(inbox.take(6)).toBe(true);
  });
});
