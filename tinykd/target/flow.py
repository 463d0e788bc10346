"""Where control goes: what the decoders of instruction sets find."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Flow(enum.Enum):
    """Where control may go besides the next instruction."""

    CALL = "call"
    JUMP = "jump"
    INDIRECT_CALL = "indirect call"
    INDIRECT_JUMP = "indirect jump"


@dataclass(frozen=True)
class Branch:
    """A branch instruction.

    Attributes:
        address: of the instruction.
        target: where it goes, None if a register decides.
    """

    flow: Flow
    address: int
    target: int | None


def signed(value: int, bits: int) -> int:
    """Two's complement: `value` as the number that its lowest `bits` bits mean, where none above them is set."""
    return value - (1 << bits) if value >> (bits - 1) & 1 else value
