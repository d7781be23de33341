/** Puts an entry last, whether or not it was there, and forgets those that have stood longest while there are more than `most`. */
export function keepNewest<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, most: number): void {
  map.delete(key);
  map.set(key, value);
  forgetOldest(map, most);
}

/** Forgets those that have stood longest while there are more than `most`. */
export function forgetOldest(map: Map<unknown, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}
