import type { HouseholdEffect, HouseholdInput } from '../house/household.ts';
import type { StateFolder } from '../io/files.ts';
import { ownNetworks } from '../io/interfaces.ts';
import { askGateway } from '../io/upnp-http.ts';
import { secureRandom } from '../io/crypto.ts';
import { decodeSaved, type SavedLease } from '../portmap/saved.ts';
import { choosePort } from '../uplink/portset.ts';
import type { Terrain } from '../uplink/terrain.ts';
import { readTerrain, watchTerrain } from './terrain.ts';

const FILE = 'leases.json';
/** Children are given two seconds to find another parent, gateways as long to take a mapping back; nobody waits longer for the end of a program. */
const FAREWELL_MS = 4500;

type Order = Extract<HouseholdEffect, { kind: 'http' | 'keep' | 'left' }>;
type Answer = Extract<HouseholdInput, { kind: 'uplinks' | 'http-answered' | 'http-failed' }>;

/** Carries out what a household orders about its doors, and tells it of the lines out of this machine. */
export interface Doorman {
  act(order: Order): void;
  /** After `leave`: until children have gone and nothing of ours is left at gateways, but not for ever. */
  left(): Promise<void>;
  /** What lies around this machine, as it was last seen. */
  terrain(): Terrain | undefined;
  stop(): void;
}

/** `give` is the household's. */
export async function openDoorman(state: StateFolder, give: (input: Answer) => void): Promise<Doorman> {
  let terrain: Terrain | undefined;
  let saved: readonly SavedLease[] = (await state.learned(FILE, decodeSaved)) ?? [];
  let written = saved.map(textOf);
  const write = (): void => {
    written = saved.map(textOf);
    void state.keep(FILE, saved);
  };
  const gone = Promise.withResolvers<void>();
  const watch = watchTerrain((seen: Terrain): void => {
    const { uplinks, isGateway } = seen;
    terrain = seen;
    const ways = uplinks.map(({ own, gateway }) => ({ own, gateway, isGateway }));
    give({ kind: 'uplinks', uplinks: ways, networks: ownNetworks(), saved });
  });
  return {
    act: (order) => {
      switch (order.kind) {
        case 'http':
          void askGateway(order).then(give);
          return;
        case 'keep':
          saved = order.leases;
          // What is over may stand there: taking it back once more does no harm, and flash wears.
          if (saved.some((lease) => !written.includes(textOf(lease)))) write();
          return;
        case 'left':
          gone.resolve();
          return;
      }
    },
    left: async () => {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(() => late.resolve(), FAREWELL_MS);
      await Promise.race([gone.promise, late.promise]);
      clearTimeout(timer);
      if (saved.length !== written.length) write();
    },
    terrain: () => terrain,
    stop: () => watch.stop(),
  };
}

function textOf(lease: SavedLease): string {
  return JSON.stringify(lease);
}

/** The port to bind: the one that was chosen by hand, else one of those that are ours of a shared address, else 0 for any. */
export async function portFor(udpPort: number): Promise<number> {
  if (udpPort !== 0) return udpPort;
  const first = (await readTerrain()).uplinks.find(({ family }) => family === 4);
  return first === undefined ? 0 : (choosePort(first.ports, secureRandom) ?? 0);
}
