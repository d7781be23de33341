import { ipBytes, ipText } from '../base/address.ts';

/** Every IP address in a text without its second half: 203.0.x.x, 2001:db8:x. Ports and everything else stay. */
export function masked(text: string): string {
  return text
    .replaceAll(/(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)/g, maskOne)
    .replaceAll(/(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}(?:[0-9a-fA-F]{1,4}|(?<=::))(?:%[\w.-]*\w)?/g, maskOne);
}

function maskOne(text: string): string {
  const bytes = ipBytes(text.split('%')[0] ?? '');
  if (bytes === undefined) return text;
  const parts = bytes.length === 4 ? [...bytes.subarray(0, 2), 'x', 'x'].join('.') : undefined;
  return parts ?? `${ipText(new Uint8Array(16).map((_, i) => (i < 4 ? (bytes[i] ?? 0) : 0))).replace(/::$/, '')}:x`;
}
