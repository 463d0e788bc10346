"""Unicorn: an emulator that installs from PyPI. It has a core and memory; what else the firmware needs is here.

Memory is as large as the budget and no larger, flash cannot be written, and semihosting calls are answered in Python.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tinykd.errors import ToolError
from tinykd.target.build import Image
from tinykd.target.elf import read_elf, stored_segments
from tinykd.target.emulator.emulator import FAULT, STALL_SECONDS, RunResult
from tinykd.target.targets import Target
from tinykd.target.thumb import instructions

INSTALL = "pip install unicorn"
COUNTED_INFERENCES = 1
"""Inferences whose instructions are counted: counting takes a call of Python for each basic block, some ten times the time."""

_PAGE = 1024
_SYSTEM = 0xE000E000
_SYST_CVR, _CPACR = 0x018, 0xD88
_PERIOD = 1 << 24
_BREAKPOINT = 7  # QEMU's EXCP_BKPT
_COMMAND_LINE = b"firmware incoming outgoing\0"
_INCOMING, _OUTGOING = 3, 4
_MINUS_ONE = 0xFFFFFFFF


@dataclass(frozen=True)
class Unicorn:
    """Unicorn's Cortex-M cores.

    Attributes:
        counted: inferences whose instructions are counted, from the first on; all of them where layers are told apart.
    """

    version: str
    name: str = "unicorn"
    counted: int = COUNTED_INFERENCES

    def run(self, image: Image, frames: bytes, *, stall_s: float = STALL_SECONDS) -> RunResult:
        return _Machine(image, frames, self.counted).run(stall_s)

    def instructions(self, image: Image, ticks: int) -> int | None:  # noqa: ARG002
        return ticks or None

    def tick(self, target: Target) -> Fraction | None:  # noqa: ARG002
        return Fraction(1)


@functools.cache
def find_unicorn() -> Unicorn | None:
    """Unicorn, if the package is installed, or None."""
    if importlib.util.find_spec("unicorn") is None:
        return None
    return Unicorn(importlib.metadata.version("unicorn"))


@dataclass
class _Counter:
    """SysTick that counts down once an instruction.

    Attributes:
        reads_left: reads of the current value after which counting ends: two for each inference.
    """

    reads_left: int
    instructions: int = 0
    blocks: dict[tuple[int, int], int] = field(default_factory=dict)


class _Machine:
    """One run: core, memory, and the semihosting calls of the port."""

    def __init__(self, image: Image, frames: bytes, counted: int) -> None:
        import unicorn
        from unicorn import arm_const

        board, budget, core = image.target.board, image.budget, image.target.core
        if board is None or budget is None or not core.unicorn:
            raise ToolError(f"unicorn has no core like {image.target.core.name}", "use --emulator qemu")
        self._registers: Any = arm_const
        self._image = image
        self._frames, self._at = frames, 0
        self._replies, self._text = bytearray(), bytearray()
        self._exit: int | None = None
        self._interrupt: int | None = None
        self._forbidden: int | None = None
        self._cpacr = 0
        self._counter = _Counter(_MINUS_ONE if image.readings else 2 * counted)
        self._error_type: Any = unicorn.UcError
        self._core: Any = unicorn.Uc(
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS, getattr(arm_const, f"UC_CPU_ARM_{core.unicorn}")
        )
        self._core.mem_map(board.flash.origin, _whole_pages(budget.flash_bytes), unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        ram_pages, ram_limit = _whole_pages(budget.ram_bytes), board.ram.origin + budget.ram_bytes
        self._core.mem_map(board.ram.origin, ram_pages, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        used = image.sizes.banks if image.sizes else {}
        for bank in board.banks:
            if used.get(bank.name):
                self._core.mem_map(bank.origin, _whole_pages(used[bank.name]), unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        self._core.mmio_map(_SYSTEM, 0x1000, self._read_register, None, self._write_register, None)
        for segment in stored_segments(image.elf):
            self._core.mem_write(segment.load, segment.contents)
        self._flash = board.flash.origin
        elf = read_elf(image.elf)
        wraps = elf.symbol("tinykd_systick_wraps")
        self._wraps = wraps.address if wraps else None
        self._core.hook_add(unicorn.UC_HOOK_INTR, self._on_interrupt)
        self._core.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_forbidden)
        if budget.ram_bytes < ram_pages:  # the rest of its last page
            access, page_end = unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE, board.ram.origin + ram_pages - 1
            self._core.hook_add(access, self._on_forbidden, begin=ram_limit, end=page_end)
        self._block_kind = unicorn.UC_HOOK_BLOCK
        self._block_hook: Any = None

    def run(self, stall_s: float) -> RunResult:
        stack, at = (self._word(self._flash), self._word(self._flash + 4))
        self._core.reg_write(self._registers.UC_ARM_REG_SP, stack)
        while self._exit is None:
            self._interrupt = None
            begun = time.monotonic()
            try:
                self._core.emu_start(at | 1, 0, timeout=int(stall_s * 1e6))
            except self._error_type as error:
                return self._fault(str(error))
            if self._forbidden is not None:
                return self._fault("access beyond the budget")
            if self._interrupt is None:
                where = f"{self._core.reg_read(self._registers.UC_ARM_REG_PC):#x}"
                raise ToolError(
                    f"unicorn: the firmware sent nothing for {time.monotonic() - begun:.0f} s and was stopped at {where}",
                    "an endless loop in the firmware, or an inference slower than that",
                )
            at = self._core.reg_read(self._registers.UC_ARM_REG_PC)
            if self._interrupt != _BREAKPOINT:
                return self._fault(f"exception {self._interrupt}")
            if self._image.target.core.hard_float and self._cpacr >> 20 & 0xF != 0xF:
                return self._fault("the floating-point unit was never switched on")
            self._call()
            self._count_or_not()
            at += 2
        return RunResult(bytes(self._replies), self._text.decode(errors="replace"), self._exit)

    def _fault(self, why: str) -> RunResult:
        pc, lr = (self._core.reg_read(r) for r in (self._registers.UC_ARM_REG_PC, self._registers.UC_ARM_REG_LR))
        address = "" if self._forbidden is None else f"address 0x{self._forbidden:08x}\n"
        text = f"{self._text.decode(errors='replace')}FAULT ({why})\npc 0x{pc:08x}\nlr 0x{lr:08x}\n{address}"
        return RunResult(bytes(self._replies), text, FAULT)

    def _on_interrupt(self, _core: Any, number: int, _data: Any) -> None:
        self._interrupt = number
        self._core.emu_stop()

    def _on_forbidden(self, _core: Any, _access: int, address: int, _size: int, _value: int, _data: Any) -> bool:
        self._forbidden = address
        self._core.emu_stop()
        return False

    def _on_block(self, _core: Any, address: int, size: int, _data: Any) -> None:
        counter = self._counter
        count = counter.blocks.get((address, size))
        if count is None:
            count = sum(1 for _ in instructions(bytes(self._core.mem_read(address, size)), address))
            counter.blocks[address, size] = count
        counter.instructions += count

    def _count_or_not(self) -> None:
        """Count from the first frame that the firmware reads, golden vectors being done, to the last inference to be counted."""
        wanted = self._at > 0 and self._counter.reads_left > 0
        if wanted and self._block_hook is None:
            self._block_hook = self._core.hook_add(self._block_kind, self._on_block)
        elif not wanted and self._block_hook is not None:
            self._core.hook_del(self._block_hook)
            self._block_hook = None
        else:
            return
        self._core.ctl_flush_tb()  # code translated before knows nothing of the hook, or still calls it

    def _read_register(self, _core: Any, offset: int, _size: int, _data: Any) -> int:
        if offset == _CPACR:
            return self._cpacr
        if offset != _SYST_CVR:
            return 0
        self._counter.reads_left -= 1
        if self._wraps is not None:  # no interrupts here: what the handler would have counted
            wraps = self._counter.instructions // _PERIOD
            self._core.mem_write(self._wraps, wraps.to_bytes(4, "little"))
        return -self._counter.instructions % _PERIOD

    def _write_register(self, _core: Any, offset: int, _size: int, value: int, _data: Any) -> None:
        if offset == _CPACR:
            self._cpacr = value

    def _call(self) -> None:
        """Answer a semihosting call: operation in r0, arguments at r1, answer in r0."""
        registers = self._registers
        operation = self._core.reg_read(registers.UC_ARM_REG_R0)
        block = self._core.reg_read(registers.UC_ARM_REG_R1)
        answer = _CALLS[operation](self, block) if operation in _CALLS else _MINUS_ONE
        self._core.reg_write(registers.UC_ARM_REG_R0, answer & _MINUS_ONE)

    def _open(self, block: int) -> int:
        name = bytes(self._core.mem_read(self._word(block), self._word(block + 8)))
        return {b"incoming": _INCOMING, b"outgoing": _OUTGOING}.get(name, _MINUS_ONE)

    def _write0(self, block: int) -> int:
        while (byte := self._core.mem_read(block, 1)[0]) != 0:
            self._text.append(byte)
            block += 1
        return 0

    def _write(self, block: int) -> int:
        handle, start, count = (self._word(block + 4 * i) for i in range(3))
        if handle != _OUTGOING:
            return count
        self._replies += self._core.mem_read(start, count)
        return 0

    def _read(self, block: int) -> int:
        handle, start, count = (self._word(block + 4 * i) for i in range(3))
        piece = self._frames[self._at : self._at + count] if handle == _INCOMING else b""
        self._core.mem_write(start, piece)
        self._at += len(piece)
        return count - len(piece)

    def _command_line(self, block: int) -> int:
        start, room = self._word(block), self._word(block + 4)
        if room < len(_COMMAND_LINE):
            return _MINUS_ONE
        self._core.mem_write(start, _COMMAND_LINE)
        self._core.mem_write(block + 4, (len(_COMMAND_LINE) - 1).to_bytes(4, "little"))
        return 0

    def _end(self, block: int) -> int:
        self._exit = self._word(block + 4)
        return 0

    def _word(self, address: int) -> int:
        return int.from_bytes(self._core.mem_read(address, 4), "little")


_CALLS = {
    0x01: _Machine._open,
    0x04: _Machine._write0,
    0x05: _Machine._write,
    0x06: _Machine._read,
    0x15: _Machine._command_line,
    0x20: _Machine._end,
}
"""Semihosting operations that the port makes, by number (Arm, "Semihosting for AArch32 and AArch64")."""


def _whole_pages(count: int) -> int:
    return (count + _PAGE - 1) // _PAGE * _PAGE
