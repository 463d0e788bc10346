/* SPDX-License-Identifier: Apache-2.0
 * UART 0 of Arm's Cortex-M System Design Kit (ARM DDI 0479D, section 4.3), as the MPS2 and MPS3 boards have it. Clocks run after reset,
 * and no pin has to be set up. Without numbers from the board's file it is that of AN385, AN386 and AN500 (ARM DAI 0385D). */
#include "uart.h"

#include "board.h"

#ifndef TINYKD_UART_BASE
#define TINYKD_UART_BASE 0x40004000u
#endif
#ifndef TINYKD_CORE_HZ
#define TINYKD_CORE_HZ 25000000u
#endif
#ifndef TINYKD_UART_HZ
#define TINYKD_UART_HZ TINYKD_CORE_HZ
#endif

#define REGISTER(offset) (*(volatile uint32_t *)(uintptr_t)(TINYKD_UART_BASE + (offset)))
#define DATA REGISTER(0x00u)
#define STATE REGISTER(0x04u)
#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL REGISTER(0x08u)
#define CTRL_TX_ENABLE 1u
#define CTRL_RX_ENABLE 2u
#define BAUDDIV REGISTER(0x10u) /* clocks a bit, at least 16 */

void tinykd_uart_init(void)
{
    BAUDDIV = TINYKD_UART_HZ / TINYKD_BAUD;
    CTRL = CTRL_TX_ENABLE | CTRL_RX_ENABLE;
}

uint32_t tinykd_uart_clock_hz(void)
{
    return TINYKD_CORE_HZ;
}

int tinykd_uart_get(void)
{
    return (STATE & STATE_RX_FULL) != 0u ? (int)(DATA & 0xFFu) : -1;
}

void tinykd_uart_put(uint8_t byte)
{
    while ((STATE & STATE_TX_FULL) != 0u) {
    }
    DATA = byte;
}

void tinykd_uart_flush(void)
{
    /* The state tells when the buffer is empty, not the shift register behind it: one more character has to pass. */
    while ((STATE & STATE_TX_FULL) != 0u) {
    }
    for (volatile uint32_t waits = 10u * (TINYKD_CORE_HZ / TINYKD_BAUD) / 4u; waits != 0u; --waits) {
    }
}
