/*
 * box: links between network namespaces that delay and lose, for kernels without netem.
 *
 *   cc -O2 -o out/link-box test/net/box.c
 *   out/link-box hb-a0,hb-b0,delay=25,loss=2 hb-a1,hb-b1,delay=10/40,rate=50000,queue=100 ...
 *
 * Each argument is one link: the names of its two TUN devices, which box creates (bring them into their namespaces
 * afterwards, they stay connected), then settings. A setting `x/y` means x from the first device to the second and
 * y back; `x` alone means both ways.
 *
 *   delay=MS   one way           jitter=MS  evenly spread on top, reorders      loss=PERCENT  at random, repeatable
 *   burst=N    losses in runs    rate=KBIT  bottleneck, 0 = none                queue=MS      tail drop in front of it
 *   seed=N     of the losses     twice=PERCENT  arrive twice
 *
 * Packets are IP packets and pass unchanged: no NAT, no TTL step, no ARP. Prints `ready` when all devices exist.
 * Takes lines on stdin: `INDEX settings` changes a link (`0 loss=5,delay=30`; `0 loss=100` cuts it), `stats` prints one
 * line `INDEX passed passed lost lost full full` per link, each pair first way and way back. Ends when stdin ends.
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

enum { MOST_LINKS = 64, PACKET = 2048, AT_A_TIME = 256, MOST_HELD = 262144 };

struct way {
  int from, to;
  double delay, jitter, loss, rate, queue, twice; /* ns, ns, share, bytes per ns, ns, share */
  int burst, losing;
  uint64_t random;
  double free_at;
  unsigned long passed, lost, full;
};

struct packet {
  uint64_t due, order;
  struct packet *next;
  int to, size;
  unsigned char bytes[PACKET];
};

static struct way ways[2 * MOST_LINKS];
static int links;
static struct packet **heap, *unused;
static size_t held, room;
static uint64_t order;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* xorshift64* (Vigna): good enough for dice, the same on every run. */
static double dice(struct way *way) {
  uint64_t x = way->random;
  x ^= x >> 12, x ^= x << 25, x ^= x >> 27;
  way->random = x;
  return (double)((x * 2685821657736338717u) >> 11) / 9007199254740992.0;
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
  if (way->loss <= 0 || dice(way) >= way->loss / way->burst) return 0;
  way->losing = way->burst - 1;
  return 1;
}

/* One packet enters a way: lost, turned away at a full queue, or due at some time. */
static void enter(struct way *way, struct packet *packet, uint64_t now) {
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
  packet->to = way->to;
  packet->order = order++;
  packet->due = (uint64_t)(start + way->delay + (way->jitter > 0 ? dice(way) * way->jitter : 0));
  if (way->twice > 0 && dice(way) < way->twice) {
    struct packet *copy = fresh();
    memcpy(copy, packet, offsetof(struct packet, bytes) + (size_t)packet->size);
    copy->order = order++;
    push(copy);
  }
  push(packet);
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
  else if (!strcmp(name, "seed")) way->random = 0x9e3779b97f4a7c15u ^ ((uint64_t)value * 2685821657736338717u + 1);
  else return 0;
  return 1;
}

/* `name=x` or `name=x/y`, comma separated; the text is cut up. Answers 0 for what it does not know. */
static int settings(int link, char *text) {
  char *save = NULL;
  for (char *part = strtok_r(text, ",", &save); part; part = strtok_r(NULL, ",", &save)) {
    char *value = strchr(part, '=');
    if (!value) return fprintf(stderr, "box: %s?\n", part), 0;
    *value++ = 0;
    char *back = strchr(value, '/');
    if (!set(&ways[2 * link], part, atof(value)) || !set(&ways[2 * link + 1], part, atof(back ? back + 1 : value)))
      return fprintf(stderr, "box: %s?\n", part), 0;
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

static int command(char *line) {
  line[strcspn(line, "\r\n")] = 0;
  if (!strcmp(line, "stats")) {
    for (int i = 0; i < links; i++) {
      struct way *a = &ways[2 * i], *b = a + 1;
      printf("%d %lu %lu %lu %lu %lu %lu\n", i, a->passed, b->passed, a->lost, b->lost, a->full, b->full);
    }
    fflush(stdout);
    return 1;
  }
  char *rest;
  long link = strtol(line, &rest, 10);
  if (rest == line || link < 0 || link >= links) return fprintf(stderr, "box: %s?\n", line), 1;
  while (*rest == ' ') rest++;
  settings((int)link, rest);
  return 1;
}

static int commands(void) {
  static char text[1024];
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
      /* A full or downed device loses packets, as devices do. */
      if (write(packet->to, packet->bytes, (size_t)packet->size) < 0 && errno == EBADF) return 1;
      release(packet);
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
        enter(&ways[i], packet, now);
      }
    }
  }
}
