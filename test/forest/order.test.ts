import { expect, test } from 'vitest';
import { readOrder } from '../../agent/forest/order.ts';

test.each([
  { what: 'kill', house: 7 },
  { what: 'leave', house: 7 },
  { what: 'kill-feeders' },
  { what: 'carrier-out' },
  { what: 'rendezvous', on: false },
  { what: 'stay', seconds: 60 },
  { what: 'stay', seconds: null },
  { what: 'size', households: 1000 },
  { what: 'children', most: 8 },
  { what: 'speed', factor: 0.1 },
])('an order is read as it was given: %j', (order) => {
  expect(readOrder({ ...order, more: 'is not looked at' })).toEqual(order);
});

test.each([
  [{}, /"what" must be/],
  [{ what: 'burn' }, /"what" must be/],
  [{ what: 'kill', house: '7' }, /"house" must be/],
  [{ what: 'kill', house: -1 }, /"house" must be/],
  [{ what: 'leave', house: 1.5 }, /"house" must be/],
  [{ what: 'rendezvous', on: 1 }, /"on" must be/],
  [{ what: 'stay', seconds: 0 }, /"seconds" must be null, or a whole number from 10/],
  [{ what: 'size', households: 1001 }, /"households" must be a whole number from 1 to 1000/],
  [{ what: 'size', households: Infinity }, /"households"/],
  [{ what: 'children', most: 1 }, /"most" must be a whole number from 2 to 8/],
  [{ what: 'speed', factor: 1000 }, /"factor" must be one of 0, 0.1, 1, 10/],
])('a wrong order is answered with what is wrong: %j', (order, answer) => {
  expect(readOrder(order)).toMatch(answer);
});
