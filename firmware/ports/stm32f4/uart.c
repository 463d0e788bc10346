/* SPDX-License-Identifier: Apache-2.0
 * STM32F401, F405/F407, F411 and F446 (RM0368, RM0090, RM0383, RM0390): core clock from the internal 16 MHz oscillator by the PLL,
 * and a USART. board.h says which: TINYKD_CLOCK_HZ, TINYKD_BAUD; TINYKD_UART_BASE, TINYKD_UART_APB (1 or 2) and
 * TINYKD_UART_ENABLE_BIT of its clock; TINYKD_PIN_PORT (0 is A), TINYKD_TX_PIN, TINYKD_RX_PIN and their TINYKD_ALTERNATE function.
 *
 * A clock that never becomes ready, as in an emulator, leaves the core at 16 MHz. */
#include "board.h"
#include "uart.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define RCC_CR REGISTER(0x40023800u)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_PLLCFGR REGISTER(0x40023804u)
#define RCC_CFGR REGISTER(0x40023808u)
#define RCC_CFGR_SW_PLL 2u
#define RCC_CFGR_SWS_PLL (2u << 2)
#define RCC_AHB1ENR REGISTER(0x40023830u)
#define RCC_APB1ENR REGISTER(0x40023840u)
#define RCC_APB1ENR_PWREN (1u << 28)
#define RCC_APBENR REGISTER(0x4002383Cu + 4u * TINYKD_UART_APB) /* APB1ENR or APB2ENR */
#define PWR_CR REGISTER(0x40007000u)
#define PWR_CR_ODEN (1u << 16)
#define PWR_CR_ODSWEN (1u << 17)
#define PWR_CSR REGISTER(0x40007004u)
#define PWR_CSR_ODRDY (1u << 16)
#define PWR_CSR_ODSWRDY (1u << 17)
#define FLASH_ACR REGISTER(0x40023C00u)
#define FLASH_ACR_CACHES (7u << 8) /* prefetch, instruction cache, data cache */

#define GPIO(offset) REGISTER(0x40020000u + 0x400u * TINYKD_PIN_PORT + (offset))
#define MODER GPIO(0x00u)
#define OSPEEDR GPIO(0x08u)
#define PUPDR GPIO(0x0Cu)
#define AFR(pin) GPIO(0x20u + 4u * ((pin) / 8u))

#define SR REGISTER(TINYKD_UART_BASE + 0x00u)
#define SR_RXNE (1u << 5)
#define SR_TC (1u << 6)
#define SR_TXE (1u << 7)
#define DR REGISTER(TINYKD_UART_BASE + 0x04u)
#define BRR REGISTER(TINYKD_UART_BASE + 0x08u)
#define CR1 REGISTER(TINYKD_UART_BASE + 0x0Cu)
#define CR1_ENABLE (1u << 13 | 1u << 3 | 1u << 2) /* the port, its transmitter, its receiver */

#define HSI_HZ 16000000u
#define WAITS 100000u /* readings of a ready bit before it is given up: more than 20 ms at 16 MHz; a PLL locks in 0.3 */

/* The PLL: 16 MHz / 8 * N / P. Its oscillator makes 192 to 432 MHz on the F401, 100 to 432 on the others. */
#define PLL_M 8u
#define PLL_P (TINYKD_CLOCK_HZ <= 108000000u ? 4u : 2u)
#define PLL_N (TINYKD_CLOCK_HZ / 1000000u * PLL_P / 2u)
#define PLL_Q 8u /* USB and the like; unused */
#define PLL_R 2u /* of the F446; unused. The others have this value in those bits after reset */

#if TINYKD_CLOCK_HZ < 50000000u || TINYKD_CLOCK_HZ > 180000000u || TINYKD_CLOCK_HZ % 1000000u != 0u
#error "the clock of an STM32F4 is 50 to 180 MHz here, in whole MHz"
#endif

/* Buses: APB1 up to 42 MHz (F401, F405), 45 (F446), 50 (F411); APB2 up to twice that. */
#define APB1_DIVIDER (TINYKD_CLOCK_HZ <= 100000000u ? 2u : 4u)
#define APB2_DIVIDER (TINYKD_CLOCK_HZ <= 100000000u ? 1u : 2u)
#define LATENCY ((TINYKD_CLOCK_HZ - 1u) / 30000000u) /* wait states of flash at 2.7 to 3.6 V, one for each 30 MHz */
#define OVER_DRIVE_ABOVE_HZ 168000000u               /* F446 only */

