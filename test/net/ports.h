/* How a NAT chooses the outside port of a new mapping: agent/sim/allocation.ts in C, with the same words. */
#ifndef PORTS_H
#define PORTS_H
#include <stdint.h>

enum allocation { PRESERVE, OFFSET, SEQUENTIAL, RANDOM, BLOCK };

struct ports_shape {
  enum allocation kind;
  int otherwise_next;               /* preserve: where taken, the next free port instead of any */
  int by;                           /* offset */
  int stride, counters, from, to;   /* sequential, random; the stride also inside a block */
  int size, in_order, most;         /* block: ports, sequential instead of random, blocks per subscriber */
  double foreign, variance;         /* new mappings of everybody else: per second, variance over mean */
};

/* The ports of one outside address. */
struct ports {
  const struct ports_shape *shape;
  uint64_t random;
  struct counter *counters;
  struct blocks *blocks;
};

/* What a choice may go by: whoever has a block, and inside socket with destination as one number. */
struct wanted {
  int inside_port;
  uint32_t subscriber;
  uint64_t flow;
  int (*taken)(void *by, int port);
  void *by;
};

void shape_default(struct ports_shape *shape);
/* A setting such as `allocation=sequential` or `stride=7`; 0 for what it does not know. */
int shape_set(struct ports_shape *shape, const char *name, const char *value);
/* A free port, or -1 when none is left. */
int choose(struct ports *ports, const struct wanted *wanted, uint64_t now);
/* Mappings of others by hand. */
void skip(struct ports *ports, int mappings);
void forget_ports(struct ports *ports);
#endif
