/* SPDX-License-Identifier: Apache-2.0
 * A desktop machine: the stream is stdin and stdout, the console is stderr. No instruction counter, no painted stack. */
#include "tinykd/port.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

void tinykd_port_init(void)
{
#ifdef _WIN32
    (void)_setmode(_fileno(stdin), _O_BINARY);
    (void)_setmode(_fileno(stdout), _O_BINARY);
#endif
}

int32_t tinykd_port_read(void *buffer, uint32_t bytes)
{
    (void)fflush(stdout); /* whoever asks next may be waiting for the last answer */
    const size_t got = fread(buffer, 1u, bytes, stdin);
    return got == 0u ? -1 : (int32_t)got;
}

uint32_t tinykd_port_write(const void *buffer, uint32_t bytes)
{
    return (uint32_t)fwrite(buffer, 1u, bytes, stdout);
}

void tinykd_port_text(const char *text)
{
    (void)fputs(text, stderr);
}

uint64_t tinykd_port_ticks(void)
{
    return 0u;
}

uint32_t tinykd_port_clock_hz(void)
{
    return 0u;
}

uint64_t tinykd_port_tick_sum(uint32_t readings)
{
    (void)readings;
    return 0u;
}

uint32_t tinykd_port_stack_bytes(void)
{
    return 0u;
}

uint32_t tinykd_port_stack_high_water(void)
{
    return 0u;
}

void tinykd_port_exit(uint32_t code)
{
    (void)fflush(stdout);
    exit((int)code);
}
