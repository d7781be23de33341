import { isObject } from '../base/json.ts';
import type { Facts, RoomSeen } from './facts.ts';
import { type Finding, no, unchecked, yes } from './finding.ts';

/** What an agent's own status says of its line out (/api/v1/status); undefined where it says nothing of it. */
export function roomOf(status: unknown): RoomSeen | undefined {
  const capacity = isObject(status) ? status['capacity'] : undefined;
  if (!isObject(capacity)) return undefined;
  const { streams, upload_kbits: kbits } = capacity;
  if (typeof streams !== 'number' || streams < 0 || streams > 64) return undefined;
  return { streams, kbits: typeof kbits === 'number' && kbits >= 0 && kbits < 1e9 ? kbits : undefined };
}

/** Whether the line out carries the stream for others. */
export function roomForOthers({ room, homePort }: Facts): Finding {
  if (room === undefined) return unchecked(homePort === 'agent' ? 'the agent here did not say' : 'no agent runs here');
  const { streams, kbits } = room;
  const line = kbits === undefined ? 'the line has not shown what it carries' : `the line carries ${megabits(kbits)}`;
  const whole = Math.floor(streams);
  if (whole < 1) return no(`it can feed nobody now; ${line}`);
  return yes(`it can feed ${whole === 1 ? 'one household' : `${whole} households`}; ${line}`);
}

function megabits(kbits: number): string {
  return `${(kbits / 1000).toFixed(1)} Mbit/s`;
}
