"""Where the functions of an image lie, and which of their bytes are instructions."""

from __future__ import annotations

from collections.abc import Iterator

from tinykd.target.elf import Elf, Symbol


def function_spans(elf: Elf) -> list[tuple[Symbol, int]]:
    """Each function once (aliases left out), with the address where it ends."""
    functions: dict[int, Symbol] = {}
    for symbol in elf.symbols:
        if symbol.kind == "function" and symbol.section in elf.code:
            functions.setdefault(symbol.address, symbol)
    ordered = sorted(functions.values(), key=lambda s: s.address)
    spans = []
    for position, symbol in enumerate(ordered):
        section = elf.section(symbol.section)
        assert section is not None
        limit = section.address + section.bytes
        if position + 1 < len(ordered) and ordered[position + 1].section == symbol.section:
            limit = ordered[position + 1].address
        spans.append((symbol, symbol.address + symbol.bytes if symbol.bytes else limit))
    return spans


def instruction_stretches(elf: Elf, symbol: Symbol, end: int) -> Iterator[tuple[int, bytes]]:
    """The stretches of a function that are instructions, not literals or tables."""
    section = elf.section(symbol.section)
    assert section is not None
    contents = elf.code[symbol.section]
    is_code, low = True, symbol.address
    for address, turns_to_code in (*elf.data_marks, (end, True)):
        if address <= symbol.address:
            is_code = turns_to_code if address >= section.address else is_code
            continue
        high = min(address, end)
        if is_code and high > low:
            yield low, contents[low - section.address : high - section.address]
        if address >= end:
            return
        is_code, low = turns_to_code, high
