import { ms } from '../base/time.ts';
import type { PeerSeen } from './facts.ts';

/** The neighbours that an agent's own status names (/api/v1/status); undefined where it is none. */
export function peersOf(status: unknown): readonly PeerSeen[] | undefined {
  if (!isRecord(status) || !Array.isArray(status['channels'])) return undefined;
  return status['channels'].filter(isRecord).flatMap(({ parent, children }) => {
    const fed = Array.isArray(children) ? children.filter(isRecord) : [];
    return [...(isRecord(parent) ? [peer('parent', parent)] : []), ...fed.map((child) => peer('child', child))];
  });
}

function peer(part: PeerSeen['part'], one: Readonly<Record<string, unknown>>): PeerSeen {
  const { method, rtt_ms: rtt, loss_share: loss } = one;
  return {
    part,
    method: typeof method === 'string' && /^[a-z-]{1,20}$/.test(method) ? method : undefined,
    rtt: typeof rtt === 'number' && rtt >= 0 ? ms(rtt) : undefined,
    loss: typeof loss === 'number' && loss >= 0 && loss <= 1 ? loss : undefined,
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
