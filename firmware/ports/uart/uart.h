/* SPDX-License-Identifier: Apache-2.0
 * What port.c of this folder needs from a chip: its clock, and a serial port without interrupts. A chip's folder implements these. */
#ifndef TINYKD_UART_H
#define TINYKD_UART_H

#include <stdint.h>

/* Sets up clocks and pins, and the port to the baud rate of board.h, 8 data bits, no parity, 1 stop bit. Called once. It must end even if a
 * clock never becomes ready. */
void tinykd_uart_init(void);

/* Hertz of the core's clock, which SysTick counts. Asked after tinykd_uart_init only. */
uint32_t tinykd_uart_clock_hz(void);

/* The next byte that has come, or -1 if none has. Does not wait. */
int tinykd_uart_get(void);

/* Sends a byte; waits while the port is busy with others. */
void tinykd_uart_put(uint8_t byte);

/* Waits until the last byte has left the wire. */
void tinykd_uart_flush(void);

#endif
