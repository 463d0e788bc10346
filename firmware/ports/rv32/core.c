/* SPDX-License-Identifier: Apache-2.0
 * RV32 in machine mode: reset, memory protection, traps, semihosting by a breakpoint. Ticks are instructions retired. */
#include "core.h"

#include "tinykd/port.h"

/* The budget, from link.ld. Only the addresses of these symbols mean anything. */
extern uint8_t flash_origin[], flash_limit[], ram_origin[], ram_limit[];

#define ZICSR ".option push\n\t.option arch, +zicsr\n\t"
#define POP "\n\t.option pop"
#define WRITE_CSR(name, value) __asm__ volatile(ZICSR "csrw " name ", %0" POP : : "r"(value) : "memory")
#define READ_CSR(name, value) __asm__ volatile(ZICSR "csrr %0, " name POP : "=r"(value) : : "memory")

/* Fields of pmpcfg0: what is allowed, that it reaches from the address before to its own, that it binds machine mode too. */
#define PMP_READ 1u
#define PMP_WRITE 2u
#define PMP_EXECUTE 4u
#define PMP_TOP_OF_RANGE 8u
#define PMP_LOCKED 0x80u
#define PAGE 4096u

void Reset_Handler(void);
void tinykd_trap(void);
void tinykd_exception(const uint32_t *stack, uint32_t ra);

/* The first code of flash, where the machine starts. No trap may come before mtvec is set. */
__attribute__((naked, used, section(".vectors"))) void Reset_Handler(void)
{
    __asm__ volatile(ZICSR "la sp, tinykd_stack_top\n\t"
                           "la t0, tinykd_trap\n\t"
                           "csrw mtvec, t0\n\t"
                           "j tinykd_start" POP);
}

/* A trap may come from an exhausted stack, so it is reported on a fresh one. No interrupt is ever enabled. */
__attribute__((naked, used, aligned(4))) void tinykd_trap(void)
{
    __asm__ volatile("mv a0, sp\n\t"
                     "mv a1, ra\n\t"
                     "la sp, tinykd_stack_top\n\t"
                     "j tinykd_exception");
}

__attribute__((used)) void tinykd_exception(const uint32_t *stack, uint32_t ra)
{
    uint32_t pc, cause, address;

    READ_CSR("mepc", pc);
    READ_CSR("mcause", cause);
    READ_CSR("mtval", address);
    tinykd_port_text("FAULT\n");
    if (stack < tinykd_stack_bottom || stack > tinykd_stack_top) {
        tinykd_report("stack exhausted, sp 0x", (uint32_t)(uintptr_t)stack);
    }
    tinykd_report("pc 0x", pc);
    tinykd_report("ra 0x", ra);
    if (cause == 5u || cause == 7u) { /* a load or a store that was not allowed */
        tinykd_report("address 0x", address);
    }
    tinykd_report("mcause 0x", cause);
    tinykd_port_exit(TINYKD_FAULT);
}

static uint32_t up_to_page(const uint8_t *address)
{
    return ((uint32_t)(uintptr_t)address + PAGE - 1u) & ~(PAGE - 1u);
}

/* Flash of the budget can be read and run, RAM of the budget read and written, nothing else touched: what a chip of that size
 * would do. RAM is fenced to 4 bytes, flash to a page. */
void tinykd_core_guard(void)
{
    const uint32_t bound = PMP_TOP_OF_RANGE | PMP_LOCKED;
    const uint32_t rights = bound                                             /* below flash */
                            | (bound | PMP_READ | PMP_EXECUTE) << 8           /* flash */
                            | bound << 16                                     /* between flash and RAM */
                            | (bound | PMP_READ | PMP_WRITE) << 24;           /* RAM */

    WRITE_CSR("pmpaddr0", (uint32_t)(uintptr_t)flash_origin >> 2);
    WRITE_CSR("pmpaddr1", up_to_page(flash_limit) >> 2);
    WRITE_CSR("pmpaddr2", (uint32_t)(uintptr_t)ram_origin >> 2);
    WRITE_CSR("pmpaddr3", ((uint32_t)(uintptr_t)ram_limit + 3u) >> 2);
    WRITE_CSR("pmpaddr4", 0xFFFFFFFFu);
    WRITE_CSR("pmpcfg1", bound);
    WRITE_CSR("pmpcfg0", rights);
}

void tinykd_core_count(void)
{
    /* The counter of instructions retired always runs. */
}

uint64_t tinykd_port_ticks(void)
{
    uint32_t high, low, again;

    do {
        READ_CSR("minstreth", high);
        READ_CSR("minstret", low);
        READ_CSR("minstreth", again);
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

uint64_t tinykd_port_tick_sum(uint32_t readings)
{
    return readings * tinykd_port_ticks(); /* a tick is one instruction: it has no phases */
}

/* The three instructions mark the breakpoint as a call: uncompressed, in a row, within one page. */
__attribute__((noinline)) int tinykd_core_call(int operation, const void *arguments)
{
    register int a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = arguments;

    __asm__ volatile(".option push\n\t"
                     ".option norvc\n\t"
                     ".balign 16\n\t"
                     "slli zero, zero, 0x1f\n\t"
                     "ebreak\n\t"
                     "srai zero, zero, 7\n\t"
                     ".option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
}
