/* SPDX-License-Identifier: Apache-2.0
 * The first 256 bytes of flash. The RP2040's ROM copies them to SRAM, checks that the last four are the CRC-32 of the others, and runs
 * them there (datasheet, sections 2.8.1.3 and 4.10). They set the flash interface to plain serial reads (03h, one bit a clock), which
 * every flash chip knows, and start the program behind them: VTOR, stack pointer, reset handler.
 *
 * The instructions are given one by one, so that every assembler makes the same bytes, and with them the same checksum: polynomial
 * 0x04C11DB7, most significant bit first, from 0xFFFFFFFF, not inverted. tests/target/test_ports.py computes it from the linked image. */
__asm__(".section .boot2, \"ax\", %progbits\n\t"
        ".syntax unified\n\t"
        ".thumb\n\t"
        ".balign 4\n"
        ".global tinykd_boot2\n"
        "tinykd_boot2:\n\t"
        "ldr r0, ssi\n\t"
        "movs r1, #0\n\t"
        "str r1, [r0, #0x08]\n\t" /* SSIENR: off, as the registers below need it */
        "movs r1, #4\n\t"
        "str r1, [r0, #0x14]\n\t" /* BAUDR: the system clock by 4, 33 MHz at most */
        "ldr r1, control\n\t"
        "str r1, [r0, #0x00]\n\t" /* CTRLR0 */
        "movs r1, #0\n\t"
        "str r1, [r0, #0x04]\n\t" /* CTRLR1: one word a read */
        "ldr r1, serial\n\t"
        "ldr r2, serial_offset\n\t"
        "str r1, [r0, r2]\n\t" /* SPI_CTRLR0 */
        "movs r1, #1\n\t"
        "str r1, [r0, #0x08]\n\t" /* on: flash can be read from here on */
        "ldr r0, program\n\t"
        "ldr r1, vtor\n\t"
        "str r0, [r1, #0]\n\t"
        "ldr r1, [r0, #0]\n\t"
        "msr msp, r1\n\t"
        "ldr r1, [r0, #4]\n\t"
        "bx r1\n\t"
        ".balign 4\n"
        "ssi: .word 0x18000000\n"
        "control: .word 0x001F0300\n"       /* 32 bits a word, send the command, then receive */
        "serial: .word 0x03000218\n"        /* command 03h of 8 bits, then 24 bits of address, all on one wire */
        "serial_offset: .word 0x000000F4\n" /* of SPI_CTRLR0 */
        "program: .word 0x10000100\n"
        "vtor: .word 0xE000ED08\n\t"
        ".space 252 - (. - tinykd_boot2)\n\t"
        ".word 0xB61A9788\n\t" /* the CRC-32 */
        ".text");
