/* SPDX-License-Identifier: Apache-2.0
 * nRF52840 and nRF52833 (product specifications v1.7): crystal oscillator and UART0, which the nRF51 has too. board.h says
 * TINYKD_CLOCK_HZ, TINYKD_BAUD, and TINYKD_TX_PIN and TINYKD_RX_PIN: 32 * port + pin.
 *
 * The UART keeps six bytes that have come. An oscillator that never starts, as in an emulator, is given up: the internal one runs. */
#include "board.h"
#include "uart.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define VTOR REGISTER(0xE000ED08u)
#define CLOCK_TASKS_HFCLKSTART REGISTER(0x40000000u)
#define CLOCK_EVENTS_HFCLKSTARTED REGISTER(0x40000100u)
#define NVMC_ICACHECNF REGISTER(0x4001E540u)
#define P_OUTSET(port) REGISTER(0x50000508u + 0x300u * (port))
#define P_PIN_CNF(pin) REGISTER(0x50000700u + 0x300u * ((pin) / 32u) + 4u * ((pin) % 32u))
#define PIN_OUTPUT 3u            /* direction out, input buffer off */
#define PIN_INPUT_PULLED_UP 0xCu /* a line that nobody drives is idle */

#define UART(offset) REGISTER(0x40002000u + (offset))
#define TASKS_STARTRX UART(0x000u)
#define TASKS_STARTTX UART(0x008u)
#define EVENTS_RXDRDY UART(0x108u)
#define EVENTS_TXDRDY UART(0x11Cu)
#define ENABLE UART(0x500u)
#define ENABLE_UART 4u
#define PSELTXD UART(0x50Cu)
#define PSELRXD UART(0x514u)
#define RXD UART(0x518u)
#define TXD UART(0x51Cu)
#define BAUDRATE UART(0x524u)

#define WAITS 100000u /* readings of the event before it is given up: some 20 ms; the crystal takes 0.4 */

/* Where link.ld puts the vector table. Only the address means anything. */
extern uint8_t flash_origin[];

static int sending;

static void start_clocks(void)
{
    CLOCK_EVENTS_HFCLKSTARTED = 0u;
    CLOCK_TASKS_HFCLKSTART = 1u;
    for (uint32_t k = 0u; k < WAITS && CLOCK_EVENTS_HFCLKSTARTED == 0u; ++k) {
    }
#if TINYKD_CLOCK_HZ == 64000000u /* the nRF51, at 16 MHz, has neither cache nor VTOR */
    NVMC_ICACHECNF = 1u;
    VTOR = (uint32_t)(uintptr_t)flash_origin; /* a bootloader may have left its own */
#endif
}

void tinykd_uart_init(void)
{
    start_clocks();
    P_OUTSET(TINYKD_TX_PIN / 32u) = 1u << TINYKD_TX_PIN % 32u;
    P_PIN_CNF(TINYKD_TX_PIN) = PIN_OUTPUT;
    P_PIN_CNF(TINYKD_RX_PIN) = PIN_INPUT_PULLED_UP;
    PSELTXD = TINYKD_TX_PIN;
    PSELRXD = TINYKD_RX_PIN;
    /* In units of 16 MHz / 2^32, of which the lower twelve bits count nothing. */
    BAUDRATE = ((uint32_t)(((uint64_t)TINYKD_BAUD << 28) / 1000000u) + 0x800u) & ~0xFFFu;
    ENABLE = ENABLE_UART;
    EVENTS_RXDRDY = 0u;
    EVENTS_TXDRDY = 0u;
    TASKS_STARTTX = 1u;
    TASKS_STARTRX = 1u;
}

uint32_t tinykd_uart_clock_hz(void)
{
    return TINYKD_CLOCK_HZ;
}

int tinykd_uart_get(void)
{
    if (EVENTS_RXDRDY == 0u) {
        return -1;
    }
    EVENTS_RXDRDY = 0u; /* before the byte is taken, so that the next one's event is not lost */
    return (int)(RXD & 0xFFu);
}

void tinykd_uart_flush(void)
{
    while (sending && EVENTS_TXDRDY == 0u) {
    }
    EVENTS_TXDRDY = 0u;
    sending = 0;
}

void tinykd_uart_put(uint8_t byte)
{
    tinykd_uart_flush();
    sending = 1;
    TXD = byte;
}
