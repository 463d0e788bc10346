"""The instruction sets that images are read in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tinykd.target import armv6m, rv32, thumb
from tinykd.target.flow import Branch


def _none_foreign(_code: bytes, _address: int) -> Iterator[int]:
    return iter(())


@dataclass(frozen=True)
class InstructionSet:
    """What reading an image takes.

    Attributes:
        branches: those in a stretch of code that lies at an address.
        stack_pushed: bytes by which a stretch lowers the stack pointer, None if a register decides.
        foreign: addresses of instructions that the core does not have, though its emulator may run them.
    """

    branches: Callable[[bytes, int], Iterator[Branch]]
    stack_pushed: Callable[[bytes], int | None]
    foreign: Callable[[bytes, int], Iterator[int]] = _none_foreign


INSTRUCTION_SETS: dict[str, InstructionSet] = {
    "armv6m": InstructionSet(thumb.branches, thumb.stack_pushed, armv6m.foreign),
    "thumb": InstructionSet(thumb.branches, thumb.stack_pushed),
    "rv32": InstructionSet(rv32.branches, rv32.stack_pushed),
}
"""Every instruction set by the name that `Core.instruction_set` has."""
