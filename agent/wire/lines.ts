import { BAITS } from '../base/bait.ts';
import type { Reader, Writer } from '../base/bytes.ts';
import { readList, readWord, writeList, writeWord } from './fields.ts';
import { LINE_ENDS, type LineReport, type LineSeen, type Stretch } from './messages.ts';

/* Messages about what becomes of connections and of long datagrams on the way; their bytes are drawn in codec.ts. */

/** Connections a report tells of. */
const LINES = 8;
/** Of a datagram of 1,500 bytes, what header, tag and the fields before it leave. */
const FILLER = 1440;
const CONTENTS = ['nothing', 'other', ...BAITS] as const;

export function writeStretch(w: Writer, { id, index, filler }: Stretch): void {
  if (filler > FILLER) throw new RangeError(`at most ${FILLER} bytes of filler, got ${filler}`);
  w.u32(id).u8(index).zeros(filler);
}

/** What the filler says is nobody's business: its length is the message. */
export function readStretch(r: Reader): Stretch | undefined {
  const [id, index] = [r.u32(), r.u8()];
  const filler = r.left;
  const zeros = r.rest().every((byte) => byte === 0);
  return filler > FILLER || !zeros ? undefined : { kind: 'stretch', id, index, filler };
}

export function writeLineReport(w: Writer, { request, lines }: LineReport): void {
  w.u32(request);
  writeList(w, lines, LINES, ({ content, received, sent, end }) => {
    writeWord(w, CONTENTS, content);
    writeWord(w.u16(received).u16(sent), LINE_ENDS, end);
  });
}

export function readLineReport(r: Reader): LineReport | undefined {
  const request = r.u32();
  const lines = readList<LineSeen>(r, LINES, () => {
    const content = readWord(r, CONTENTS);
    const [received, sent] = [r.u16(), r.u16()];
    const end = readWord(r, LINE_ENDS);
    return content === undefined || end === undefined ? undefined : { content, received, sent, end };
  });
  return lines === undefined ? undefined : { kind: 'line-report', request, lines };
}
