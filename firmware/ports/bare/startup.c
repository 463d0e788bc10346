/* SPDX-License-Identifier: Apache-2.0
 * From a stack to main on any core: memory and a painted stack. */
#include <stdint.h>

#include "core.h"
#include "tinykd/port.h"

/* Where link.ld puts things. Only the addresses of these symbols mean anything. */
extern uint32_t tinykd_data_start[], tinykd_data_end[], tinykd_bss_start[], tinykd_bss_end[];
extern const uint32_t tinykd_data_load[];

#define PAINT 0xC5C5C5C5u

int main(void);

__attribute__((noinline, used)) void tinykd_start(void)
{
    uint32_t *word;
    const uint32_t *from = tinykd_data_load;

    for (word = tinykd_data_start; word != tinykd_data_end; ++word, ++from) {
        *(volatile uint32_t *)word = *from;
    }
    for (word = tinykd_bss_start; word != tinykd_bss_end; ++word) {
        *(volatile uint32_t *)word = 0u;
    }
    /* Paint what lies below this function's frame; what is above it is in use already. */
    const uint32_t *const here = (const uint32_t *)__builtin_frame_address(0) - 16;
    for (word = tinykd_stack_bottom; word < here; ++word) {
        *(volatile uint32_t *)word = PAINT;
    }
    tinykd_core_guard();
    tinykd_port_exit((uint32_t)main());
}

uint32_t tinykd_port_stack_bytes(void)
{
    return (uint32_t)((uintptr_t)tinykd_stack_top - (uintptr_t)tinykd_stack_bottom);
}

uint32_t tinykd_port_stack_high_water(void)
{
    const uint32_t *word = tinykd_stack_bottom;

    while (word != tinykd_stack_top && *word == PAINT) {
        ++word;
    }
    return (uint32_t)((uintptr_t)tinykd_stack_top - (uintptr_t)word);
}

void tinykd_report(const char *name, uint32_t value)
{
    char digits[10];

    for (int i = 0; i < 8; ++i) {
        digits[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15u];
    }
    digits[8] = '\n';
    digits[9] = '\0';
    tinykd_port_text(name);
    tinykd_port_text(digits);
}
