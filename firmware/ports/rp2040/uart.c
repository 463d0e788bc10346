/* SPDX-License-Identifier: Apache-2.0
 * RP2040 (datasheet, build 2024): 12 MHz crystal, system PLL, and UART 0, a PL011 (Arm DDI 0183G). board.h says TINYKD_CLOCK_HZ,
 * TINYKD_BAUD, TINYKD_TX_PIN and TINYKD_RX_PIN. The UART keeps 32 bytes that have come.
 *
 * A clock that never becomes ready leaves the core on the ring oscillator, whose frequency nobody knows: the console then is mute. */
#include "board.h"
#include "uart.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define RESETS_RESET REGISTER(0x4000C000u)
#define RESETS_DONE REGISTER(0x4000C008u)
#define BLOCK_IO_BANK0 (1u << 5)
#define BLOCK_PADS_BANK0 (1u << 8)
#define BLOCK_PLL_SYS (1u << 12)
#define BLOCK_UART0 (1u << 22)

#define XOSC_CTRL REGISTER(0x40024000u)
#define XOSC_CTRL_ON (0xFABu << 12 | 0xAA0u) /* enable; 1 to 15 MHz */
#define XOSC_STATUS REGISTER(0x40024004u)
#define XOSC_STATUS_STABLE (1u << 31)
#define XOSC_STARTUP REGISTER(0x4002400Cu)
#define XOSC_HZ 12000000u

#define CLK_REF_CTRL REGISTER(0x40008030u)
#define CLK_REF_CTRL_XOSC 2u
#define CLK_REF_SELECTED REGISTER(0x40008038u)
#define CLK_SYS_CTRL REGISTER(0x4000803Cu)
#define CLK_SYS_CTRL_AUX 1u /* the auxiliary source, which is the system PLL after reset */
#define CLK_SYS_SELECTED REGISTER(0x40008044u)
#define CLK_PERI_CTRL REGISTER(0x40008048u)
#define CLK_PERI_CTRL_ENABLE (1u << 11)

#define PLL_CS REGISTER(0x40028000u)
#define PLL_CS_LOCK (1u << 31)
#define PLL_PWR REGISTER(0x40028004u)
#define PLL_PWR_ALL_OFF 0x2Du  /* VCO, post dividers, modulator, PLL */
#define PLL_PWR_VCO_ON 0xCu    /* modulator and post dividers still off */
#define PLL_PWR_RUN 0x4u       /* no modulator: the ratio is whole */
#define PLL_FBDIV REGISTER(0x40028008u)
#define PLL_PRIM REGISTER(0x4002800Cu)

/* 12 MHz * feedback / 12: the oscillator inside makes 750 to 1600 MHz, divided by 6 and by 2. */
#define PLL_FEEDBACK (TINYKD_CLOCK_HZ / 1000000u)
#define PLL_DIVIDERS (6u << 16 | 2u << 12)

#if TINYKD_CLOCK_HZ < 63000000u || TINYKD_CLOCK_HZ > 133000000u || TINYKD_CLOCK_HZ % 1000000u != 0u
#error "the clock of an RP2040 is 63 to 133 MHz here, in whole MHz"
#endif

#define GPIO_CTRL(pin) REGISTER(0x40014004u + 8u * (pin))
#define GPIO_CTRL_UART 2u
#define PAD(pin) REGISTER(0x4001C004u + 4u * (pin))
#define PAD_PULLED_UP 0x5Au /* input on, 4 mA, Schmitt trigger, up: a line that nobody drives is idle */

#define UART_DR REGISTER(0x40034000u)
#define UART_FR REGISTER(0x40034018u)
#define UART_FR_BUSY (1u << 3)
#define UART_FR_RXFE (1u << 4)
#define UART_FR_TXFF (1u << 5)
#define UART_IBRD REGISTER(0x40034024u)
#define UART_FBRD REGISTER(0x40034028u)
#define UART_LCR_H REGISTER(0x4003402Cu)
#define UART_LCR_H_8N1_FIFO 0x70u
#define UART_CR REGISTER(0x40034030u)
#define UART_CR_ON 0x301u

