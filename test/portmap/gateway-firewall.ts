import type { UpnpScene, Values } from './gateway-upnp.ts';

export const FIREWALL = 'urn:schemas-upnp-org:service:WANIPv6FirewallControl:1';

export interface Firewall {
  readonly enabled?: boolean;
  readonly allowed?: boolean;
  /** Seconds; more is refused with 402. */
  readonly longest?: number;
}

const [INVALID, NOT_AUTHORIZED, DISABLED, FORBIDDEN, NO_SUCH_ENTRY, NO_PACKET] = [402, 606, 702, 703, 704, 709];
const UDP = '17';

/** WANIPv6FirewallControl:1 from the gateway's side; a host can speak for itself only. */
export function answerFirewall(action: string, values: ReadonlyMap<string, string>, scene: UpnpScene): Values | number {
  const { table, now, from } = scene;
  const { enabled = true, allowed = true, longest = 86_400 } = scene.upnp.firewall ?? {};
  const number = (name: string): number => Number(values.get(name) ?? Number.NaN);
  if (action === 'GetFirewallStatus') {
    return [
      ['FirewallEnabled', Number(enabled)],
      ['InboundPinholeAllowed', Number(allowed)],
    ];
  }
  if (!enabled) return DISABLED;
  if (!allowed) return FORBIDDEN;
  if (action === 'AddPinhole') {
    const [ip = '', port, lifetime] = [values.get('InternalClient'), number('InternalPort'), number('LeaseTime')];
    if (values.get('Protocol') !== UDP || !(port > 0) || !(lifetime >= 1 && lifetime <= longest)) return INVALID;
    if (ip !== from) return NOT_AUTHORIZED;
    return [['UniqueID', table.open(ip, port, lifetime, now)]];
  }
  const pinhole = table.pinholes(now).find(({ id }) => id === number('UniqueID'));
  if (pinhole === undefined) return NO_SUCH_ENTRY;
  if (pinhole.ip !== from) return NOT_AUTHORIZED;
  switch (action) {
    case 'UpdatePinhole': {
      const lifetime = number('NewLeaseTime');
      if (!(lifetime >= 1 && lifetime <= longest)) return INVALID;
      table.open(pinhole.ip, pinhole.port, lifetime, now);
      return [];
    }
    case 'DeletePinhole':
      table.shut(pinhole.id);
      return [];
    case 'GetPinholePackets':
      // It counts nothing, like some real ones.
      return NO_PACKET;
  }
  return 401;
}
