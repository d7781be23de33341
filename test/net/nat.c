/*
 * A NAT at the household's end of a link of box.c. Settings, with the words of agent/sim/nat.ts:
 *
 *   nat=IP+IP...          its outside addresses; without them there is no NAT, and with new ones all that lived is forgotten
 *   mapping= filtering=   endpoint-independent (mapping's default), address-dependent, address-and-port-dependent (filtering's)
 *   allocation=           preserve, offset, sequential, random, block, and what belongs to them: ports.c
 *   foreign=PER-SECOND    mappings of others, taken off the counters; variance=VARIANCE-OVER-MEAN, default 1.5
 *   unanswered=S answered=S   life of a mapping, default 30 and 120; refresh=both or outbound
 *   hairpin=              none, external-source, internal-source
 *   pooling=              paired, arbitrary, round-robin
 *   quota=N pace=N table=N    living mappings and new ones a second for each inside address, living ones in all; 0 = no limit
 *   poison=1              an early datagram from a peer takes the port that ours to this peer would have had
 *   skip=N                so many mappings of others at once
 *   seed=N                of all that is random; before nat=
 *
 * The TTL is left alone: the namespace that the inside device is in forwards to it, and that is the router's step. Of
 * ICMP only echo passes, other protocols and fragments do not.
 */
#include "nat.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "packet.h"
#include "ports.h"
#include "table.h"

enum { MOST_OUTSIDES = 16, PORTS = 65536 };
enum dependence { INDEPENDENT, ADDRESS, ADDRESS_AND_PORT };
enum hairpin { NONE, EXTERNAL, INTERNAL };
enum pooling { PAIRED, ARBITRARY, ROUND_ROBIN };

static const uint64_t SECOND = 1000000000u, SWEEP = 250000000u;

/* A mapping. Its name: inside, destination as far as it matters, and whether it is for that one peer alone. */
struct entry {
  struct slot slot;
  end outside;
  struct outside *of;
  uint64_t refreshed;
  int answered;
  struct permit *permits;
};

/* Leave to come in through an entry. Its name: entry, peer as far as it matters. */
struct permit {
  struct slot slot;
  struct permit *other;
  uint64_t refreshed;
};

/* An early datagram at an open input. Its name: our end, the stranger's. */
struct stranger {
  struct slot slot;
  uint64_t until;
};

struct outside {
  uint32_t ip;
  struct ports ports;
  struct entry *entries[PORTS];
  unsigned char barred[PORTS];
  struct nat *nat;
};

struct subscriber {
  struct slot slot;
  double tokens;
  uint64_t filled;
  int living, number;
};

struct nat {
  enum dependence mapping, filtering;
  enum hairpin hairpin;
  enum pooling pooling;
  int poison, outbound_only, quota, table, turn, outsides;
  double pace, seed;
  uint64_t unanswered, answered, now, swept;
  struct ports_shape shape;
  struct outside *pool[MOST_OUTSIDES];
  struct table entries, permits, strangers, subscribers;
  uint32_t pings[PORTS];
  uint64_t random;
  size_t most;
  unsigned long out, in, mapped, filtered, refused, hairpinned, poisoned, other;
  struct pace made;
};

struct nat *nat_new(void) {
  struct nat *nat = calloc(1, sizeof *nat);
  if (!nat) exit(1);
  nat->filtering = ADDRESS_AND_PORT;
  nat->unanswered = 30 * SECOND;
  nat->answered = 120 * SECOND;
  nat->random = seeded(1);
  shape_default(&nat->shape);
  return nat;
}

static end scoped(enum dependence dependence, end to) {
  return dependence == INDEPENDENT ? 0 : dependence == ADDRESS ? to & ~(end)0xffff : to;
}

/* Lengthened at `refreshed`, is it still there? */
static int lives(const struct nat *nat, const struct entry *entry, uint64_t refreshed) {
  return refreshed + (entry->answered ? nat->answered : nat->unanswered) > nat->now;
}

static struct subscriber *subscriber_of(struct nat *nat, uint32_t ip) {
  uint64_t name[3] = {ip};
  struct subscriber *known = find(&nat->subscribers, name);
  if (known) return known;
  struct subscriber *subscriber = insert(&nat->subscribers, name, sizeof *subscriber);
  subscriber->tokens = nat->pace;
  subscriber->filled = nat->now;
  subscriber->number = (int)nat->subscribers.count - 1;
  return subscriber;
}

