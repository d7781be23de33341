/*
 * box: links between network namespaces that delay and lose, for kernels without netem, and NATs that no kernel has.
 *
 *   cc -O2 -o out/link-box test/net/{box,nat,ports}.c -lm
 *   out/link-box hb-a0,hb-b0,delay=25,loss=2 hb-a1,hb-b1,delay=10/40,rate=50000,queue=100 ...
 *   out/link-box hb-a0,hb-b0,delay=20,nat=198.18.1.0,mapping=address-and-port-dependent,allocation=sequential,stride=7
 *
 * Each argument is one link: the names of its two TUN devices, which box creates (bring them into their namespaces
 * afterwards, they stay connected), then settings. A setting `x/y` means x from the first device to the second and
 * y back; `x` alone means both ways.
 *
 *   delay=MS   one way           jitter=MS  evenly spread on top, reorders      loss=PERCENT  at random, repeatable
 *   burst=N    losses in runs    rate=KBIT  bottleneck, 0 = none                queue=MS      tail drop in front of it
 *   seed=N     of the losses     twice=PERCENT  arrive twice
 *
 * With `nat=` and the settings in nat.c a NAT stands at the first device: that side is inside. Else packets, which are
 * IP packets, pass unchanged: no TTL step, no ARP. Prints `ready` when all devices exist.
 *
 * Takes lines on stdin: `INDEX settings` changes a link (`0 loss=5,delay=30`; `0 loss=100` cuts it), `INDEX rebind` moves
 * its mappings to other ports, `INDEX reset` begins its counts anew; both answer `INDEX done`. `stats` prints one line
 * `INDEX passed passed lost lost full full fastest fastest` per link, each pair first way and way back and the last one the
 * packets of the busiest second, and `INDEX nat name=value...` where there is one. Ends when stdin ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "dice.h"
#include "nat.h"

enum { MOST_LINKS = 64, PACKET = 2048, AT_A_TIME = 256, MOST_HELD = 262144 };

struct way {
  int from, to;
  double delay, jitter, loss, rate, queue, twice; /* ns, ns, share, bytes per ns, ns, share */
  int burst, losing;
  uint64_t random;
  double free_at;
  unsigned long passed, lost, full;
  struct pace pace;
  struct nat *inwards; /* that a packet passes where this way ends */
};

struct packet {
  uint64_t due, order;
  struct packet *next;
  struct way *way;
  int size;
  unsigned char bytes[PACKET];
};

