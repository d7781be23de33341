import type { Millis } from '../../base/time.ts';
import type { Role } from './stage.ts';

/** What the rendezvous lets a conductor order, for the whole of its clients; each asked right before the order. */
export interface Permits {
  /** So many new mappings of this side's NAT. */
  mappings(role: Role, count: number): boolean;
  /** So many knocks of the other side at an address of this one, at so many a second. 0 when they may go, else how long they have to wait. */
  spray(hard: Role, ip: string, count: number, pace: number): Millis;
  /** Many mappings on this side, met by many ports from the other: rare things. 0 when it may begin, else how long it has to wait. */
  birthday(hard: Role, ip: string): Millis;
}
