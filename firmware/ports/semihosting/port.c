/* SPDX-License-Identifier: Apache-2.0
 * Arm semihosting: a debugger or an emulator lends the firmware its files and console.
 * The command line names the files: PROGRAM [INCOMING OUTGOING]. Ticks are those of SysTick. */
#include "tinykd/port.h"

#include <string.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)
#define SYST_PERIOD 0x1000000u

enum operation {
    SYS_OPEN = 0x01,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_GET_CMDLINE = 0x15,
    SYS_EXIT_EXTENDED = 0x20
};
enum mode { READ_BINARY = 1, WRITE_BINARY = 5 };

#define NOWHERE (-1)
#define APPLICATION_EXIT 0x20026u

static int incoming = NOWHERE, outgoing = NOWHERE;

/* Times that SysTick ran out. An emulator without interrupts writes this instead of the handler. */
volatile uint32_t tinykd_systick_wraps;

void SysTick_Handler(void);
void SysTick_Handler(void)
{
    tinykd_systick_wraps = tinykd_systick_wraps + 1u;
}

static int host(enum operation operation, const void *arguments)
{
    register uint32_t r0 __asm__("r0") = (uint32_t)operation;
    register const void *r1 __asm__("r1") = arguments;

    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return (int)r0;
}

static int open_file(const char *name, enum mode mode)
{
    const uintptr_t arguments[3] = {(uintptr_t)name, (uintptr_t)mode, strlen(name)};

    return host(SYS_OPEN, arguments);
}

/* Cuts the first word off `text`; returns what follows it. */
static char *cut(char *text)
{
    while (*text != '\0' && *text != ' ') {
        ++text;
    }
    while (*text == ' ') {
        *text++ = '\0';
    }
    return text;
}

void tinykd_port_init(void)
{
    static char line[256];
    const uintptr_t arguments[2] = {(uintptr_t)line, sizeof line};

    if (host(SYS_GET_CMDLINE, arguments) == 0) {
        char *const from = cut(line);
        char *const to = cut(from);
        (void)cut(to);
        if (*from != '\0' && *to != '\0') {
            incoming = open_file(from, READ_BINARY);
            outgoing = open_file(to, WRITE_BINARY);
        }
    }
    SYST_RVR = SYST_PERIOD - 1u;
    SYST_CVR = 0u;
    SYST_CSR = 7u; /* core clock, interrupt, on */
}

uint32_t tinykd_port_read(void *buffer, uint32_t bytes)
{
    uint32_t got = 0;

    while (incoming != NOWHERE && got < bytes) {
        const uintptr_t arguments[3] = {(uintptr_t)incoming, (uintptr_t)buffer + got, bytes - got};
        const int missing = host(SYS_READ, arguments);
        if (missing < 0 || (uint32_t)missing >= bytes - got) {
            break;
        }
        got = bytes - (uint32_t)missing;
    }
    return got;
}

uint32_t tinykd_port_write(const void *buffer, uint32_t bytes)
{
    const uintptr_t arguments[3] = {(uintptr_t)outgoing, (uintptr_t)buffer, bytes};

    return outgoing == NOWHERE ? bytes : bytes - (uint32_t)host(SYS_WRITE, arguments);
}

void tinykd_port_text(const char *text)
{
    (void)host(SYS_WRITE0, text);
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

void tinykd_port_exit(uint32_t code)
{
    const uintptr_t arguments[2] = {APPLICATION_EXIT, code};

    for (;;) {
        (void)host(SYS_EXIT_EXTENDED, arguments);
    }
}
