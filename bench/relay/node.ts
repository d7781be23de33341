/** A process of the relay bench over one of the transports of bench/transport: the source, the relay, or a sink. */
import { type Pipe, stack } from '../transport/stack.ts';
import { clock, Pairs, stream } from './pattern.ts';
import type { Answer, Order, Part } from './words.ts';

const say = (answer: Answer): void => void process.send?.(answer);
const signals = new Map<number, (word: unknown) => void>();
const early = new Map<number, unknown[]>();
const times = new Pairs();
const pipes: Pipe[] = [];
let part: Part = { kind: 'sink' };

async function begin(order: Extract<Order, { kind: 'begin' }>): Promise<void> {
  part = order.part;
  const open = await stack(order.stack);
  const opened = order.ends.map((end, i) =>
    open({
      ...end,
      signal: (word) => say({ kind: 'signal', link: end.link, word }),
      onSignal: (take) => {
        signals.set(end.link, take);
        for (const word of early.get(end.link) ?? []) take(word);
      },
      onMessage: (message) => arrived(i, message),
      onRoom: () => {},
    }),
  );
  pipes.push(...(await Promise.all(opened)));
  say({ kind: 'ready' });
}

function arrived(from: number, message: Uint8Array): void {
  if (part.kind === 'relay') {
    for (let i = 0; i < pipes.length; i++) if (i !== from) pipes[i]?.send(message);
  } else if (part.kind === 'sink') {
    times.add(new DataView(message.buffer, message.byteOffset, 4).getUint32(0), clock());
  }
}

function go(): void {
  if (part.kind !== 'source') return;
  stream(part.mbit, (number, size) => {
    const message = new Uint8Array(size).fill(number & 255);
    new DataView(message.buffer).setUint32(0, number);
    times.add(number, clock());
    for (const pipe of pipes) pipe.send(message);
  });
}

process.on('message', (order: Order) => {
  switch (order.kind) {
    case 'begin':
      void begin(order);
      break;
    case 'signal':
      if (signals.has(order.link)) signals.get(order.link)?.(order.word);
      else early.set(order.link, [...(early.get(order.link) ?? []), order.word]);
      break;
    case 'go':
      go();
      break;
    case 'mark':
      times.clear();
      break;
    case 'report':
      say({ kind: 'report', times: times.take() });
      break;
    case 'origin':
    case 'household':
      break;
  }
});