static uint32_t clock_hz = HSI_HZ, bus_hz = HSI_HZ;

/* Whether all of `bits` became `wanted` in time. */
static int wait_for(const volatile uint32_t *where, uint32_t bits, uint32_t wanted)
{
    for (uint32_t k = 0u; k < WAITS; ++k) {
        if ((*where & bits) == wanted) {
            return 1;
        }
    }
    return 0;
}

#if TINYKD_CLOCK_HZ > OVER_DRIVE_ABOVE_HZ
static int over_drive(void)
{
    PWR_CR |= PWR_CR_ODEN;
    if (!wait_for(&PWR_CSR, PWR_CSR_ODRDY, PWR_CSR_ODRDY)) {
        return 0;
    }
    PWR_CR |= PWR_CR_ODSWEN;
    return wait_for(&PWR_CSR, PWR_CSR_ODSWRDY, PWR_CSR_ODSWRDY);
}
#else
static int over_drive(void)
{
    return 1;
}
#endif

static void start_clocks(void)
{
    RCC_APB1ENR |= RCC_APB1ENR_PWREN;
#ifdef TINYKD_VOLTAGE_SCALE /* of PWR_CR.VOS, where the one after reset is too low for the clock */
    PWR_CR = (PWR_CR & ~(3u << 14)) | TINYKD_VOLTAGE_SCALE << 14;
#endif
    RCC_PLLCFGR = PLL_M | PLL_N << 6 | (PLL_P / 2u - 1u) << 16 | PLL_Q << 24 | PLL_R << 28;
    RCC_CR |= RCC_CR_PLLON;
    if (!wait_for(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY) || !over_drive()) {
        return;
    }
    FLASH_ACR = FLASH_ACR_CACHES | LATENCY;
    if (!wait_for(&FLASH_ACR, 0xFu, LATENCY)) {
        return;
    }
    RCC_CFGR = (APB1_DIVIDER == 2u ? 4u : 5u) << 10 | (APB2_DIVIDER == 1u ? 0u : 4u) << 13 | RCC_CFGR_SW_PLL;
    if (wait_for(&RCC_CFGR, 3u << 2, RCC_CFGR_SWS_PLL)) {
        clock_hz = TINYKD_CLOCK_HZ;
        bus_hz = TINYKD_CLOCK_HZ / (TINYKD_UART_APB == 1u ? APB1_DIVIDER : APB2_DIVIDER);
    }
}

static void connect(uint32_t pin)
{
    AFR(pin) = (AFR(pin) & ~(15u << 4u * (pin % 8u))) | TINYKD_ALTERNATE << 4u * (pin % 8u);
    OSPEEDR |= 1u << 2u * pin;                                  /* medium */
    PUPDR = (PUPDR & ~(3u << 2u * pin)) | 1u << 2u * pin;       /* up: a line that nobody drives is idle */
    MODER = (MODER & ~(3u << 2u * pin)) | 2u << 2u * pin;       /* alternate function */
}

void tinykd_uart_init(void)
{
    start_clocks();
    RCC_AHB1ENR |= 1u << TINYKD_PIN_PORT;
    RCC_APBENR |= 1u << TINYKD_UART_ENABLE_BIT;
    (void)RCC_APBENR; /* the clock runs two cycles after the write: a reading passes them */
    connect(TINYKD_TX_PIN);
    connect(TINYKD_RX_PIN);
    BRR = (bus_hz + TINYKD_BAUD / 2u) / TINYKD_BAUD;
    CR1 = CR1_ENABLE;
}

uint32_t tinykd_uart_clock_hz(void)
{
    return clock_hz;
}

int tinykd_uart_get(void)
{
    return (SR & SR_RXNE) != 0u ? (int)(DR & 0xFFu) : -1;
}

void tinykd_uart_put(uint8_t byte)
{
    while ((SR & SR_TXE) == 0u) {
    }
    DR = byte;
}

void tinykd_uart_flush(void)
{
    while ((SR & SR_TC) == 0u) {
    }
}
