/* SPDX-License-Identifier: Apache-2.0
 * A stream over a serial port, which is also the console: text for people travels in frames of kind 'M', an end of the program in
 * one of kind 'X', after which the board starts again. The stream itself never ends. */
#include "tinykd/port.h"

#include <string.h>

#include "core.h"
#include "frame.h"
#include "uart.h"

const uint8_t tinykd_port_has_devices = 1u;

void tinykd_port_init(void)
{
    tinykd_uart_init();
    tinykd_core_count();
}

/* A sender that says nothing for half a second has paused. Where no clock counts (an nRF51 has no SysTick) readings of the port stand for it,
 * at some 64 cycles each. */
int32_t tinykd_port_read(void *buffer, uint32_t bytes)
{
    uint8_t *const to = (uint8_t *)buffer;
    const uint64_t start = tinykd_port_ticks();
    const uint32_t pause = tinykd_uart_clock_hz() / 2u;
    uint64_t waited = 0u;
    uint32_t polls = 0u;
    int32_t got = 0;

    do {
        for (int byte = 0; (uint32_t)got < bytes && (byte = tinykd_uart_get()) >= 0; ++got) {
            to[got] = (uint8_t)byte;
        }
        waited = tinykd_port_ticks() - start;
    } while (got == 0 && bytes != 0u && waited < pause && (waited != 0u || ++polls < pause / 64u));
    return got;
}

uint32_t tinykd_port_write(const void *buffer, uint32_t bytes)
{
    const uint8_t *const from = (const uint8_t *)buffer;

    for (uint32_t i = 0; i < bytes; ++i) {
        tinykd_uart_put(from[i]);
    }
    return bytes;
}

static void send(uint8_t kind, const void *payload, uint32_t bytes)
{
    struct tinykd_frame frame;

    tinykd_frame_begin(&frame, kind, 0u, bytes);
    tinykd_frame_write(&frame, payload, bytes);
    tinykd_frame_end(&frame);
}

void tinykd_port_text(const char *text)
{
    send('M', text, (uint32_t)strlen(text));
}

uint32_t tinykd_port_clock_hz(void)
{
    return tinykd_uart_clock_hz();
}

void tinykd_port_exit(uint32_t code)
{
    const uint8_t bytes[4] = {(uint8_t)code, (uint8_t)(code >> 8), (uint8_t)(code >> 16), (uint8_t)(code >> 24)};

    send('X', bytes, sizeof bytes);
    tinykd_uart_flush();
    for (;;) {
        tinykd_core_reset();
    }
}
