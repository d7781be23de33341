/** One line of a playlist. */
export interface PlaylistEntry {
  /** Stable name for guides, `tvg-id`. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly url: string;
  /** `tvg-chno`, from 1. */
  readonly number?: number;
  /** `group-title` */
  readonly group?: string;
}

/**
 * Extended M3U as VLC, Kodi, TiviMate, Jellyfin and televisions read it: UTF-8, one EXTINF line and one URL for each
 * channel. `guide` is the URL of an XMLTV guide. Names lose what would break a line or an attribute.
 */
export function playlist(entries: readonly PlaylistEntry[], guide?: string): string {
  const head = guide === undefined ? '#EXTM3U' : `#EXTM3U x-tvg-url="${attribute(guide)}"`;
  return `${[head, ...entries.map(entryText)].join('\n')}\n`;
}

function entryText({ id, name, url, number, group }: PlaylistEntry): string {
  const shown = oneLine(name) === '' ? id : oneLine(name);
  const attributes = [
    `tvg-id="${attribute(id)}"`,
    `tvg-name="${attribute(shown)}"`,
    ...(number === undefined ? [] : [`tvg-chno="${number}"`]),
    ...(group === undefined ? [] : [`group-title="${attribute(group)}"`]),
  ];
  // -1: a live stream has no length.
  return `#EXTINF:-1 ${attributes.join(' ')},${shown}\n${oneLine(url)}`;
}

/** The format has no escapes: a quote in an attribute becomes an apostrophe. A comma there is understood by all. */
function attribute(text: string): string {
  return oneLine(text).replaceAll('"', "'");
}

function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are the very thing that is removed
  return text.replaceAll(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, ' ').trim();
}