#define WAITS 100000u /* readings of a ready bit before it is given up: more than 20 ms at any clock up to 133 MHz */

/* Whether any of `bits` was set in time. */
static int wait_for(const volatile uint32_t *where, uint32_t bits)
{
    for (uint32_t k = 0u; k < WAITS; ++k) {
        if ((*where & bits) != 0u) {
            return 1;
        }
    }
    return 0;
}

static void wake(uint32_t block)
{
    RESETS_RESET |= block; /* whatever ran before may have left it in any state */
    RESETS_RESET &= ~block;
    (void)wait_for(&RESETS_DONE, block);
}

static void start_clocks(void)
{
    XOSC_STARTUP = (XOSC_HZ / 1000u + 128u) / 256u; /* 1 ms */
    XOSC_CTRL = XOSC_CTRL_ON;
    if (!wait_for(&XOSC_STATUS, XOSC_STATUS_STABLE)) {
        return;
    }
    CLK_SYS_CTRL = 0u; /* off the PLL, before it is stopped */
    (void)wait_for(&CLK_SYS_SELECTED, 1u);
    CLK_REF_CTRL = CLK_REF_CTRL_XOSC;
    (void)wait_for(&CLK_REF_SELECTED, 1u << CLK_REF_CTRL_XOSC);
    wake(BLOCK_PLL_SYS);
    PLL_PWR = PLL_PWR_ALL_OFF;
    PLL_FBDIV = PLL_FEEDBACK;
    PLL_CS = 1u; /* reference: the crystal as it is */
    PLL_PWR = PLL_PWR_VCO_ON;
    if (!wait_for(&PLL_CS, PLL_CS_LOCK)) {
        return;
    }
    PLL_PRIM = PLL_DIVIDERS;
    PLL_PWR = PLL_PWR_RUN;
    CLK_SYS_CTRL = CLK_SYS_CTRL_AUX;
    (void)wait_for(&CLK_SYS_SELECTED, 1u << CLK_SYS_CTRL_AUX);
}

void tinykd_uart_init(void)
{
    const uint32_t divisor = 8u * TINYKD_CLOCK_HZ / TINYKD_BAUD + 1u; /* 128ths of 16 clocks, to be rounded to 64ths */

    start_clocks();
    CLK_PERI_CTRL = CLK_PERI_CTRL_ENABLE; /* from the system clock */
    wake(BLOCK_IO_BANK0);
    wake(BLOCK_PADS_BANK0);
    wake(BLOCK_UART0);
    PAD(TINYKD_TX_PIN) = PAD_PULLED_UP;
    PAD(TINYKD_RX_PIN) = PAD_PULLED_UP;
    UART_IBRD = divisor >> 7;
    UART_FBRD = (divisor & 0x7Fu) / 2u;
    UART_LCR_H = UART_LCR_H_8N1_FIFO; /* also takes over the divisor */
    UART_CR = UART_CR_ON;
    GPIO_CTRL(TINYKD_TX_PIN) = GPIO_CTRL_UART;
    GPIO_CTRL(TINYKD_RX_PIN) = GPIO_CTRL_UART;
}

uint32_t tinykd_uart_clock_hz(void)
{
    return TINYKD_CLOCK_HZ;
}

int tinykd_uart_get(void)
{
    return (UART_FR & UART_FR_RXFE) == 0u ? (int)(UART_DR & 0xFFu) : -1;
}

void tinykd_uart_put(uint8_t byte)
{
    while ((UART_FR & UART_FR_TXFF) != 0u) {
    }
    UART_DR = byte;
}

void tinykd_uart_flush(void)
{
    while ((UART_FR & UART_FR_BUSY) != 0u) {
    }
}