static struct way ways[2 * MOST_LINKS];
static struct nat *nats[MOST_LINKS];
static int links;
static struct packet **heap, *unused;
static size_t held, room;
static uint64_t order;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int before(const struct packet *a, const struct packet *b) {
  return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static void push(struct packet *packet) {
  if (held == room) {
    room = room ? room * 2 : 1024;
    heap = realloc(heap, room * sizeof *heap);
    if (!heap) exit(1);
  }
  size_t child = held++;
  while (child > 0 && before(packet, heap[(child - 1) / 2])) {
    heap[child] = heap[(child - 1) / 2];
    child = (child - 1) / 2;
  }
  heap[child] = packet;
}

static struct packet *pop(void) {
  struct packet *first = heap[0], *last = heap[--held];
  size_t parent = 0;
  for (;;) {
    size_t child = 2 * parent + 1;
    if (child >= held) break;
    if (child + 1 < held && before(heap[child + 1], heap[child])) child++;
    if (!before(heap[child], last)) break;
    heap[parent] = heap[child];
    parent = child;
  }
  heap[parent] = last;
  return first;
}

static struct packet *fresh(void) {
  struct packet *packet = unused;
  if (packet) unused = packet->next;
  else packet = malloc(sizeof *packet);
  if (!packet) exit(1);
  return packet;
}

static void release(struct packet *packet) {
  packet->next = unused;
  unused = packet;
}

static int lose(struct way *way) {
  if (way->losing > 0) return way->losing--, 1;
  if (way->loss <= 0 || dice(&way->random) >= way->loss / way->burst) return 0;
  way->losing = way->burst - 1;
  return 1;
}

/* A full or downed device loses packets, as devices do; one that is gone ends it all. */
static void deliver(int device, const struct packet *packet) {
  if (write(device, packet->bytes, (size_t)packet->size) < 0 && errno == EBADF) exit(1);
}

/* A packet has come to the end of its way. */
static void leave(struct packet *packet, uint64_t now) {
  struct nat *nat = packet->way->inwards;
  if (!nat || nat_arrive(nat, packet->bytes, packet->size, now) == IN) deliver(packet->way->to, packet);
  release(packet);
}

/* One packet enters a way: lost, turned away at a full queue, or due at some time. */
static void enter(struct way *way, struct packet *packet, uint64_t now) {
  mark(&way->pace, now);
  if (lose(way)) {
    way->lost++;
    release(packet);
    return;
  }
  double start = (double)now;
  if (way->rate > 0) {
    if (way->free_at > start) start = way->free_at;
    if (start - (double)now > way->queue || held > MOST_HELD) {
      way->full++;
      release(packet);
      return;
    }
    start += packet->size / way->rate;
    way->free_at = start;
  }
  way->passed++;
  packet->way = way;
  packet->order = order++;
  packet->due = (uint64_t)(start + way->delay + (way->jitter > 0 ? dice(&way->random) * way->jitter : 0));
  if (way->twice > 0 && dice(&way->random) < way->twice) {
    struct packet *copy = fresh();
    memcpy(copy, packet, offsetof(struct packet, bytes) + (size_t)packet->size);
    copy->order = order++;
    push(copy);
  }
  push(packet);
}

/* A packet has come out of the device where a way begins. */
static void take(int number, struct packet *packet, uint64_t now) {
  int outwards = number % 2 == 0;
  switch (outwards ? nat_leave(nats[number / 2], packet->bytes, packet->size, now) : OUT) {
    case OUT: enter(&ways[number], packet, now); return;
    case IN: deliver(ways[number].from, packet); break;
    case GONE: break;
  }
  release(packet);
}

static int create(const char *name) {
  struct ifreq request = {0};
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return perror("box: /dev/net/tun"), -1;
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) < 0) return perror(name), -1;
  return fd;
}

static int set(struct way *way, const char *name, double value) {
  if (!strcmp(name, "delay")) way->delay = value * 1e6;
  else if (!strcmp(name, "jitter")) way->jitter = value * 1e6;
  else if (!strcmp(name, "loss")) way->loss = value / 100;
  else if (!strcmp(name, "twice")) way->twice = value / 100;
  else if (!strcmp(name, "rate")) way->rate = value / 8e6;
  else if (!strcmp(name, "queue")) way->queue = value * 1e6;
  else if (!strcmp(name, "burst")) way->burst = value >= 1 ? (int)value : 1;
  else if (!strcmp(name, "seed")) way->random = seeded(value);
  else return 0;
  return 1;
}

