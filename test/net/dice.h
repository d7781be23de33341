/* Randomness that is the same on every run, and one-second counts: what links and NATs both need. */
#ifndef DICE_H
#define DICE_H
#include <stdint.h>

enum { REMEMBERED = 1 << 16 };

/* How many things happened in the busiest second so far; any second, not only whole ones. Counts up to 65,535. */
struct pace {
  uint64_t at[REMEMBERED];
  uint32_t newest, oldest, most;
};

static inline uint64_t seeded(double seed) {
  return 0x9e3779b97f4a7c15u ^ ((uint64_t)seed * 2685821657736338717u + 1);
}

/* xorshift64* (Vigna): good enough for dice. From 0 up to but not including 1. */
static inline double dice(uint64_t *random) {
  uint64_t x = *random;
  x ^= x >> 12, x ^= x << 25, x ^= x >> 27;
  *random = x;
  return (double)((x * 2685821657736338717u) >> 11) / 9007199254740992.0;
}

static inline void mark(struct pace *pace, uint64_t now) {
  pace->at[pace->newest++ % REMEMBERED] = now;
  while (now - pace->at[pace->oldest % REMEMBERED] >= 1000000000u) pace->oldest++;
  if (pace->newest - pace->oldest >= REMEMBERED) pace->oldest = pace->newest - REMEMBERED + 1;
  if (pace->newest - pace->oldest > pace->most) pace->most = pace->newest - pace->oldest;
}
#endif
