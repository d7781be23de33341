/**
 * The assets that the program carries inside, by name; a copy for each call. From a checkout there are none: io/assets.ts
 * then reads the files. firmware-scripts/bundle.ts replaces this whole file by one that knows them.
 */
export const embedded: ((name: string) => Uint8Array | undefined) | undefined = undefined;