static void forget(struct nat *nat, struct entry *entry) {
  for (struct permit *permit = entry->permits, *other; permit; permit = other) {
    other = permit->other;
    take_out(&nat->permits, &permit->slot);
  }
  if (entry->of->entries[port_of(entry->outside)] == entry) entry->of->entries[port_of(entry->outside)] = NULL;
  subscriber_of(nat, ip_of(entry->slot.name[0]))->living--;
  take_out(&nat->entries, &entry->slot);
}

static void forget_all(struct nat *nat, int barred) {
  for (struct slot *slot; (slot = any(&nat->entries));) {
    struct entry *entry = (struct entry *)slot;
    entry->of->barred[port_of(entry->outside)] |= (unsigned char)barred;
    forget(nat, entry);
  }
}

static void sweep(struct nat *nat) {
  nat->swept = nat->now;
  for (size_t head = 0; head < nat->entries.room; head++)
    for (struct slot *slot = nat->entries.heads[head], *next; slot; slot = next) {
      struct entry *entry = (struct entry *)slot;
      next = slot->next;
      if (!lives(nat, entry, entry->refreshed)) forget(nat, entry);
    }
  for (size_t head = 0; head < nat->strangers.room; head++)
    for (struct slot *slot = nat->strangers.heads[head], *next; slot; slot = next) {
      next = slot->next;
      if (((struct stranger *)slot)->until <= nat->now) take_out(&nat->strangers, slot);
    }
}

static void at(struct nat *nat, uint64_t now) {
  nat->now = now;
  if (now - nat->swept > SWEEP) sweep(nat);
}

static int taken(void *by, int port) {
  struct outside *outside = by;
  struct entry *entry = outside->entries[port];
  if (outside->barred[port]) return 1;
  if (!entry) return 0;
  if (lives(outside->nat, entry, entry->refreshed)) return 1;
  forget(outside->nat, entry);
  return 0;
}

static int within(struct nat *nat, struct subscriber *subscriber) {
  if ((nat->table && nat->entries.count >= (size_t)nat->table) || (nat->quota && subscriber->living >= nat->quota)) {
    sweep(nat);
    if (nat->table && nat->entries.count >= (size_t)nat->table) return 0;
    if (nat->quota && subscriber->living >= nat->quota) return 0;
  }
  if (nat->pace <= 0) return 1;
  /* A bucket of one second's mappings. */
  subscriber->tokens += (double)(nat->now - subscriber->filled) / 1e9 * nat->pace;
  if (subscriber->tokens > nat->pace) subscriber->tokens = nat->pace;
  subscriber->filled = nat->now;
  if (subscriber->tokens < 1) return 0;
  subscriber->tokens--;
  return 1;
}

static struct outside *pooled(struct nat *nat, const struct subscriber *subscriber) {
  switch (nat->pooling) {
    case ARBITRARY: return nat->pool[(int)(dice(&nat->random) * nat->outsides)];
    case ROUND_ROBIN: return nat->pool[nat->turn++ % nat->outsides];
    case PAIRED: break;
  }
  return nat->pool[subscriber->number % nat->outsides];
}

static struct entry *map(struct nat *nat, const uint64_t name[3]) {
  end inside = name[0];
  struct subscriber *subscriber = subscriber_of(nat, ip_of(inside));
  if (!within(nat, subscriber)) return NULL;
  struct outside *outside = pooled(nat, subscriber);
  uint64_t flow = (inside ^ inside >> 29) * 0xbf58476d1ce4e5b9u + (name[1] ^ name[1] >> 31) * 0x94d049bb133111ebu;
  struct wanted wanted = {port_of(inside), ip_of(inside), flow >> 32, taken, outside};
  int port = choose(&outside->ports, &wanted, nat->now);
  if (port < 0) return NULL;
  struct entry *entry = insert(&nat->entries, name, sizeof *entry);
  entry->of = outside;
  entry->outside = (end)outside->ip << 16 | (end)port;
  entry->refreshed = nat->now;
  outside->entries[port] = entry;
  subscriber->living++;
  nat->mapped++;
  mark(&nat->made, nat->now);
  if (nat->entries.count > nat->most) {
    if (nat->now - nat->swept > SWEEP / 10) sweep(nat);
    if (nat->entries.count > nat->most) nat->most = nat->entries.count;
  }
  return entry;
}

static struct entry *living(struct nat *nat, const uint64_t name[3]) {
  struct entry *entry = find(&nat->entries, name);
  if (!entry || lives(nat, entry, entry->refreshed)) return entry;
  forget(nat, entry);
  return NULL;
}

static struct permit *permit_of(struct nat *nat, const struct entry *entry, end peer) {
  return find(&nat->permits, (uint64_t[3]){(uint64_t)(uintptr_t)entry, scoped(nat->filtering, peer)});
}

