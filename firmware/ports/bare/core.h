/* SPDX-License-Identifier: Apache-2.0
 * What differs from one processor family to the next; each has a core.c in a folder of its own. */
#ifndef TINYKD_CORE_H
#define TINYKD_CORE_H

#include <stdint.h>

/* The exit code of a program that faulted. */
#define TINYKD_FAULT 70u

/* Where link.ld puts things. Only the addresses of these symbols mean anything. */
extern uint32_t tinykd_stack_bottom[], tinykd_stack_top[];

/* startup.c: fills RAM, paints the stack and runs main. The reset code of each core.c ends here, with the stack pointer set. */
void tinykd_start(void);

/* startup.c: prints `name` and eight hexadecimal digits. */
void tinykd_report(const char *name, uint32_t value);

/* Makes what must never happen fault on the spot: a stack that overflows and, where the core can, unaligned accesses and
 * accesses outside the budget. */
void tinykd_core_guard(void);

/* Its part for the budget, where that is a file of its own. */
void tinykd_core_fence(void);

/* Starts the counter behind tinykd_port_ticks. */
void tinykd_core_count(void);

/* Starts the chip again, as its reset pin does. Does not return. */
void tinykd_core_reset(void);

/* A port that uses registers of devices defines this, and the fence leaves the architecture's region for devices open. */
extern const uint8_t tinykd_port_has_devices __attribute__((weak));

/* One semihosting call: the answer of `operation`, whose arguments lie at `arguments`. */
int tinykd_core_call(int operation, const void *arguments);

#endif
