import type { Random } from '../base/random.ts';

/** One try to get a mapping from a UPnP gateway. */
export interface Attempt {
  /** `any`: AddAnyPortMapping, which finds a free port itself (IGD version 2); `add`: AddPortMapping. */
  readonly action: 'any' | 'add';
  readonly internal: number;
  readonly external: number;
  /** Seconds; 0 is for ever. */
  readonly lifetime: number;
}

/** Why a UPnP gateway did not give a mapping. */
export type Denial =
  | 'no-arguments-fit'
  | 'action-failed'
  | 'not-authorized'
  | 'wildcard-refused'
  | 'port-taken'
  | 'table-full'
  | 'lying'
  | 'unknown-fault'
  /** Of IPv6: nothing is kept out, so there is nothing to open. */
  | 'firewall-off'
  | 'pinholes-forbidden';

export type Step =
  | { readonly kind: 'again'; readonly attempt: Attempt }
  /** The same with another external port. */
  | { readonly kind: 'other-port' }
  /** Not from this service; another one of the same gateway may do. */
  | { readonly kind: 'next-service'; readonly reason: Denial };

const OTHER_PORT: Step = { kind: 'other-port' };

const nextService = (reason: Denial): Step => ({ kind: 'next-service', reason });

/**
 * What to do after an error of AddPortMapping or AddAnyPortMapping: WANIPConnection:1 2.4.16, WANIPConnection:2 2.5.16 and
 * 2.5.20, UPnP Device Architecture 3.2.2 for those below 500; and what routers mean by them where they mean something else.
 */
export function afterFault(code: number, attempt: Attempt): Step {
  switch (code) {
    // Never heard of AddAnyPortMapping, though it calls itself version 2.
    case 401:
    case 602:
      return attempt.action === 'any' ? again(attempt, { action: 'add' }) : nextService('unknown-fault');
    // Invalid arguments: most often the lease time, on routers that know only permanent ones.
    case 402:
    case 725:
      if (attempt.lifetime !== 0) return again(attempt, { lifetime: 0 });
      return attempt.action === 'any' ? again(attempt, { action: 'add' }) : nextService('no-arguments-fit');
    // The usual word of a gateway that has no public address or no line itself.
    case 501:
      return nextService('action-failed');
    // Version 2 gives unknown control points nothing below 1024, and nothing but their own address.
    case 606:
      return attempt.external < 1024 ? OTHER_PORT : nextService('not-authorized');
    case 715:
    case 726:
    case 732:
      return nextService('wildcard-refused');
    case 716:
      return attempt.external === 0 ? OTHER_PORT : nextService('wildcard-refused');
    case 718:
    case 729:
      return attempt.action === 'add' ? OTHER_PORT : again(attempt, { action: 'add' });
    case 724:
      return attempt.external === attempt.internal
        ? nextService('port-taken')
        : again(attempt, { external: attempt.internal });
    case 728:
      return nextService('table-full');
    // It does not find what it has just made.
    case 714:
      return nextService('lying');
  }
  return attempt.action === 'any' ? again(attempt, { action: 'add' }) : nextService('unknown-fault');
}

export type PinholeStep =
  | { readonly kind: 'again'; readonly lifetime: number }
  | { readonly kind: 'end'; readonly reason: Denial };

/** What a firewall of IPv6 gets that finds a longer time too long, s. */
const MODEST = 3600;

/** What to do after an error of AddPinhole that was asked for so many seconds: WANIPv6FirewallControl:1, 2.6.3 and table 2-9. */
export function afterPinholeFault(code: number, lifetime: number): PinholeStep {
  const end = (reason: Denial): PinholeStep => ({ kind: 'end', reason });
  switch (code) {
    // Invalid arguments and out of range: the one that can be too much is the time.
    case 402:
    case 601:
      return lifetime > MODEST ? { kind: 'again', lifetime: MODEST } : end('no-arguments-fit');
    case 501:
      return end('action-failed');
    case 606:
      return end('not-authorized');
    case 701:
      return end('table-full');
    case 702:
      return end('firewall-off');
    case 703:
      return end('pinholes-forbidden');
    case 705:
      return end('no-arguments-fit');
    // The remote host, and on some the remote port, may not be anybody's.
    case 706:
    case 707:
    case 708:
      return end('wildcard-refused');
  }
  return end('unknown-fault');
}

function again(attempt: Attempt, change: Partial<Attempt>): Step {
  return { kind: 'again', attempt: { ...attempt, ...change } };
}

/** Above what systems give to services, below what they give to outgoing connections (32768) most of the time. */
const [LOWEST_PORT, PORTS] = [10_000, 50_000];

/** Another external port, one that was not tried: the internal one first, then random ones, which nobody else walks along. */
export function otherPort(tried: readonly number[], internal: number, random: Random): number {
  if (internal >= 1024 && !tried.includes(internal)) return internal;
  for (;;) {
    const port = LOWEST_PORT + random(PORTS);
    if (!tried.includes(port)) return port;
  }
}
