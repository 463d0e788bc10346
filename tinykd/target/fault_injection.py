"""Faults put into an image on purpose, to see that verification notices."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from tinykd.errors import UsageError
from tinykd.run import write_atomically
from tinykd.target.build import Image
from tinykd.target.elf import Symbol, read_elf, stored_segments

_WEIGHTS = re.compile(r"tinykd_.+_weights$")


def weight_tables(image: Image) -> tuple[Symbol, ...]:
    """The model's constant tables in an image, by address."""
    elf = read_elf(image.elf, sorted(image.elf.parent.glob("*.o")))
    return tuple(s for s in elf.symbols if s.kind == "object" and s.bytes and _WEIGHTS.match(s.source))


def flip_bit(image: Image, address: int, bit: int, output: Path) -> Image:
    """A copy of `image`, written to `output`, with one bit of flash inverted.

    Args:
        address: of a byte that the file stores, where the target's memory holds it.
        bit: 0 to 7.

    Raises:
        UsageError: the file stores nothing at `address`.
    """
    if not 0 <= bit < 8:
        raise UsageError(f"a byte has no bit {bit}", "give 0 to 7")
    data = bytearray(image.elf.read_bytes())
    data[_file_offset(image.elf, address)] ^= 1 << bit
    write_atomically(output, bytes(data))
    return dataclasses.replace(image, elf=output)


def _file_offset(path: Path, address: int) -> int:
    for segment in stored_segments(path):
        if segment.address <= address < segment.address + len(segment.contents):
            return segment.offset + address - segment.address
    raise UsageError(f"{path.name} stores no byte at {address:#x}", "give an address in a table of the image")