/* `name=x` or `name=x/y`, comma separated; the text is cut up. Answers 0 for what it does not know. */
static int settings(int link, char *text) {
  char *save = NULL;
  struct nat *nat = nats[link];
  for (char *part = strtok_r(text, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
    char *value = strchr(part, '=');
    if (!value) return fprintf(stderr, "box: %s?\n", part), 0;
    *value++ = 0;
    char *back = strchr(value, '/');
    int known = nat_set(nat, part, value, now_ns());
    for (int way = 0; way < 2; way++) known |= set(&ways[2 * link + way], part, atof(way && back ? back + 1 : value));
    if (!known) return fprintf(stderr, "box: %s=%s?\n", part, value), 0;
  }
  return 1;
}

static int add(char *text) {
  char *second = strchr(text, ',');
  if (links == MOST_LINKS || !second) return fprintf(stderr, "box: %s?\n", text), 0;
  *second++ = 0;
  char *rest = strchr(second, ',');
  if (rest) *rest++ = 0;
  int a = create(text), b = create(second);
  if (a < 0 || b < 0) return 0;
  struct nat *nat = nats[links] = nat_new();
  ways[2 * links + 1].inwards = nat;
  for (int back = 0; back < 2; back++) {
    struct way *way = &ways[2 * links + back];
    way->from = back ? b : a;
    way->to = back ? a : b;
    way->queue = 100e6;
    way->burst = 1;
    set(way, "seed", 2 * links + back + 1);
  }
  return settings(links++, rest ? rest : (char[]){""});
}

static void begin_anew(int link) {
  for (struct way *way = &ways[2 * link]; way < &ways[2 * link + 2]; way++) {
    way->passed = way->lost = way->full = way->pace.most = 0;
    way->pace.oldest = way->pace.newest;
  }
  nat_reset(nats[link], now_ns());
}

static int command(char *line) {
  line[strcspn(line, "\r\n")] = 0;
  if (!strcmp(line, "stats")) {
    for (int i = 0; i < links; i++) {
      struct way *a = &ways[2 * i], *b = a + 1;
      printf("%d %lu %lu %lu %lu %lu %lu", i, a->passed, b->passed, a->lost, b->lost, a->full, b->full);
      printf(" %u %u\n", a->pace.most, b->pace.most);
      nat_tell(nats[i], i, now_ns());
    }
    fflush(stdout);
    return 1;
  }
  char *rest;
  long link = strtol(line, &rest, 10);
  if (rest == line || link < 0 || link >= links) return fprintf(stderr, "box: %s?\n", line), 1;
  while (*rest == ' ') rest++;
  if (!strcmp(rest, "rebind")) nat_rebind(nats[link]);
  else if (!strcmp(rest, "reset")) begin_anew((int)link);
  else return settings((int)link, rest), 1;
  printf("%ld done\n", link);
  fflush(stdout);
  return 1;
}

static int commands(void) {
  static char text[4096];
  static size_t length;
  ssize_t got = read(0, text + length, sizeof text - 1 - length);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  length += (size_t)got;
  text[length] = 0;
  for (char *end; (end = strchr(text, '\n'));) {
    *end = 0;
    command(text);
    length -= (size_t)(end + 1 - text);
    memmove(text, end + 1, length + 1);
  }
  if (length == sizeof text - 1) length = 0;
  return 1;
}

int main(int count, char **arguments) {
  struct pollfd polls[2 * MOST_LINKS + 1];
  prctl(PR_SET_TIMERSLACK, 1000);
  for (int i = 1; i < count; i++)
    if (!add(arguments[i])) return 1;
  for (int i = 0; i < 2 * links; i++) polls[i] = (struct pollfd){.fd = ways[i].from, .events = POLLIN};
  polls[2 * links] = (struct pollfd){.fd = 0, .events = POLLIN};
  puts("ready");
  fflush(stdout);
  for (;;) {
    uint64_t now = now_ns();
    while (held > 0 && heap[0]->due <= now) {
      struct packet *packet = pop();
      leave(packet, now);
    }
    struct timespec wait = {0}, *until = NULL;
    if (held > 0) {
      now = now_ns();
      uint64_t left = heap[0]->due > now ? heap[0]->due - now : 0;
      wait = (struct timespec){.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
      until = &wait;
    }
    if (ppoll(polls, (nfds_t)(2 * links + 1), until, NULL) < 0 && errno != EINTR) return 1;
    if (polls[2 * links].revents && !commands()) return 0;
    now = now_ns();
    for (int i = 0; i < 2 * links; i++) {
      if (!(polls[i].revents & POLLIN)) continue;
      for (int n = 0; n < AT_A_TIME; n++) {
        struct packet *packet = fresh();
        ssize_t size = read(ways[i].from, packet->bytes, PACKET);
        if (size <= 0) {
          release(packet);
          break;
        }
        packet->size = (int)size;
        take(i, packet, now);
      }
    }
  }
}
