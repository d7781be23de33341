/* Addresses and ports in IPv4 packets, read and rewritten with their checksums. */
#ifndef PACKET_H
#define PACKET_H
#include <stdint.h>

enum { UDP = 17, ICMP = 1 };

/* An address and a port in one number. */
typedef uint64_t end;

static inline uint32_t ip_of(end from) { return (uint32_t)(from >> 16); }
static inline int port_of(end from) { return (int)(from & 0xffff); }

static inline uint32_t get(const unsigned char *at, int bytes) {
  uint32_t value = 0;
  while (bytes--) value = value << 8 | *at++;
  return value;
}

static inline void put(unsigned char *at, int bytes, uint32_t value) {
  while (bytes--) at[bytes] = (unsigned char)value, value >>= 8;
}

/* RFC 1624: a checksum after some 16-bit words of what it covers went from `before` to `after`. */
static inline uint16_t adjusted(uint32_t sum, end before, end after) {
  sum = ~sum & 0xffff;
  for (int shift = 0; shift < 48; shift += 16)
    sum += (uint32_t)((~(before >> shift) & 0xffff) + (after >> shift & 0xffff));
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

/* The offset of what is in a whole, unfragmented IPv4 packet of this protocol with so many bytes; 0 if it is another. */
static inline int inside_of(const unsigned char *packet, int size, int protocol, int least) {
  if (size < 20 || packet[0] >> 4 != 4 || packet[9] != protocol || get(packet + 6, 2) & 0x3fff) return 0;
  int header = (packet[0] & 15) * 4;
  return header >= 20 && header + least <= size ? header : 0;
}

/* `which`: 0 the source, 1 the destination. */
static inline end read_end(const unsigned char *packet, int udp, int which) {
  return (end)get(packet + 12 + 4 * which, 4) << 16 | get(packet + udp + 2 * which, 2);
}

static inline void write_ip(unsigned char *packet, int which, uint32_t ip) {
  unsigned char *where = packet + 12 + 4 * which;
  put(packet + 10, 2, adjusted(get(packet + 10, 2), get(where, 4), ip));
  put(where, 4, ip);
}

static inline void write_end(unsigned char *packet, int udp, int which, end now) {
  unsigned char *checksum = packet + udp + 6;
  /* Zero says that there is none; a sum that comes out as zero is written as its other zero (RFC 768). */
  if (get(checksum, 2)) {
    uint16_t sum = adjusted(get(checksum, 2), read_end(packet, udp, which), now);
    put(checksum, 2, sum ? sum : 0xffff);
  }
  write_ip(packet, which, ip_of(now));
  put(packet + udp + 2 * which, 2, (uint32_t)port_of(now));
}
#endif
