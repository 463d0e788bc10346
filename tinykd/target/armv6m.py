"""Which Thumb instructions an Armv6-M core lacks: a run on a larger core would not notice them.

Source: Armv6-M Architecture Reference Manual (DDI 0419E), A5.2 and A5.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from tinykd.target.thumb import instructions

_WIDE: tuple[tuple[int, int, int, int], ...] = (
    (0xF800, 0xF000, 0xD000, 0xD000),  # BL
    (0xFFF0, 0xF380, 0xFF00, 0x8800),  # MSR
    (0xFFFF, 0xF3EF, 0xF000, 0x8000),  # MRS
    (0xFFFF, 0xF3BF, 0xFFC0, 0x8F40),  # DSB, DMB, ISB
    (0xFFF0, 0xF7F0, 0xF000, 0xA000),  # UDF
)
"""All 32-bit instructions of Armv6-M: mask and value of the first half-word, mask and value of the second."""


def foreign(code: bytes, address: int) -> Iterator[int]:
    """The addresses of instructions that Armv6-M does not have, in a stretch of code that holds no data."""
    for at, first, second in instructions(code, address):
        if second is None:
            compare_and_branch = first & 0xF500 == 0xB100
            if_then = first & 0xFF00 == 0xBF00 and first & 0xF != 0
            if compare_and_branch or if_then:
                yield at
        elif not any(first & m1 == v1 and second & m2 == v2 for m1, v1, m2, v2 in _WIDE):
            yield at
