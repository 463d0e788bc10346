/* SPDX-License-Identifier: Apache-2.0
 * Any Cortex-M: vector table, floating-point unit, faults, semihosting by a breakpoint. Ticks are those of SysTick. */
#include "core.h"

#include "tinykd/port.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)
#define AIRCR REGISTER(0xE000ED0Cu)
#define AIRCR_SYSRESETREQ (0x05FA0000u | 4u) /* with the key without which writes are ignored */
#define CCR REGISTER(0xE000ED14u)
#define CFSR REGISTER(0xE000ED28u)
#define CFSR_STKOF 0x100000u /* the stack pointer met its limit */
#define CFSR_MMARVALID 0x80u
#define MMFAR REGISTER(0xE000ED34u)
#define CPACR REGISTER(0xE000ED88u)
#define SYST_PERIOD 0x1000000u

/* Armv6-M and Armv8-M Baseline cores may be run on a larger core for its memory; then they are guarded like that core. */
#define CPUID REGISTER(0xE000ED00u)
#define ARCHITECTURE_MAIN 0xFu /* of CPUID; 0xC is Armv6-M and the Baseline */

static int is_main(void)
{
    return (CPUID >> 16 & 0xFu) == ARCHITECTURE_MAIN;
}

void Reset_Handler(void);
void HardFault_Handler(void);
void SysTick_Handler(void);
void tinykd_exception(const uint32_t *frame);

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

void tinykd_core_guard(void)
{
    if (is_main()) {
        CCR |= 1u << 3; /* UNALIGN_TRP: Armv6-M faults on unaligned accesses in any case */
    }
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
    __asm__ volatile("msr msplim, %0" : : "r"(tinykd_stack_bottom));
#endif
    tinykd_core_fence();
}

/* A fault may come from an exhausted stack, so it is reported on a fresh one. */
__attribute__((naked, used)) void HardFault_Handler(void)
{
    __asm__ volatile("mrs r0, msp\n\t"
                     "ldr r1, =tinykd_stack_top\n\t"
                     "msr msp, r1\n\t"
                     "ldr r1, =tinykd_exception\n\t"
                     "bx r1\n\t"
                     ".ltorg");
}

/* `frame` is what the core pushed: r0-r3, r12, lr, pc, xPSR; nothing if no room was left on the stack. */
__attribute__((used)) void tinykd_exception(const uint32_t *frame)
{
    const uint32_t cause = is_main() ? CFSR : 0u; /* other cores do not say */

    tinykd_port_text("FAULT\n");
    if (frame < tinykd_stack_bottom || frame + 8 > tinykd_stack_top || (cause & CFSR_STKOF) != 0u) {
        tinykd_report("stack exhausted, sp 0x", (uint32_t)(uintptr_t)frame);
    } else {
        tinykd_report("pc 0x", frame[6]);
        tinykd_report("lr 0x", frame[5]);
    }
    if ((cause & CFSR_MMARVALID) != 0u) {
        tinykd_report("address 0x", MMFAR);
    }
    tinykd_report("cfsr 0x", cause);
    tinykd_port_exit(TINYKD_FAULT);
}

/* Times that SysTick ran out. An emulator without interrupts writes this instead of the handler. */
volatile uint32_t tinykd_systick_wraps;

void SysTick_Handler(void)
{
    tinykd_systick_wraps = tinykd_systick_wraps + 1u;
}

void tinykd_core_count(void)
{
    SYST_RVR = SYST_PERIOD - 1u;
    SYST_CVR = 0u;
    SYST_CSR = 7u; /* core clock, interrupt, on */
}

uint64_t tinykd_port_ticks(void)
{
    uint32_t wraps, left;

    do {
        wraps = tinykd_systick_wraps;
        left = SYST_CVR;
    } while (wraps != tinykd_systick_wraps);
    /* It counts down from the period; the interrupt comes as it reaches 0, which is the period again. */
    return ((uint64_t)wraps << 24) + ((SYST_PERIOD - left) & (SYST_PERIOD - 1u));
}

/* The sum of what SysTick has left, 7 instructions apart: ticks are 40, 50, 125/2 or 125/4 instructions on the machines we know. */
static uint32_t sum_of_readings(uint32_t readings)
{
    uint32_t sum = 0u, left;

    __asm__ volatile(".syntax unified\n"
                     "1:\tldr %1, [%3]\n\t"
                     "adds %0, %0, %1\n\t"
                     "nop\n\t"
                     "nop\n\t"
                     "nop\n\t"
                     "subs %2, %2, #1\n\t"
                     "bne 1b"
                     : "+l"(sum), "=&l"(left), "+l"(readings)
                     : "l"(&SYST_CVR)
                     : "cc", "memory");
    return sum;
}

uint64_t tinykd_port_tick_sum(uint32_t readings)
{
    uint64_t first, last;
    uint32_t left;

    do {
        first = tinykd_port_ticks() - 1u; /* SysTick reads 0 at the end of a period, not at the start of the next */
        left = sum_of_readings(readings);
        last = tinykd_port_ticks() - 1u;
    } while (first >> 24 != last >> 24);
    return readings * (((first >> 24) + 1u) << 24) - left;
}

void tinykd_core_reset(void)
{
    __asm__ volatile("dsb" ::: "memory");
    AIRCR = AIRCR_SYSRESETREQ;
    for (;;) {
    }
}

int tinykd_core_call(int operation, const void *arguments)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;

    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
