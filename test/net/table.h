/* A hash table of things that begin with a slot; each thing is allocated by `insert` and freed by `take_out`. */
#ifndef TABLE_H
#define TABLE_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct slot {
  struct slot *next;
  uint64_t name[3];
};

struct table {
  struct slot **heads;
  size_t count, room;
};

static inline struct slot **head_of(const struct table *table, const uint64_t name[3]) {
  uint64_t hash = 0;
  for (int i = 0; i < 3; i++) hash = (hash ^ name[i] ^ (name[i] >> 32)) * 0x9e3779b97f4a7c15u;
  return &table->heads[(hash >> 32) % table->room];
}

static inline void *find(const struct table *table, const uint64_t name[3]) {
  struct slot *slot = table->room ? *head_of(table, name) : NULL;
  while (slot && memcmp(slot->name, name, sizeof slot->name)) slot = slot->next;
  return slot;
}

/* One of them, whichever; NULL when there is none. */
static inline struct slot *any(const struct table *table) {
  for (size_t i = 0; table->count && i < table->room; i++)
    if (table->heads[i]) return table->heads[i];
  return NULL;
}

static inline void link_in(struct table *table, struct slot *slot) {
  struct slot **head = head_of(table, slot->name);
  slot->next = *head;
  *head = slot;
}

static inline void *insert(struct table *table, const uint64_t name[3], size_t size) {
  if (table->count == table->room) {
    struct table wider = {.room = table->room ? table->room * 2 : 256};
    if (!(wider.heads = calloc(wider.room, sizeof *wider.heads))) exit(1);
    for (size_t i = 0; i < table->room; i++)
      for (struct slot *slot = table->heads[i], *next; slot; slot = next) next = slot->next, link_in(&wider, slot);
    free(table->heads);
    table->heads = wider.heads;
    table->room = wider.room;
  }
  struct slot *slot = calloc(1, size);
  if (!slot) exit(1);
  memcpy(slot->name, name, sizeof slot->name);
  link_in(table, slot);
  table->count++;
  return slot;
}

static inline void take_out(struct table *table, struct slot *slot) {
  struct slot **at = head_of(table, slot->name);
  while (*at != slot) at = &(*at)->next;
  *at = slot->next;
  table->count--;
  free(slot);
}
#endif
