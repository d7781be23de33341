import { Drive } from '../io/drive.ts';
import { askNetifd, readGround } from '../io/terrain.ts';
import { Lookout, type LookoutEffect, type LookoutInput } from '../uplink/lookout.ts';
import { readNetifd } from '../uplink/netifd.ts';
import { type Terrain, terrainOf } from '../uplink/terrain.ts';

/** The terrain around this machine, once. On OpenWrt a program is started for it. `root` is where /proc, /sys and /bin are. */
export async function readTerrain(root = '/'): Promise<Terrain> {
  const text = await askNetifd(root);
  return terrainOf(readGround(root), text === undefined ? undefined : readNetifd(text));
}

/** Tells of the terrain at the start and whenever it has changed, three seconds later at most. */
export function watchTerrain(onChange: (terrain: Terrain) => void, root = '/'): { stop(): void } {
  const drive = new Drive<LookoutInput, LookoutEffect>(new Lookout(), (effect) => {
    switch (effect.kind) {
      case 'look':
        drive.give({ kind: 'looked', ground: readGround(root) });
        return;
      case 'ask-netifd':
        void askNetifd(root).then((text) => drive.give({ kind: 'netifd', text }));
        return;
      case 'terrain':
        onChange(effect.terrain);
    }
  });
  drive.give({ kind: 'start' });
  return { stop: () => drive.stop() };
}