static int permits(struct nat *nat, const struct entry *entry, end peer) {
  if (nat->filtering == INDEPENDENT) return 1;
  struct permit *permit = permit_of(nat, entry, peer);
  return permit && lives(nat, entry, permit->refreshed);
}

static void refresh(struct nat *nat, struct entry *entry, end peer) {
  struct permit *permit = permit_of(nat, entry, peer);
  if (!permit) {
    uint64_t name[3] = {(uint64_t)(uintptr_t)entry, scoped(nat->filtering, peer)};
    permit = insert(&nat->permits, name, sizeof *permit);
    permit->other = entry->permits;
    entry->permits = permit;
  }
  permit->refreshed = entry->refreshed = nat->now;
}

/* The mapping itself, or one for this peer only where the peer's own datagram came first. */
static struct entry *unpoisoned(struct nat *nat, struct entry *entry, end inside, end to) {
  uint64_t alone[3] = {inside, to, 1};
  struct entry *other = living(nat, alone);
  if (other) return other;
  struct stranger *stranger = find(&nat->strangers, (uint64_t[3]){entry->outside, to});
  if (!stranger || stranger->until <= nat->now) return entry;
  struct permit *permit = permit_of(nat, entry, to);
  if (permit && lives(nat, entry, permit->refreshed)) return entry;
  nat->poisoned++;
  return map(nat, alone);
}

static struct entry *mapping_for(struct nat *nat, end inside, end to) {
  uint64_t name[3] = {inside, scoped(nat->mapping, to), 0};
  struct entry *entry = living(nat, name);
  if (!entry) entry = map(nat, name);
  return nat->poison && entry ? unpoisoned(nat, entry, inside, to) : entry;
}

static struct outside *outside_of(struct nat *nat, end to) {
  for (int i = 0; i < nat->outsides; i++)
    if (nat->pool[i]->ip == ip_of(to)) return nat->pool[i];
  return NULL;
}

/* ---- packets ---- */

static enum verdict ping(struct nat *nat, unsigned char *packet, int icmp, int type) {
  int id = (int)get(packet + icmp + 4, 2);
  if (packet[icmp] != type) return nat->other++, GONE;
  if (type == 8) {
    nat->pings[id] = get(packet + 12, 4);
    write_ip(packet, 0, nat->pool[0]->ip);
    return OUT;
  }
  if (!nat->pings[id]) return nat->filtered++, GONE;
  write_ip(packet, 1, nat->pings[id]);
  return IN;
}

static enum verdict come_in(struct nat *nat, unsigned char *packet, int udp) {
  end from = read_end(packet, udp, 0), to = read_end(packet, udp, 1);
  struct outside *outside = outside_of(nat, to);
  struct entry *entry = outside ? outside->entries[port_of(to)] : NULL;
  if (!entry || !lives(nat, entry, entry->refreshed) || !permits(nat, entry, from)) {
    nat->filtered++;
    if (nat->poison) {
      uint64_t name[3] = {to, from};
      struct stranger *stranger = find(&nat->strangers, name);
      if (!stranger) stranger = insert(&nat->strangers, name, sizeof *stranger);
      stranger->until = nat->now + nat->unanswered;
    }
    return GONE;
  }
  entry->answered = 1;
  if (!nat->outbound_only) refresh(nat, entry, from);
  nat->in++;
  write_end(packet, udp, 1, entry->slot.name[0]);
  return IN;
}

enum verdict nat_leave(struct nat *nat, unsigned char *packet, int size, uint64_t now) {
  if (!nat->outsides) return OUT;
  at(nat, now);
  int icmp = inside_of(packet, size, ICMP, 8), udp = inside_of(packet, size, UDP, 8);
  if (icmp) return ping(nat, packet, icmp, 8);
  if (!udp || packet[16] >= 224) return nat->other++, GONE;
  end inside = read_end(packet, udp, 0), to = read_end(packet, udp, 1);
  struct outside *home = outside_of(nat, to);
  if (home && nat->hairpin == NONE) return nat->filtered++, GONE;
  struct entry *entry = mapping_for(nat, inside, to);
  if (!entry) return nat->refused++, GONE;
  refresh(nat, entry, to);
  nat->out++;
  if (!home) return write_end(packet, udp, 0, entry->outside), OUT;
  nat->hairpinned++;
  struct entry *target = home->entries[port_of(to)];
  int inwards = target && lives(nat, target, target->refreshed) && permits(nat, target, entry->outside);
  if (nat->hairpin == INTERNAL && inwards) return write_end(packet, udp, 1, target->slot.name[0]), IN;
  write_end(packet, udp, 0, entry->outside);
  return come_in(nat, packet, udp);
}

