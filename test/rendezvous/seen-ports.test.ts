import { expect, test } from 'vitest';
import { at } from '../../agent/base/time.ts';
import { SeenPorts } from '../../agent/rendezvous/seen-ports.ts';

test('a port that was seen is taken for two minutes from the last time', () => {
  const ports = new SeenPorts();
  ports.add(2000, at(0));
  ports.add(2001, at(60_000));
  ports.add(2000, at(90_000));
  expect([...ports.taken(at(119_000))]).toEqual([2001, 2000]);
  expect([...ports.taken(at(200_000))]).toEqual([2000]);
  expect(ports.taken(at(210_000)).size).toBe(0);
});

test('whoever is seen at ever more ports costs no more memory', () => {
  const ports = new SeenPorts();
  for (let port = 1024; port < 60_000; port++) ports.add(port, at(port));
  expect(ports.taken(at(60_000)).size).toBe(128);
});
