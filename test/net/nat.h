/* A NAT for IPv4 UDP as agent/sim/nat.ts has it, with the same words, for real packets. */
#ifndef NAT_H
#define NAT_H
#include <stdint.h>

struct nat;

/* What becomes of a packet: it goes out, it goes in (also when it came from inside: hairpin), or it is gone. */
enum verdict { GONE, OUT, IN };

struct nat *nat_new(void);
/* A setting such as `mapping=address-dependent`; 0 for what it does not know. The list is in nat.c. */
int nat_set(struct nat *nat, const char *name, const char *value, uint64_t now);
/* Every mapping is forgotten, and its port is not given out again. */
void nat_rebind(struct nat *nat);
/* Counters begin anew; what lives goes on. */
void nat_reset(struct nat *nat, uint64_t now);
/* One line: `INDEX nat`, then `name=value`; nothing without outside addresses. */
void nat_tell(struct nat *nat, int index, uint64_t now);
/* A packet from inside or from outside, translated in place; without outside addresses all pass as they are. */
enum verdict nat_leave(struct nat *nat, unsigned char *packet, int size, uint64_t now);
enum verdict nat_arrive(struct nat *nat, unsigned char *packet, int size, uint64_t now);
#endif
