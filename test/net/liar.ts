import { Children } from '../../agent/house/children.ts';
import { main } from '../../agent/main.ts';
import { agent } from '../../agent/roles/agent.ts';
import { STREAM_MESSAGES } from '../../agent/wire/peer.ts';

/*
 * The whole program with one thing changed: what it gives its children. After SIGUSR2 a bit of every piece of the stream is
 * wrong, after SIGWINCH nothing of it goes out; the household itself goes on as if nothing were.
 */
let lie: (bytes: Uint8Array) => Uint8Array | undefined = (bytes) => bytes;
process.on('SIGUSR2', () => (lie = (bytes) => bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte))));
process.on('SIGWINCH', () => (lie = () => undefined));

type Orders = ReturnType<Children['forward']>;

function told(orders: Orders): Orders {
  return orders.flatMap((order) => {
    if ((order.bytes[0] ?? 0) < STREAM_MESSAGES) return [order];
    const bytes = lie(order.bytes);
    return bytes === undefined ? [] : [{ ...order, bytes }];
  });
}

// eslint-disable-next-line typescript/unbound-method -- each is applied to an object of its own below
const { forward, feed, want } = Children.prototype;
Children.prototype.forward = function (...words) {
  return told(forward.apply(this, words));
};
Children.prototype.feed = function (...words) {
  return told(feed.apply(this, words));
};
Children.prototype.want = function (...words) {
  return told(want.apply(this, words));
};

await main(process.argv.slice(2), { agent: async () => agent });
