/* SPDX-License-Identifier: Apache-2.0
 * From reset to main on any Cortex-M: vector table, floating-point unit, memory, painted stack, faults. */
#include <stdint.h>

#include "tinykd/port.h"

/* Where link.ld puts things. Only the addresses of these symbols mean anything. */
extern uint32_t tinykd_stack_bottom[], tinykd_stack_top[];
extern uint32_t tinykd_data_start[], tinykd_data_end[], tinykd_bss_start[], tinykd_bss_end[];
extern const uint32_t tinykd_data_load[];

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define CPACR REGISTER(0xE000ED88u)
#define CFSR REGISTER(0xE000ED28u)
#define MPU_TYPE REGISTER(0xE000ED90u)
#define MPU_CTRL REGISTER(0xE000ED94u)
#define MPU_RNR REGISTER(0xE000ED98u)
#define MPU_RBAR REGISTER(0xE000ED9Cu)
#define MPU_RASR REGISTER(0xE000EDA0u)
#define PAINT 0xC5C5C5C5u

int main(void);
void Reset_Handler(void);
void HardFault_Handler(void);
void SysTick_Handler(void);
void tinykd_start(void);
void tinykd_fault(const uint32_t *frame);

union vector {
    uint32_t *stack;
    void (*handler)(void);
};

/* Priorities stay at reset, so every fault becomes a HardFault. No device interrupt is ever enabled. */
__attribute__((section(".vectors"), used)) static const union vector vectors[16] = {
    [0] = {.stack = tinykd_stack_top}, [1] = {.handler = Reset_Handler}, [2] = {.handler = HardFault_Handler},
    [3] = {.handler = HardFault_Handler}, [4] = {.handler = HardFault_Handler}, [5] = {.handler = HardFault_Handler},
    [6] = {.handler = HardFault_Handler}, [7] = {.handler = HardFault_Handler}, [11] = {.handler = HardFault_Handler},
    [12] = {.handler = HardFault_Handler}, [14] = {.handler = HardFault_Handler}, [15] = {.handler = SysTick_Handler},
};

/* Apart from tinykd_start, so that no floating-point or vector instruction can run before the unit is on. */
__attribute__((used)) void Reset_Handler(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= 0xFu << 20; /* full access to coprocessors 10 and 11 */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    tinykd_start();
}

/* Makes a stack that overflows fault on the spot. Below RAM a chip has nothing, but some machines swallow the writes. */
static void guard_stack(void)
{
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
    __asm__ volatile("msr msplim, %0" : : "r"(tinykd_stack_bottom));
#elif !defined(__ARM_ARCH_8M_BASE__)
    const uint32_t bottom = (uint32_t)(uintptr_t)tinykd_stack_bottom;

    if ((MPU_TYPE & 0xFF00u) != 0u && (bottom & 0xFFFFu) == 0u) {
        MPU_RNR = 0u;
        MPU_RBAR = bottom - 0x10000u;
        MPU_RASR = 1u << 28 | 15u << 1 | 1u; /* never executed, no access, 64 KiB, on */
        MPU_CTRL = 5u;                       /* on; the default map elsewhere; off within faults */
        __asm__ volatile("dsb\n\tisb" ::: "memory");
    }
#endif
}

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
    guard_stack();
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

/* A fault may come from an exhausted stack, so it is reported on a fresh one. */
__attribute__((naked, used)) void HardFault_Handler(void)
{
    __asm__ volatile("mrs r0, msp\n\t"
                     "ldr r1, =tinykd_stack_top\n\t"
                     "msr msp, r1\n\t"
                     "ldr r1, =tinykd_fault\n\t"
                     "bx r1\n\t"
                     ".ltorg");
}

static void report(const char *name, uint32_t value)
{
    char digits[11];

    for (int i = 0; i < 8; ++i) {
        digits[i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15u];
    }
    digits[8] = '\n';
    digits[9] = '\0';
    tinykd_port_text(name);
    tinykd_port_text(digits);
}

/* `frame` is what the core pushed: r0-r3, r12, lr, pc, xPSR. */
__attribute__((used)) void tinykd_fault(const uint32_t *frame)
{
    tinykd_port_text("FAULT\n");
    if (frame >= tinykd_stack_bottom && frame + 8 <= tinykd_stack_top) {
        report("pc 0x", frame[6]);
        report("lr 0x", frame[5]);
    } else {
        report("stack exhausted, sp 0x", (uint32_t)(uintptr_t)frame);
    }
#if !defined(__ARM_ARCH_6M__)
    report("cfsr 0x", CFSR);
#endif
    tinykd_port_exit(70u);
}