enum verdict nat_arrive(struct nat *nat, unsigned char *packet, int size, uint64_t now) {
  if (!nat->outsides) return IN;
  at(nat, now);
  int icmp = inside_of(packet, size, ICMP, 8), udp = inside_of(packet, size, UDP, 8);
  if (icmp) return ping(nat, packet, icmp, 0);
  return udp ? come_in(nat, packet, udp) : (nat->other++, GONE);
}

/* ---- settings ---- */

void nat_rebind(struct nat *nat) { forget_all(nat, 1); }

static int join(struct nat *nat, const char *addresses) {
  char text[256], *save = NULL;
  forget_all(nat, 0);
  for (; nat->outsides; free(nat->pool[nat->outsides])) forget_ports(&nat->pool[--nat->outsides]->ports);
  snprintf(text, sizeof text, "%s", addresses);
  for (char *part = strtok_r(text, "+", &save); part; part = strtok_r(NULL, "+", &save)) {
    struct in_addr ip;
    struct outside *outside = calloc(1, sizeof *outside);
    if (nat->outsides == MOST_OUTSIDES || !outside || !inet_aton(part, &ip)) return 0;
    outside->ip = ntohl(ip.s_addr);
    outside->nat = nat;
    outside->ports = (struct ports){.shape = &nat->shape, .random = seeded(nat->seed * MOST_OUTSIDES + nat->outsides)};
    nat->pool[nat->outsides++] = outside;
  }
  return nat->outsides > 0;
}

static int word(const char *value, const char *const words[3], void *into) {
  for (int i = 0; i < 3; i++)
    if (!strcmp(value, words[i])) return *(int *)into = i, 1;
  return 0;
}

int nat_set(struct nat *nat, const char *name, const char *value, uint64_t now) {
  static const char *const dependences[] = {"endpoint-independent", "address-dependent", "address-and-port-dependent"};
  static const char *const hairpins[] = {"none", "external-source", "internal-source"};
  static const char *const poolings[] = {"paired", "arbitrary", "round-robin"};
  nat->now = now;
  if (!strcmp(name, "nat")) return join(nat, value);
  if (!strcmp(name, "mapping")) return word(value, dependences, &nat->mapping);
  if (!strcmp(name, "filtering")) return word(value, dependences, &nat->filtering);
  if (!strcmp(name, "hairpin")) return word(value, hairpins, &nat->hairpin);
  if (!strcmp(name, "pooling")) return word(value, poolings, &nat->pooling);
  if (!strcmp(name, "unanswered")) nat->unanswered = (uint64_t)(atof(value) * 1e9);
  else if (!strcmp(name, "answered")) nat->answered = (uint64_t)(atof(value) * 1e9);
  else if (!strcmp(name, "refresh")) nat->outbound_only = !strcmp(value, "outbound");
  else if (!strcmp(name, "quota")) nat->quota = atoi(value);
  else if (!strcmp(name, "table")) nat->table = atoi(value);
  else if (!strcmp(name, "pace")) nat->pace = atof(value);
  else if (!strcmp(name, "poison")) nat->poison = atoi(value);
  else if (!strcmp(name, "seed")) nat->seed = atof(value), nat->random = seeded(nat->seed);
  else if (!strcmp(name, "skip"))
    for (int i = 0; i < nat->outsides; i++) skip(&nat->pool[i]->ports, atoi(value));
  else return shape_set(&nat->shape, name, value);
  return 1;
}

void nat_reset(struct nat *nat, uint64_t now) {
  at(nat, now);
  nat->out = nat->in = nat->mapped = nat->filtered = nat->refused = nat->hairpinned = nat->poisoned = nat->other = 0;
  nat->made.oldest = nat->made.newest;
  nat->made.most = 0;
  nat->most = nat->entries.count;
}

void nat_tell(struct nat *nat, int index, uint64_t now) {
  if (!nat->outsides) return;
  nat->now = now;
  sweep(nat);
  printf("%d nat living=%zu most=%zu made=%lu fastest=%u", index, nat->entries.count, nat->most, nat->mapped, nat->made.most);
  printf(" out=%lu in=%lu filtered=%lu refused=%lu", nat->out, nat->in, nat->filtered, nat->refused);
  printf(" hairpinned=%lu poisoned=%lu other=%lu\n", nat->hairpinned, nat->poisoned, nat->other);
}
