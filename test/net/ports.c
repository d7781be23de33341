#include "ports.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"

enum { FIRST = 1024, LAST = 65535, DRAWS = 32, MOST_BLOCKS = 64 };

/* Next port of a processor core, or of a subscriber's block. */
struct counter {
  struct counter *next;
  uint64_t name;
  int port, from, to, skip;
  uint64_t counted;
};

struct blocks {
  struct blocks *next;
  uint32_t subscriber;
  int from[MOST_BLOCKS], count;
};

void shape_default(struct ports_shape *shape) {
  *shape = (struct ports_shape){.stride = 1, .counters = 1, .from = FIRST, .to = LAST, .size = 512, .most = 8,
                                .variance = 1.5};
}

int shape_set(struct ports_shape *shape, const char *name, const char *value) {
  static const char *const kinds[] = {"preserve", "offset", "sequential", "random", "block"};
  if (!strcmp(name, "allocation")) {
    for (int kind = PRESERVE; kind <= BLOCK; kind++)
      if (!strcmp(value, kinds[kind])) return shape->kind = (enum allocation)kind, 1;
    return 0;
  }
  if (!strcmp(name, "otherwise")) shape->otherwise_next = !strcmp(value, "next");
  else if (!strcmp(name, "order")) shape->in_order = !strcmp(value, "sequential");
  else if (!strcmp(name, "by")) shape->by = atoi(value);
  else if (!strcmp(name, "stride")) shape->stride = atoi(value);
  else if (!strcmp(name, "counters")) shape->counters = atoi(value) > 1 ? atoi(value) : 1;
  else if (!strcmp(name, "from")) shape->from = atoi(value);
  else if (!strcmp(name, "to")) shape->to = atoi(value);
  else if (!strcmp(name, "size")) shape->size = atoi(value);
  else if (!strcmp(name, "most")) shape->most = atoi(value) < MOST_BLOCKS ? atoi(value) : MOST_BLOCKS;
  else if (!strcmp(name, "foreign")) shape->foreign = atof(value);
  else if (!strcmp(name, "variance")) shape->variance = atof(value) > 1 ? atof(value) : 1;
  else return 0;
  return 1;
}

static int wrap(int port, int from, int to) {
  int size = to - from + 1;
  return from + (((port - from) % size) + size) % size;
}

static int below(struct ports *ports, int limit) {
  return (int)(dice(&ports->random) * limit);
}

/* The first free port from `start` on in steps of `stride`; at the latest with step 1 every port is tried. */
static int search(int start, int stride, int from, int to, const struct wanted *wanted) {
  for (int lap = 0; lap < 2; lap++, stride = 1) {
    int port = start;
    for (int tries = to - from + 1; tries > 0; tries--) {
      if (!wanted->taken(wanted->by, port)) return port;
      port = wrap(port + stride, from, to);
    }
  }
  return -1;
}

static int draw(struct ports *ports, int from, int to, const struct wanted *wanted) {
  for (int tries = 0; tries < DRAWS; tries++) {
    int port = from + below(ports, to - from + 1);
    if (!wanted->taken(wanted->by, port)) return port;
  }
  return search(from + below(ports, to - from + 1), 1, from, to, wanted);
}

static int near(struct ports *ports, int port, const struct wanted *wanted, int next) {
  if (!wanted->taken(wanted->by, port)) return port;
  return next ? search(port, 1, FIRST, LAST, wanted) : draw(ports, FIRST, LAST, wanted);
}

/* A Poisson count: exact below a mean of 50, from there the normal approximation. */
static int poisson(double mean, uint64_t *random) {
  if (mean > 50) {
    double radius = sqrt(-2 * log(1 - dice(random)));
    double count = round(mean + sqrt(mean) * radius * cos(2 * M_PI * dice(random)));
    return count > 0 ? (int)count : 0;
  }
  int count = 0;
  for (double left = exp(-mean), sum = dice(random); sum > left; sum *= dice(random)) count++;
  return count;
}

/*
 * How many mappings others made since this counter was last asked: clumps of geometric size at Poisson times. A clump
 * of mean m has E[X^2]/E[X] = 2m - 1, and that is the variance over mean of the whole. Drawn only when somebody looks.
 */
