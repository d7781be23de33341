import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Tables } from '../../agent/media/tables.ts';
import { carry, join, packet, pat, pmt } from './stream.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 300);
const VIDEO = { pid: 0x200, type: 0x1b };
const AUDIO = { pid: 0x201, type: 0x0f };

function read(tables: Tables, packets: readonly Uint8Array[]): Tables {
  for (const bytes of packets) tables.take(bytes, 0);
  return tables;
}

test('PAT and PMT tell the programme, its clock and the role of each stream', () => {
  const tables = read(new Tables(), [
    ...carry(0, pat({ 7: 0x100 })),
    ...carry(0x100, pmt(7, 0x200, [VIDEO, AUDIO, { pid: 0x202, type: 0x06 }])),
  ]);
  expect(tables.programme).toEqual({
    number: 7,
    version: 0,
    pcrPid: 0x200,
    streams: [
      { ...VIDEO, role: 'video' },
      { ...AUDIO, role: 'audio' },
      { pid: 0x202, type: 6, role: 'other' },
    ],
  });
  expect(tables.isTable(0x100)).toBe(true);
  expect(tables.isTable(0x200)).toBe(false);
});

test.each([
  ['AC-3 by its descriptor', 0x06, [0x6a, 1, 0], 'audio'],
  ['Opus by its registration', 0x06, [5, 4, 0x4f, 0x70, 0x75, 0x73], 'audio'],
  ['subtitles', 0x06, [0x59, 2, 0, 0], 'other'],
  ['H.265', 0x24, [], 'video'],
  ['MPEG-2 video', 0x02, [], 'video'],
  ['MP2', 0x03, [], 'audio'],
  ['SCTE 35', 0x86, [], 'other'],
] as const)('%s is known for what it is', (_, type, descriptors, role) => {
  const tables = read(new Tables(), [
    ...carry(0, pat({ 1: 0x100 })),
    ...carry(0x100, pmt(1, 0x200, [{ pid: 0x300, type, descriptors }])),
  ]);
  expect(tables.stream(0x300)?.role).toBe(role);
});

test('a PMT over several packets is put together, and all of them are kept for viewers', () => {
  const many = Array.from({ length: 60 }, (_, i) => ({ pid: 0x300 + i, type: i === 59 ? 0x1b : 0x06 }));
  const packets = carry(0x100, pmt(1, 0x33b, many), 14);
  expect(packets.length).toBeGreaterThan(1);
  const tables = read(new Tables(), [...carry(0, pat({ 1: 0x100 })), ...packets]);
  expect(tables.programme?.streams).toHaveLength(60);
  expect(tables.packets().slice(1)).toEqual(packets);
});

test('a packet missing in the middle of a PMT makes no table', () => {
  const many = Array.from({ length: 60 }, (_, i) => ({ pid: 0x300 + i, type: 0x1b }));
  const packets = carry(0x100, pmt(1, 0x300, many));
  const tables = read(new Tables(), [...carry(0, pat({ 1: 0x100 })), ...packets.toSpliced(1, 1)]);
  expect(tables.programme).toBeUndefined();
  read(tables, carry(0x100, pmt(1, 0x300, many), packets.length));
  expect(tables.faults).toBe(1);
  expect(tables.programme?.streams).toHaveLength(60);
});

test('two sections in one packet are both read', () => {
  const both = join([pmt(1, 0x200, [AUDIO]), pmt(2, 0x210, [{ pid: 0x210, type: 0x1b }])]);
  const tables = read(new Tables(), [...carry(0, pat({ 1: 0x100, 2: 0x100 })), ...carry(0x100, both)]);
  expect(tables.programmes).toHaveLength(2);
  // A viewer came for the picture.
  expect(tables.programme?.number).toBe(2);
  expect(tables.packets()).toHaveLength(2);
});

test('a section that begins behind the end of another one in the same packet is read', () => {
  const many = Array.from({ length: 40 }, (_, i) => ({ pid: 0x300 + i, type: 0x06 }));
  const first = pmt(1, 0x300, many);
  const second = pmt(2, 0x210, [{ pid: 0x210, type: 0x1b }]);
  const rest = first.subarray(183);
  const packets = [
    packet({ pid: 0x100, counter: 0, start: true, payload: join([Uint8Array.of(0), first.subarray(0, 183)]) }),
    packet({ pid: 0x100, counter: 1, start: true, payload: join([Uint8Array.of(rest.length), rest, second]) }),
  ];
  const tables = read(new Tables(), [...carry(0, pat({ 1: 0x100, 2: 0x100 })), ...packets]);
  expect(tables.programmes.map(({ number }) => number)).toEqual([1, 2]);
});

test('a new version replaces the old one', () => {
  const tables = read(new Tables(), [...carry(0, pat({ 1: 0x100 })), ...carry(0x100, pmt(1, 0x200, [VIDEO]))]);
  const before = tables.changes;
  read(tables, carry(0x100, pmt(1, 0x200, [VIDEO]), 1));
  expect(tables.changes).toBe(before);
  read(tables, carry(0x100, pmt(1, 0x210, [{ pid: 0x210, type: 0x24 }], 1), 2));
  expect(tables.changes).toBe(before + 1);
  expect(tables.stream(0x200)).toBeUndefined();
  expect(tables.stream(0x210)?.role).toBe('video');
});

test('a programme that leaves the PAT is forgotten with its streams', () => {
  const tables = read(new Tables(), [...carry(0, pat({ 1: 0x100 })), ...carry(0x100, pmt(1, 0x200, [VIDEO]))]);
  read(tables, carry(0, pat({ 2: 0x110 }, 1), 1));
  expect(tables.programme).toBeUndefined();
  expect(tables.stream(0x200)).toBeUndefined();
  expect(tables.packets()).toEqual(carry(0, pat({ 2: 0x110 }, 1), 1));
});

test('a table that is announced for later is not used yet', () => {
  const later = pat({ 1: 0x100 });
  const early = carry(
    0,
    later.map((byte, i) => (i === 5 ? byte & 0xfe : byte)),
  );
  expect(read(new Tables(), early).isTable(0x100)).toBe(false);
});

test('any single changed bit of a table is refused', () => {
  const good = pmt(1, 0x200, [VIDEO, AUDIO]);
  for (let bit = 0; bit < good.length * 8; bit++) {
    const bad = good.slice();
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
    const tables = read(new Tables(), [...carry(0, pat({ 1: 0x100 })), ...carry(0x100, bad)]);
    expect(tables.programme).toBeUndefined();
  }
});

test('packets of any content neither throw nor make the tables grow without bound', () => {
  const any = fc.uint8Array({ minLength: 188, maxLength: 188 }).map((bytes) => {
    bytes[0] = 0x47;
    bytes[1] = (bytes[1] ?? 0) & 0x40;
    bytes[2] = 0;
    return bytes;
  });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 20 }), (packets) => {
      const tables = read(new Tables(), packets);
      expect(tables.packets().length).toBeLessThanOrEqual(20);
    }),
    { numRuns: RUNS },
  );
});
