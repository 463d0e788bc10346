"""Amounts of memory with their units said: `256 KiB`, `1 MiB`, `64 kB`, `65536 B`."""

from __future__ import annotations

import re

from tinykd.errors import UsageError

UNITS = {"B": 1, "kB": 1000, "KiB": 1 << 10, "MB": 1000_000, "MiB": 1 << 20}


def parse_size(text: str) -> int:
    """Bytes of `text`.

    Raises:
        UsageError: the unit is missing or unknown, or the amount is not a positive number.
    """
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", text)
    if match is None or match[2] not in UNITS:
        raise UsageError(f"'{text}' is not an amount of memory", f"write a number and a unit: 256KiB, 1MiB, 65536B ({', '.join(UNITS)})")
    size = float(match[1]) * UNITS[match[2]]
    if size < 1 or size != int(size):
        raise UsageError(f"'{text}' is not a whole positive number of bytes")
    return int(size)


def exact_size(size: int) -> str:
    """`size` bytes in the largest unit that says them exactly: `256 KiB`, `1 MiB`, `812 B`."""
    return f"{size >> 20} MiB" if size % (1 << 20) == 0 else f"{size >> 10} KiB" if size % (1 << 10) == 0 else f"{size} B"


def show_size(size: int) -> str:
    """`size` bytes for people: `812 B`, `23.4 KiB`, `1.50 MiB`."""
    if size < 1 << 10:
        return f"{size} B"
    if size < 1 << 20:
        return f"{size / (1 << 10):.1f} KiB"
    return f"{size / (1 << 20):.2f} MiB"
