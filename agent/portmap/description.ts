import { textOf } from '../base/bytes.ts';
import { child, type Element, readXml, textOfChild, type XmlRefusal } from './xml.ts';

/** What a gateway tells of itself: UPnP Device Architecture 2.0, section 2.3. */
export interface Description {
  /** For people; printable and short. */
  readonly name: string;
  readonly maker: string;
  readonly model: string;
  /** What relative addresses start from, where it says so (version 1.0 only). */
  readonly base: string | undefined;
  readonly services: readonly Service[];
}

export interface Service {
  /** The whole type, as actions must repeat it. */
  readonly type: string;
  readonly kind: ServiceKind;
  readonly version: number;
  /** As written; whether it may be asked is for url.ts to say. */
  readonly control: string;
}

export type ServiceKind = 'ip' | 'ppp' | 'firewall6';

export type DescriptionRefusal = XmlRefusal | 'not-a-device';

const KINDS: ReadonlyMap<string, ServiceKind> = new Map([
  ['wanipconnection', 'ip'],
  ['wanpppconnection', 'ppp'],
  ['wanipv6firewallcontrol', 'firewall6'],
]);
/** A gateway with three WANs has a dozen. */
const MOST_SERVICES = 32;
const LONGEST_TYPE = 128;
const LONGEST_WORDS = 80;

/** Reads a description and keeps the services that open ports, in its order, from devices however deep. */
export function decodeDescription(bytes: Uint8Array): Description | DescriptionRefusal {
  const root = readXml(textOf(bytes));
  if (typeof root === 'string') return root;
  const device = root.name === 'root' ? child(root, 'device') : undefined;
  if (device === undefined) return 'not-a-device';
  const services: Service[] = [];
  collect(device, services);
  return {
    name: words(textOfChild(device, 'friendlyname')),
    maker: words(textOfChild(device, 'manufacturer')),
    model: words(`${textOfChild(device, 'modelname') ?? ''} ${textOfChild(device, 'modelnumber') ?? ''}`),
    base: textOfChild(root, 'urlbase'),
    services: services.slice(0, MOST_SERVICES),
  };
}

/** As deep as the reader of XML went. */
function collect(device: Element, services: Service[]): void {
  for (const list of device.children) {
    if (list.name === 'servicelist') for (const element of list.children) services.push(...serviceOf(element));
    if (list.name === 'devicelist') for (const inner of list.children) collect(inner, services);
  }
}

function serviceOf(element: Element): readonly Service[] {
  const type = textOfChild(element, 'servicetype') ?? '';
  const control = textOfChild(element, 'controlurl') ?? '';
  const match = /^urn:[a-z0-9.-]+:service:([a-z0-9]+):(\d{1,2})$/i.exec(type);
  const kind = KINDS.get(match?.[1]?.toLowerCase() ?? '');
  if (kind === undefined || type.length > LONGEST_TYPE || control === '') return [];
  return [{ type, kind, version: Number(match?.[2]), control }];
}

function words(text = ''): string {
  return text
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, LONGEST_WORDS)
    .toWellFormed();
}
