import { after, type Instant, type Millis, ms } from '../base/time.ts';
import { type Grant, PROTOCOLS, type Protocol, type Refusal } from './client.ts';

/** How far one protocol has come with our gateway. */
export type Standing =
  /** Asked whether it is there. */
  | { readonly name: 'looking'; readonly since: Instant }
  | { readonly name: 'present'; readonly wan: string | undefined }
  /** Asked for the mapping. */
  | { readonly name: 'asked'; readonly since: Instant }
  | { readonly name: 'granted'; readonly grant: Grant }
  | { readonly name: 'refused'; readonly reason: Refusal; readonly wan: string | undefined }
  /** It granted what nobody could come in by. */
  | { readonly name: 'disproved' };

export type Standings = Readonly<Record<Protocol, Standing>>;

export type Choice =
  | { readonly kind: 'hold'; readonly protocol: Protocol; readonly grant: Grant }
  | { readonly kind: 'ask'; readonly protocol: Protocol }
  /** Undefined: until something is heard. */
  | { readonly kind: 'wait'; readonly until: Instant | undefined }
  | { readonly kind: 'none' };

/** How long a better protocol is waited for: on a LAN an answer takes 1 ms, over bad Wi-Fi some tens. */
export const PATIENCE: Millis = ms(250);

/**
 * What to do next: hold the best that was granted, ask the best that is present, wait for a better one as long as it deserves. One
 * mapping at a time is asked for, so that none is left over; who is there at all is asked of everybody at once.
 */
export function choose(standings: Standings, now: Instant): Choice {
  let waiting = false;
  for (const protocol of PROTOCOLS) {
    const standing = standings[protocol];
    switch (standing.name) {
      case 'granted':
        return { kind: 'hold', protocol, grant: standing.grant };
      case 'present':
        return { kind: 'ask', protocol };
      case 'looking':
      case 'asked': {
        waiting = true;
        const patience = after(standing.since, PATIENCE);
        // The last one is waited for until it answers or gives up itself; so are late ones, while a worse one is at it.
        if (protocol !== 'upnp' && now < patience) return { kind: 'wait', until: patience };
        break;
      }
      case 'refused':
      case 'disproved':
        break;
    }
  }
  return waiting ? { kind: 'wait', until: undefined } : { kind: 'none' };
}
