import { test } from 'vitest';
import { concat, fromHex } from '../../agent/base/bytes.ts';
import { decode } from '../../agent/wire/codec.ts';
import { decodePeer } from '../../agent/wire/peer.ts';
import vectors from '../vectors/wire.json' with { type: 'json' };
import { hammer } from './hammer.ts';

const bytes = ({ hex }: { readonly hex: string }): Uint8Array => fromHex(hex) ?? new Uint8Array(0);
const said = vectors.rendezvous.map(bytes);

test('what a household and a rendezvous say to each other is read or refused', () => {
  hammer([...said, concat(said.slice(0, 4)), concat(said.slice(-4))], (body) => void decode(body));
});

test('what two households say to each other is read or refused', () => {
  hammer(vectors.peer.map(bytes), (message) => void decodePeer(message));
});
