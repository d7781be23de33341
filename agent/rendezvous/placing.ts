import { base32 } from '../base/text32.ts';
import { type Instant, ms } from '../base/time.ts';
import type {
  AskChannel,
  Audited,
  Capacity,
  Complain,
  Forked,
  FromRendezvous,
  LeaveChannel,
  Position,
  Publish,
} from '../wire/messages.ts';
import { type Client, keyOf } from './directory.ts';
import { event, type RendezvousEffect, short } from './events.ts';
import type { Floor } from './floor.ts';
import { answerNo } from './introducing.ts';

/** Who leads a channel and who stands where in it, as households say it. */
export class Placing {
  readonly #floor: Floor;

  constructor(floor: Floor) {
    this.#floor = floor;
  }

  publish(client: Client, message: Publish, answers: FromRendezvous[], now: Instant): RendezvousEffect[] {
    const { request, channel, name } = message;
    const verdict = this.#floor.matchmaker.publish(
      client,
      message,
      this.#floor.proofs.nonce(client.index, client.node),
      now,
    );
    if (verdict.kind !== 'done') return answerNo(this.#floor, request, verdict, answers);
    answers.push({ kind: 'done', request });
    return [event('published', { node: short(client), channel: base32(channel).slice(0, 8), name })];
  }

  askChannel(message: AskChannel, answers: FromRendezvous[]): RendezvousEffect[] {
    const { request } = message;
    const found = this.#floor.matchmaker.channels.get(keyOf(message.channel));
    if (found === undefined) {
      return answerNo(this.#floor, request, { kind: 'refused', reason: 'channel-unknown', retryIn: ms(0) }, answers);
    }
    const { id: channel, epoch, name } = found.facts;
    answers.push({ kind: 'channel-info', request, channel, epoch, name, origin: found.origin });
    return [];
  }

  position(client: Client, message: Position, answers: FromRendezvous[], now: Instant): RendezvousEffect[] {
    const { request } = message;
    const verdict = this.#floor.matchmaker.position(client, message, now);
    if (verdict.kind !== 'done') return answerNo(this.#floor, request, verdict, answers);
    answers.push({ kind: 'done', request });
    return [];
  }

  complain(client: Client, message: Complain, answers: FromRendezvous[], now: Instant): RendezvousEffect[] {
    const { request, channel, node, fault } = message;
    const { channels } = this.#floor.matchmaker;
    const isDecided = channels.complain(keyOf(channel), client.nodeKey, keyOf(node), fault, now);
    answers.push({ kind: 'done', request });
    return isDecided ? [event('demoted', { node: base32(node).slice(0, 8), fault })] : [];
  }

  /** Only who was sent to it is heard, and once. */
  audited(
    client: Client,
    { request, pairId, verdict }: Audited,
    answers: FromRendezvous[],
    now: Instant,
  ): RendezvousEffect[] {
    const { pairs, channels } = this.#floor.matchmaker;
    answers.push({ kind: 'done', request });
    const pair = pairs.get(pairId);
    if (pair?.purpose !== 'audit' || pair.asker !== client.nodeKey || pair.channel === undefined) return [];
    const isDecided = channels.audited(pair.channel, pair.asker, pair.target, verdict === 'good', now);
    const target = this.#floor.directory.byNode(pair.target);
    if (target === undefined) return [];
    const node = short(target);
    const audited = event('audited', { node, by: short(client), verdict });
    return isDecided
      ? [audited, event('demoted', { node, fault: verdict === 'bad' ? 'corrupt' : 'silent' })]
      : [audited];
  }

  /** For whoever runs this rendezvous, and the owner of the channel: two origins have its key, or a thief has. */
  forked(client: Client, message: Forked, answers: FromRendezvous[], now: Instant): RendezvousEffect[] {
    answers.push({ kind: 'done', request: message.request });
    const isProven = this.#floor.matchmaker.forked(client, message, now);
    return isProven ? [event('forked', { channel: base32(message.channel).slice(0, 8), by: short(client) })] : [];
  }

  capacity(client: Client, { request, streams, most, shares }: Capacity, answers: FromRendezvous[], now: Instant): [] {
    if (client.facts !== undefined) client.facts = { ...client.facts, streams, most };
    client.shares = new Map(shares.map((share) => [keyOf(share.channel), share]));
    for (const channel of client.channels) {
      this.#floor.matchmaker.channels.resize(channel, client, now);
    }
    answers.push({ kind: 'done', request });
    return [];
  }

  leave(client: Client, { request, channel }: LeaveChannel, answers: FromRendezvous[], now: Instant): [] {
    this.#floor.matchmaker.channels.leave(keyOf(channel), client.nodeKey, now);
    client.channels.delete(keyOf(channel));
    answers.push({ kind: 'done', request });
    return [];
  }
}
