import { textOf } from '../base/bytes.ts';
import { child, type Element, escaped, readXml, textOfChild, type XmlRefusal } from './xml.ts';

/** Actions of UPnP services: UPnP Device Architecture 2.0, section 3. */
export interface Action {
  /** The service's type, as its description spells it. */
  readonly type: string;
  readonly name: string;
  /** In the order of the service's own list: some devices read by position. */
  readonly values: readonly (readonly [string, string | number])[];
}

export type SoapAnswer =
  /** Names in lower case. */
  | { readonly kind: 'done'; readonly values: ReadonlyMap<string, string> }
  /** UPnP's error number, 0 where the fault names none. */
  | { readonly kind: 'fault'; readonly code: number };

export type SoapRefusal = XmlRefusal | 'not-an-answer';

export function encodeAction({ type, name, values }: Action): string {
  const inner = values.map(([key, value]) => `<${key}>${escaped(String(value))}</${key}>`).join('');
  return (
    '<?xml version="1.0"?>\r\n' +
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">' +
    `<s:Body><u:${name} xmlns:u="${escaped(type)}">${inner}</u:${name}></s:Body></s:Envelope>\r\n`
  );
}

/** What goes with an action besides its text. */
export function actionHeaders({ type, name }: Action): readonly (readonly [string, string])[] {
  return [
    ['Content-Type', 'text/xml; charset="utf-8"'],
    ['SOAPAction', `"${type}#${name}"`],
  ];
}

/** Reads what came back for an action, whatever the status: some devices send faults with 200. */
export function decodeSoap(bytes: Uint8Array, action: string): SoapAnswer | SoapRefusal {
  const root = readXml(textOf(bytes));
  if (typeof root === 'string') return root;
  const body = root.name === 'envelope' ? child(root, 'body') : undefined;
  if (body === undefined) return 'not-an-answer';
  const fault = child(body, 'fault');
  if (fault !== undefined) return { kind: 'fault', code: codeOf(fault) };
  const answer = child(body, `${action.toLowerCase()}response`);
  if (answer === undefined) return 'not-an-answer';
  return { kind: 'done', values: new Map(answer.children.map(({ name, text }) => [name, text])) };
}

/** Fault, detail, UPnPError, errorCode; the middle ones are missing here and there. */
function codeOf(fault: Element): number {
  const detail = child(fault, 'detail') ?? fault;
  const error = child(detail, 'upnperror') ?? detail;
  const text = textOfChild(error, 'errorcode') ?? '';
  return /^\d{3}$/.test(text) ? Number(text) : 0;
}
