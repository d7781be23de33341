import { ms } from '../base/time.ts';
import { changeOf, type Counted } from '../house/capacity/change.ts';
import { readUpload, savedUpload } from '../house/capacity/saved.ts';
import type { UploadKnown } from '../house/capacity/upload.ts';
import type { HouseholdInput } from '../house/household.ts';
import { monotonic } from '../io/drive.ts';
import type { StateFolder } from '../io/files.ts';
import { readLoad } from '../io/load.ts';
import type { UdpCounters } from '../io/udp.ts';
import type { Terrain } from '../uplink/terrain.ts';

const FILE = 'upload.json';
const LOOK_MS = 1000;
/** IPv4, UDP and Ethernet around each datagram, as interfaces count it. */
const AROUND_BYTES = 20 + 8 + 14;

/** What is remembered of the line out, and where new findings go. */
export async function openUpload(state: StateFolder) {
  const nowS = (): number => Math.floor(Date.now() / 1000);
  const known = (await state.learned(FILE, (value) => readUpload(value, nowS())))?.known;
  return { known, keep: (found: UploadKnown): void => state.learn(FILE, savedUpload(found, nowS())) };
}

/**
 * Looks at the machine every second and tells the household what has changed. Other devices' traffic is seen only where this machine
 * is the house's router: `terrain` says so.
 */
export function watchSurroundings(
  udp: () => UdpCounters,
  terrain: () => Terrain | undefined,
  give: (input: Extract<HouseholdInput, { kind: 'around' }>) => void,
): { stop(): void } {
  const look = (): { readonly counted: Counted; readonly uplink: string | undefined } => {
    const { uplinks = [], isGateway = false } = terrain() ?? {};
    const uplink = uplinks[0]?.name;
    const { sentBytes, ...load } = readLoad(uplink);
    const { sent, sentBytes: payload } = udp();
    const counted = { ...load, sentBytes: isGateway ? sentBytes : undefined, ourBytes: payload + sent * AROUND_BYTES };
    return { counted, uplink };
  };
  let [before, then] = [look(), monotonic()];
  const timer = setInterval(() => {
    const [seen, now] = [look(), monotonic()];
    const late = ms(Math.max(0, now - then - LOOK_MS));
    if (seen.uplink === before.uplink)
      give({ kind: 'around', ...changeOf(before.counted, seen.counted, then, now, late) });
    [before, then] = [seen, now];
  }, LOOK_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
