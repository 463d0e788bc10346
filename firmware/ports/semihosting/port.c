/* SPDX-License-Identifier: Apache-2.0
 * Semihosting: a debugger or an emulator lends the firmware its files and console.
 * The command line names the files: PROGRAM [INCOMING OUTGOING]. */
#include "tinykd/port.h"

#include <string.h>

#include "core.h"

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

static int open_file(const char *name, enum mode mode)
{
    const uintptr_t arguments[3] = {(uintptr_t)name, (uintptr_t)mode, strlen(name)};

    return tinykd_core_call(SYS_OPEN, arguments);
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

    if (tinykd_core_call(SYS_GET_CMDLINE, arguments) == 0) {
        char *const from = cut(line);
        char *const to = cut(from);
        (void)cut(to);
        if (*from != '\0' && *to != '\0') {
            incoming = open_file(from, READ_BINARY);
            outgoing = open_file(to, WRITE_BINARY);
        }
    }
    tinykd_core_count();
}

int32_t tinykd_port_read(void *buffer, uint32_t bytes)
{
    const uintptr_t arguments[3] = {(uintptr_t)incoming, (uintptr_t)buffer, bytes};

    if (incoming == NOWHERE) {
        return -1;
    }
    const int missing = tinykd_core_call(SYS_READ, arguments);
    return missing < 0 || (uint32_t)missing >= bytes ? -1 : (int32_t)(bytes - (uint32_t)missing);
}

uint32_t tinykd_port_write(const void *buffer, uint32_t bytes)
{
    const uintptr_t arguments[3] = {(uintptr_t)outgoing, (uintptr_t)buffer, bytes};

    return outgoing == NOWHERE ? bytes : bytes - (uint32_t)tinykd_core_call(SYS_WRITE, arguments);
}

void tinykd_port_text(const char *text)
{
    (void)tinykd_core_call(SYS_WRITE0, text);
}

uint32_t tinykd_port_clock_hz(void)
{
    return 0u; /* an emulator's clock counts instructions, whose number a tick depends on how it was started */
}

void tinykd_port_exit(uint32_t code)
{
    const uintptr_t arguments[2] = {APPLICATION_EXIT, code};

    for (;;) {
        (void)tinykd_core_call(SYS_EXIT_EXTENDED, arguments);
    }
}
