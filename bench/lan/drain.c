// Load for bench/fanout.ts and bench/keyframe.ts, in C so that it costs less than what it measures.
//
//   drain pace  PORT FILE KBIT SECONDS         sends FILE in a loop to udp 127.0.0.1:PORT, 7 packets a datagram, and
//                                              stamps each packet of PID 0x1ffe with a number and the time of sending
//   drain watch PORT PATH CLIENTS SAMPLED WARM WINDOW WINDOWS
//                                              so many players; SAMPLED of them read their bytes and look for the
//                                              stamps, the others let the kernel throw them away (MSG_TRUNC); prints
//                                              one line of JSON for each window of WINDOW seconds, after WARM seconds
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PACKET 188
#define MAGIC "HEARTH-STAMP"
#define MAGIC_LEN 12
#define STAMP (MAGIC_LEN + 16) /* magic, number, nanoseconds */

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

static int pace(int port, const char *path, double kbit, double seconds) {
  FILE *file = fopen(path, "rb");
  if (!file) die(path);
  fseek(file, 0, SEEK_END);
  long size = ftell(file) / PACKET * PACKET;
  rewind(file);
  uint8_t *bytes = malloc((size_t)size);
  if (fread(bytes, 1, (size_t)size, file) != (size_t)size) die("read");
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in to = loopback(port);
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) die("connect");
  const size_t datagram = 7 * PACKET;
  const double gap_ns = (double)datagram * 8 / (kbit * 1000) * 1e9;
  uint64_t start = now_ns(), number = 0;
  long at = 0;
  for (uint64_t i = 0; (double)i * gap_ns < seconds * 1e9; i++) {
    uint64_t due = start + (uint64_t)((double)i * gap_ns);
    struct timespec t = {.tv_sec = (time_t)(due / 1000000000ull), .tv_nsec = (long)(due % 1000000000ull)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    uint8_t out[7 * PACKET];
    for (int p = 0; p < 7; p++, at = (at + PACKET) % size) memcpy(out + p * PACKET, bytes + at, PACKET);
    uint64_t stamp = now_ns();
    for (int p = 0; p < 7; p++) {
      uint8_t *packet = out + p * PACKET;
      if (((packet[1] & 0x1f) << 8 | packet[2]) != 0x1ffe) continue;
      memcpy(packet + 8, MAGIC, MAGIC_LEN);
      memcpy(packet + 8 + MAGIC_LEN, &number, 8);
      memcpy(packet + 8 + MAGIC_LEN + 8, &stamp, 8);
      number++;
    }
    send(fd, out, datagram, 0);
  }
  return 0;
}

struct client {
  int fd;
  int sampled;
  int alive;
  uint64_t bytes;
  uint64_t next; /* number of the stamp expected, 0 before the first */
  uint8_t kept[STAMP];
  size_t kept_len;
};

static double *latencies;
static size_t latency_count, latency_room;
static uint64_t gaps, stamps;

static void stamp_at(struct client *c, const uint8_t *p) {
  uint64_t number, sent;
  memcpy(&number, p + MAGIC_LEN, 8);
  memcpy(&sent, p + MAGIC_LEN + 8, 8);
  if (c->next != 0 && number != c->next) gaps++;
  c->next = number + 1;
  stamps++;
  if (latency_count == latency_room) {
    latency_room = latency_room ? latency_room * 2 : 65536;
    latencies = realloc(latencies, latency_room * sizeof *latencies);
  }
  latencies[latency_count++] = (double)(now_ns() - sent) / 1e6;
}

static void look(struct client *c, uint8_t *buffer, size_t len) {
  /* `buffer` has room for the kept bytes before it. */
  uint8_t *from = buffer - c->kept_len;
  memcpy(from, c->kept, c->kept_len);
  size_t total = len + c->kept_len;
  uint8_t *p = from, *end = from + total, *hit;
  while ((hit = memmem(p, (size_t)(end - p), MAGIC, MAGIC_LEN)) && hit + STAMP <= end) {
    stamp_at(c, hit);
    p = hit + STAMP;
  }
  size_t rest = (size_t)(end - p);
  if (rest > STAMP - 1) rest = STAMP - 1;
  memcpy(c->kept, end - rest, rest);
  c->kept_len = rest;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double share(double s) {
  if (latency_count == 0) return -1;
  return latencies[(size_t)(s * (double)(latency_count - 1))];
}

static int watch(int port, const char *path, int n, int sampled, double warm, double window, int windows) {
  struct client *clients = calloc((size_t)n, sizeof *clients);
  uint64_t *before = calloc((size_t)n, sizeof *before);
  int poll = epoll_create1(0);
  struct sockaddr_in to = loopback(port);
  char request[512];
  snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: drain\r\n\r\n", path, port);
  for (int i = 0; i < n; i++) {
    struct client *c = &clients[i];
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    c->sampled = i < sampled;
    c->alive = 1;
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    if (write(c->fd, request, strlen(request)) < 0) die("write");
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &e);
  }
  static uint8_t room[STAMP + 262144];
  uint8_t *buffer = room + STAMP;
  uint64_t turn = now_ns() + (uint64_t)(warm * 1e9), began = 0;
  int done = -1;
  struct epoll_event events[256];
  for (;;) {
    int ready = epoll_wait(poll, events, 256, 20);
    for (int i = 0; i < ready; i++) {
      struct client *c = events[i].data.ptr;
      ssize_t got = recv(c->fd, c->sampled ? buffer : NULL, 262144, c->sampled ? 0 : MSG_TRUNC);
      if (got > 0) {
        c->bytes += (uint64_t)got;
        if (c->sampled) look(c, buffer, (size_t)got);
      } else if (got == 0 || errno != EAGAIN) {
        c->alive = 0;
        epoll_ctl(poll, EPOLL_CTL_DEL, c->fd, NULL);
        close(c->fd);
      }
    }
    uint64_t now = now_ns();
    if (now < turn) continue;
    if (done >= 0) {
      double seconds = (double)(now - began) / 1e9, least = 1e9, sum = 0;
      int alive = 0;
      for (int i = 0; i < n; i++) {
        double mbit = (double)(clients[i].bytes - before[i]) * 8 / seconds / 1e6;
        if (mbit < least) least = mbit;
        sum += mbit;
        alive += clients[i].alive;
      }
      qsort(latencies, latency_count, sizeof *latencies, by_size);
      printf("{\"clients\":%d,\"least_mbit\":%.3f,\"mean_mbit\":%.3f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"stamps\":%llu,\"gaps\":%llu}\n",
             alive, least, sum / n, share(0.5), share(0.99), share(1), (unsigned long long)stamps, (unsigned long long)gaps);
    } else {
      printf("{\"warm\":true}\n");
    }
    fflush(stdout);
    if (++done >= windows) return 0;
    for (int i = 0; i < n; i++) before[i] = clients[i].bytes;
    latency_count = gaps = stamps = 0;
    began = now_ns();
    turn = began + (uint64_t)(window * 1e9);
  }
}

int main(int argc, char **argv) {
  if (argc == 6 && strcmp(argv[1], "pace") == 0) return pace(atoi(argv[2]), argv[3], atof(argv[4]), atof(argv[5]));
  if (argc == 9 && strcmp(argv[1], "watch") == 0) {
    return watch(atoi(argv[2]), argv[3], atoi(argv[4]), atoi(argv[5]), atof(argv[6]), atof(argv[7]), atoi(argv[8]));
  }
  fprintf(stderr, "drain pace PORT FILE KBIT SECONDS | drain watch PORT PATH CLIENTS SAMPLED WARM WINDOW WINDOWS\n");
  return 2;
}
