/**
 * The assets that the bundle carries inside, as base64 by name. From a checkout there are none: io/assets.ts then reads
 * the files. firmware-scripts/bundle.ts replaces this whole file by one that holds them.
 */
export const embedded: ReadonlyMap<string, string> | undefined = undefined;
