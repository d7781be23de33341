import { ipBytes } from '../base/address.ts';

/** Where an origin takes its stream from. */
export type Source =
  | { readonly kind: 'stdin' }
  | { readonly kind: 'file'; readonly path: string; readonly loop: boolean }
  /** Datagrams of transport stream packets, with or without RTP; `ip` is a multicast group or an own address. */
  | {
      readonly kind: 'udp';
      readonly ip: string;
      readonly port: number;
      /** Own address of the network the group is joined on. */
      readonly via: string | undefined;
      /** Only datagrams of this sender (source-specific multicast). */
      readonly from: string | undefined;
    }
  | { readonly kind: 'http'; readonly url: string }
  | {
      readonly kind: 'http-listen';
      readonly ip: string;
      readonly port: number;
      readonly path: string;
      /** `user:password` that a pusher must show, as HTTP Basic. */
      readonly login: string | undefined;
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'tcp-listen'; readonly ip: string; readonly port: number };

const FORMS = '-, FILE, udp://ADDR:PORT, rtp://ADDR:PORT, tcp://HOST:PORT, http://URL or listen:http://ADDR:PORT/PATH';

interface Parts {
  readonly scheme: string;
  readonly login: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
}

/**
 * Reads the `--in` of an origin. A problem is a whole sentence with its fix.
 * `udp://@GROUP:PORT` (as players write it) is accepted; `?via=ADDR` and `?from=ADDR` name interface and sender of a
 * multicast. `tcp://ADDR:PORT?listen` waits for an encoder to connect; without it hearth connects to the encoder.
 */
export function parseSource(text: string, loop = false): Source | { readonly problem: string } {
  if (text === '') return { problem: `no source given: use ${FORMS}` };
  if (text === '-') return { kind: 'stdin' };
  const listen = text.startsWith('listen:');
  const rest = listen ? text.slice('listen:'.length) : text;
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(rest)) {
    if (listen) return { problem: `"${text}" names no place to listen: write listen:http://0.0.0.0:8100/live` };
    return { kind: 'file', path: text, loop };
  }
  const parts = partsOf(rest);
  if (parts === undefined) return { problem: `"${text}" is no address: write it like udp://239.1.1.1:5000` };
  if (listen) return httpListen(text, parts);
  switch (parts.scheme) {
    case 'udp':
    case 'rtp':
      return udp(text, parts);
    case 'tcp':
      return tcp(text, parts);
    case 'http':
    case 'https':
      return { kind: 'http', url: text };
    case 'file':
      return { kind: 'file', path: rest.slice('file://'.length), loop };
    case 'srt':
    case 'rist':
    case 'rtmp':
    case 'rtsp':
      return {
        problem: `${parts.scheme}:// is not read directly: let ffmpeg -i ${text} -c copy -f mpegts - pipe into --in -`,
      };
    default:
      return { problem: `"${parts.scheme}://" is not known: use ${FORMS}` };
  }
}

function partsOf(text: string): Parts | undefined {
  const match =
    /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#@]*)@)?(\[[0-9a-f:.]+\]|[^/?#:[\]]*)(?::(\d{1,5}))?(\/[^?#]*)?(?:\?([^#]*))?$/i.exec(
      text,
    );
  if (match === null) return undefined;
  const port = match[4] === undefined ? undefined : Number(match[4]);
  if (port !== undefined && port > 65535) return undefined;
  const query = new Map<string, string>();
  for (const word of (match[6] ?? '').split('&')) {
    const equals = word.indexOf('=');
    if (word !== '') query.set(equals < 0 ? word : word.slice(0, equals), equals < 0 ? '' : word.slice(equals + 1));
  }
  return {
    scheme: (match[1] ?? '').toLowerCase(),
    login: match[2] === undefined || match[2] === '' ? undefined : match[2],
    host: (match[3] ?? '').replace(/^\[|\]$/g, ''),
    port,
    path: match[5] ?? '/',
    query,
  };
}

function udp(text: string, { host, port, query }: Parts): Source | { readonly problem: string } {
  if (port === undefined || port === 0) return { problem: `"${text}" has no port: write udp://ADDR:PORT` };
  const ip = host === '' ? '0.0.0.0' : host;
  const via = query.get('via') ?? query.get('localaddr');
  const from = query.get('from') ?? query.get('sources');
  for (const address of [ip, via, from]) {
    if (address !== undefined && ipBytes(address) === undefined) {
      return { problem: `"${address}" in "${text}" is no IP address: write the group or an own address in figures` };
    }
  }
  return { kind: 'udp', ip, port, via, from };
}

function tcp(text: string, { host, port, query }: Parts): Source | { readonly problem: string } {
  const listens = query.has('listen');
  if (port === undefined || (port === 0 && !listens))
    return { problem: `"${text}" has no port: write tcp://HOST:PORT` };
  if (!listens)
    return host === '' ? { problem: `"${text}" has no host: write tcp://HOST:PORT` } : { kind: 'tcp', host, port };
  const ip = host === '' ? '0.0.0.0' : host;
  if (ipBytes(ip) === undefined)
    return { problem: `"${text}": to listen, write an own IP address, as tcp://0.0.0.0:5000?listen` };
  return { kind: 'tcp-listen', ip, port };
}

function httpListen(text: string, { scheme, host, port, path, login }: Parts): Source | { readonly problem: string } {
  if (scheme !== 'http') return { problem: `"${text}": only listen:http://ADDR:PORT/PATH is listened on` };
  if (port === undefined) return { problem: `"${text}" has no port: write listen:http://ADDR:PORT/PATH` };
  const ip = host === '' ? '0.0.0.0' : host;
  if (ipBytes(ip) === undefined)
    return { problem: `"${text}": write an own IP address, as listen:http://0.0.0.0:8100/live` };
  return { kind: 'http-listen', ip, port, path, login };
}