static int others(struct ports *ports, struct counter *counter, int sharers, uint64_t now) {
  const struct ports_shape *shape = ports->shape;
  double seconds = (double)(now - counter->counted) / 1e9;
  counter->counted = now;
  if (shape->foreign <= 0 || seconds <= 0) return 0;
  double clump = (shape->variance + 1) / 2;
  int count = 0;
  for (int left = poisson(shape->foreign / sharers / clump * seconds, &ports->random); left > 0; left--)
    do count++;
    while (dice(&ports->random) > 1 / clump);
  return count;
}

static int step(struct ports *ports, struct counter *counter, int sharers, const struct wanted *wanted, uint64_t now) {
  int stride = ports->shape->stride, size = counter->to - counter->from + 1;
  int foreign = (others(ports, counter, sharers, now) + counter->skip) % size;
  counter->skip = 0;
  int start = wrap(counter->port + stride * foreign, counter->from, counter->to);
  int port = search(start, stride, counter->from, counter->to, wanted);
  if (port >= 0) counter->port = wrap(port + stride, counter->from, counter->to);
  return port;
}

static struct counter *counter_of(struct ports *ports, uint64_t name, int from, int to, uint64_t now) {
  struct counter *counter = ports->counters;
  while (counter && counter->name != name) counter = counter->next;
  if (counter) return counter;
  if (!(counter = malloc(sizeof *counter))) exit(1);
  *counter = (struct counter){.next = ports->counters, .name = name, .port = from + below(ports, to - from + 1),
                              .from = from, .to = to, .counted = now};
  return ports->counters = counter;
}

static int given(const struct ports *ports, int from) {
  for (const struct blocks *blocks = ports->blocks; blocks; blocks = blocks->next)
    for (int i = 0; i < blocks->count; i++)
      if (blocks->from[i] == from) return 1;
  return 0;
}

/* Aligned as carriers do it: whole blocks counted from 1024. -1 when all are given away. */
static int new_block(struct ports *ports, int size) {
  int all = (LAST - FIRST + 1) / size, first = below(ports, all);
  for (int i = 0; i < all; i++) {
    int from = FIRST + (first + i) % all * size;
    if (!given(ports, from)) return from;
  }
  return -1;
}

static int in_blocks(struct ports *ports, const struct wanted *wanted, uint64_t now) {
  const struct ports_shape *shape = ports->shape;
  struct blocks *blocks = ports->blocks;
  while (blocks && blocks->subscriber != wanted->subscriber) blocks = blocks->next;
  if (!blocks) {
    if (!(blocks = calloc(1, sizeof *blocks))) exit(1);
    blocks->subscriber = wanted->subscriber;
    blocks->next = ports->blocks;
    ports->blocks = blocks;
  }
  for (int i = 0; i < shape->most; i++) {
    if (i == blocks->count) {
      int from = new_block(ports, shape->size);
      if (from < 0) return -1;
      blocks->from[blocks->count++] = from;
    }
    int from = blocks->from[i], to = from + shape->size - 1;
    uint64_t name = (uint64_t)wanted->subscriber << 16 | (uint64_t)i;
    int port = shape->in_order ? step(ports, counter_of(ports, name, from, to, now), 1, wanted, now)
                               : draw(ports, from, to, wanted);
    if (port >= 0) return port;
  }
  return -1;
}

int choose(struct ports *ports, const struct wanted *wanted, uint64_t now) {
  const struct ports_shape *shape = ports->shape;
  switch (shape->kind) {
    case PRESERVE: return near(ports, wanted->inside_port, wanted, shape->otherwise_next);
    case OFFSET: return near(ports, wrap(wanted->inside_port + shape->by, FIRST, LAST), wanted, 0);
    case RANDOM: return draw(ports, shape->from, shape->to, wanted);
    case BLOCK: return in_blocks(ports, wanted, now);
    case SEQUENTIAL: break;
  }
  uint64_t core = wanted->flow % (uint64_t)shape->counters;
  return step(ports, counter_of(ports, core, shape->from, shape->to, now), shape->counters, wanted, now);
}

void skip(struct ports *ports, int mappings) {
  for (struct counter *counter = ports->counters; counter; counter = counter->next) counter->skip += mappings;
}

void forget_ports(struct ports *ports) {
  for (struct counter *next; ports->counters; ports->counters = next) {
    next = ports->counters->next;
    free(ports->counters);
  }
  for (struct blocks *next; ports->blocks; ports->blocks = next) {
    next = ports->blocks->next;
    free(ports->blocks);
  }
}
