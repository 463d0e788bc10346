"""A chip for firmware of boards: unicorn's core, the board's memories, and peripherals of a few lines each.

What a register answers comes from the chip's manual, not from the driver; whatever has no rule reads as it was written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tinykd.target.boards import Board
from tinykd.target.build import Image
from tinykd.target.elf import read_elf, stored_segments

PERIPHERALS, PERIPHERALS_BYTES = 0x40000000, 0x20000000
SYSTEM = 0xE000E000
SYST_CVR, CPACR = SYSTEM + 0x18, SYSTEM + 0xD88
PATIENCE = 100
"""Questions for a byte in vain, after which nothing more will come of the firmware."""

INSTRUCTIONS = 20_000_000
"""More than any test needs."""


@dataclass
class Peripherals:
    """Registers by address.

    Attributes:
        answers: rules for what is read.
        takes: rules for what a write does, beside being kept.
        values: what was written last.
        written: every write in order.
        incoming, outgoing: what is fed to the UART and what it sent.
        idle: how often the firmware has asked for a byte since none was left.
    """

    answers: dict[int, Callable[[], int]] = field(default_factory=dict)
    takes: dict[int, Callable[[int], None]] = field(default_factory=dict)
    values: dict[int, int] = field(default_factory=dict)
    written: list[tuple[int, int]] = field(default_factory=list)
    incoming: bytearray = field(default_factory=bytearray)
    outgoing: bytearray = field(default_factory=bytearray)
    idle: int = 0

    def read(self, address: int) -> int:
        rule = self.answers.get(address)
        return rule() if rule else self.values.get(address, 0)

    def write(self, address: int, value: int) -> None:
        self.written.append((address, value))
        self.values[address] = value
        if address in self.takes:
            self.takes[address](value)

    def next_byte(self) -> int:
        return self.incoming.pop(0)

    def has_byte(self) -> bool:
        self.idle = 0 if self.incoming else self.idle + 1
        return bool(self.incoming)

    def bit(self, address: int, mask: int) -> bool:
        return self.values.get(address, 0) & mask != 0

    def last(self, address: int) -> int:
        return self.values[address]


def stm32f4(uart: int, clocks_start: bool) -> Peripherals:
    """RCC, PWR, FLASH and a USART of an STM32F4, as RM0090 and RM0390 have them."""
    chip = Peripherals()
    rcc_cr, rcc_cfgr, pwr_cr, pwr_csr = 0x40023800, 0x40023808, 0x40007000, 0x40007004

    def cr() -> int:
        return chip.values.get(rcc_cr, 0) | (1 << 25 if clocks_start and chip.bit(rcc_cr, 1 << 24) else 0)

    def cfgr() -> int:
        switch = chip.values.get(rcc_cfgr, 0) & 3
        return chip.values.get(rcc_cfgr, 0) | (switch << 2 if switch == 2 and cr() >> 25 & 1 else 0)

    def csr() -> int:
        return (int(chip.bit(pwr_cr, 1 << 16)) << 16 | int(chip.bit(pwr_cr, 1 << 17)) << 17) if clocks_start else 0

    chip.answers = {rcc_cr: cr, rcc_cfgr: cfgr, pwr_csr: csr, uart: lambda: 0xC0 | int(chip.has_byte()) << 5, uart + 4: chip.next_byte}
    chip.takes = {uart + 4: lambda value: chip.outgoing.append(value & 0xFF)}
    return chip


def nrf52(clocks_start: bool) -> Peripherals:
    """CLOCK and UART0 of an nRF52 (product specification, UART): events are registers that software clears."""
    chip = Peripherals()
    start, started, rx_ready, tx_ready, rxd, txd = 0x40000000, 0x40000100, 0x40002108, 0x4000211C, 0x40002518, 0x4000251C
    chip.answers = {
        started: lambda: int(clocks_start and chip.values.get(start, 0) == 1),
        rx_ready: lambda: int(chip.has_byte()),
        rxd: chip.next_byte,
    }

    def send(value: int) -> None:
        chip.outgoing.append(value & 0xFF)
        chip.values[tx_ready] = 1

    chip.takes = {txd: send}
    return chip


def rp2040(clocks_start: bool) -> Peripherals:
    """RESETS, XOSC, CLOCKS, PLL and UART0 of an RP2040 (datasheet, sections 2.14 to 2.18 and 4.2)."""
    chip = Peripherals(values={0x4000C000: 0x01FFFFFF})
    resets, done, xosc_ctrl, xosc_status, pll_pwr, pll_cs = 0x4000C000, 0x4000C008, 0x40024000, 0x40024004, 0x40028004, 0x40028000
    fr, dr = 0x40034018, 0x40034000

    def reset(block: int) -> bool:
        return chip.values[resets] >> block & 1 == 1

    def locked() -> int:
        powered = chip.values.get(pll_pwr, 0x2D) & 0x21 == 0 and not reset(12)
        return chip.values.get(pll_cs, 1) | (1 << 31 if clocks_start and powered else 0)

    chip.answers = {
        done: lambda: ~chip.values[resets] & 0x01FFFFFF,
        xosc_status: lambda: 1 << 31 if clocks_start and chip.values.get(xosc_ctrl) == 0xFABAA0 else 0,
        0x40008038: lambda: 1 << (chip.values.get(0x40008030, 0) & 3),
        0x40008044: lambda: 1 << (chip.values.get(0x4000803C, 0) & 1),
        pll_cs: locked,
        fr: lambda: 0 if chip.has_byte() else 1 << 4,
        dr: chip.next_byte,
    }
    chip.takes = {dr: lambda value: None if reset(22) or reset(5) else chip.outgoing.append(value & 0xFF)}
    return chip


class Core:
    """A processor with the board's memories and a chip's peripherals."""

    def __init__(self, board: Board, image: Image, chip: Peripherals) -> None:
        import unicorn
        from unicorn import arm_const

        self.registers: Any = arm_const
        self.chip = chip
        self.left = 0xFFFFFF
        self.system: dict[int, int] = {}
        kind = getattr(arm_const, f"UC_CPU_ARM_{image.target.core.unicorn}")
        self.uc: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS, kind)
        self.uc.mem_map(board.flash.origin, board.flash.bytes, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        self.uc.mem_map(board.ram.origin, board.ram.bytes, unicorn.UC_PROT_ALL)
        self.uc.mmio_map(PERIPHERALS, PERIPHERALS_BYTES, self._read, None, self._write, None)
        self.uc.mmio_map(SYSTEM, 0x1000, self._read_system, None, self._write_system, None)
        for segment in stored_segments(image.elf):
            self.uc.mem_write(segment.load, segment.contents)
        self.elf = read_elf(image.elf)

    def boot(self, vectors: int) -> None:
        """Reset, and run until the firmware has answered all that was fed to it."""
        stack, reset = (int.from_bytes(self.uc.mem_read(vectors + 4 * k, 4), "little") for k in range(2))
        self.uc.reg_write(self.registers.UC_ARM_REG_SP, stack)
        self.uc.emu_start(reset | 1, 0, count=INSTRUCTIONS)

    def _read(self, _uc: Any, offset: int, _size: int, _data: Any) -> int:
        answer = self.chip.read(PERIPHERALS + offset)
        if self.chip.idle > PATIENCE:
            self.uc.emu_stop()
        return answer

    def _write(self, _uc: Any, offset: int, _size: int, value: int, _data: Any) -> None:
        self.chip.write(PERIPHERALS + offset, value)

    def _read_system(self, _uc: Any, offset: int, _size: int, _data: Any) -> int:
        if SYSTEM + offset == SYST_CVR:
            self.left = (self.left - 100) & 0xFFFFFF
            return self.left
        return self.system.get(SYSTEM + offset, 0)

    def _write_system(self, _uc: Any, offset: int, _size: int, value: int, _data: Any) -> None:
        self.system[SYSTEM + offset] = value
