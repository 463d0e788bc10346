/* SPDX-License-Identifier: Apache-2.0
 * What a main program needs from the machine it runs on. A port is one folder that implements these. */
#ifndef TINYKD_PORT_H
#define TINYKD_PORT_H

#include <stdint.h>

/* Called once before anything else of this header. */
void tinykd_port_init(void);

/* Bytes of the incoming stream into `buffer`, at most `bytes`: as many as have come, but at least one, for which it waits. Returns how
 * many, 0 if the sender says nothing for a while (a port whose stream can pause), -1 at the end of the stream. */
int32_t tinykd_port_read(void *buffer, uint32_t bytes);

/* `bytes` bytes to the outgoing stream; returns how many were taken, fewer only if the stream is gone. */
uint32_t tinykd_port_write(const void *buffer, uint32_t bytes);

/* A line for people to the console, apart from the stream. */
void tinykd_port_text(const char *text);

/* A clock that counts up, in units of the machine; 0 always on a machine without one. */
uint64_t tinykd_port_ticks(void);

/* Ticks of that clock in a second; 0 where unknown. */
uint32_t tinykd_port_clock_hz(void);

/* The sum of `readings` readings of that clock at equal distances of a few instructions. Where a tick is n / d instructions in lowest
 * terms, and n has no divisor in common with the distance, n readings meet every phase of the tick once: then sums that are x
 * instructions apart differ by exactly d * x, though one reading is only as fine as a tick. */
uint64_t tinykd_port_tick_sum(uint32_t readings);

/* Bytes of stack reserved, and the deepest use since the start, from paint; 0 where unknown. */
uint32_t tinykd_port_stack_bytes(void);
uint32_t tinykd_port_stack_high_water(void);

/* Ends the program; 0 means all is well. Does not return. */
void tinykd_port_exit(uint32_t code);

#endif
