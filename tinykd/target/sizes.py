"""What an image takes of flash and RAM, and who takes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tinykd.target.elf import Elf, Symbol, stored_segments

_WEIGHTS = re.compile(r"tinykd_.+_weights$")
_MODEL = "tinykd_"
_MEMORY = re.compile(r"tinykd_.+_memory$")
_BANK = ".bank."
_CHECKSUM = re.compile(r"tinykd_.+_constants$|crc32$")
_GOLDEN = re.compile(r"tinykd_.+_golden$")
ARENA = ("main", "arena")
"""Source and name of the array that holds the activations."""

REST = "strings and padding"
"""The source of flash that no symbol claims."""


@dataclass(frozen=True)
class ObjectSize:
    """What one C file takes, in bytes.

    Attributes:
        source: stem of the file (`conv_2d`), or `runtime` for the compiler's helper functions.
        code: instructions.
        constants: read-only tables in flash.
        data: variables with a first value: they take as much flash as RAM.
        bss: variables that start as zero: RAM only.
    """

    source: str
    code: int = 0
    constants: int = 0
    data: int = 0
    bss: int = 0

    @property
    def flash(self) -> int:
        return self.code + self.constants + self.data

    @property
    def ram(self) -> int:
        return self.data + self.bss


@dataclass(frozen=True)
class CodeSize:
    """Where `Sizes.code_bytes` go.

    Attributes:
        kernels: what computes layers, and the compiler's helper functions.
        calls: the model's own functions: one call a layer.
        parameters: the tables that the calls pass.
        checksum: what the check of the constants at start takes: where they lie, and CRC-32, which frames use too.
        firmware: the program around the model: port, frames, golden vectors' check, strings, padding.
    """

    kernels: int
    calls: int
    parameters: int
    checksum: int
    firmware: int


@dataclass(frozen=True)
class Sizes:
    """What an image takes, in bytes.

    Attributes:
        weights_bytes: the model's constants: the tables of `tinykd_NAME_weights.c`.
        code_bytes: instructions, all other tables and padding; golden vectors left out.
        golden_bytes: golden vectors.
        flash_bytes: the whole image as flash holds it, the first values of variables included.
        data_bytes: variables with a first value.
        bss_bytes: variables that start as zero, the arena, inputs and outputs included.
        arena_bytes: activations, in all banks.
        io_bytes: inputs and outputs that are not in the arena.
        stack_bytes: stack reserved: the worst case where it is known.
        ram_bytes: everything in the RAM that has the stack, with alignment.
        code: the parts of `code_bytes`.
        objects: who takes it, by flash and RAM together, largest first; their flash adds up to `flash_bytes`.
        banks: what lies in other banks of RAM, by name.
    """

    weights_bytes: int
    code_bytes: int
    golden_bytes: int
    flash_bytes: int
    data_bytes: int
    bss_bytes: int
    arena_bytes: int
    io_bytes: int
    stack_bytes: int
    ram_bytes: int
    code: CodeSize
    objects: tuple[ObjectSize, ...]
    banks: Mapping[str, int]


def measure(elf: Elf, firmware: Collection[str] = ()) -> Sizes:
    """The sizes of a linked image.

    Args:
        firmware: the sources, as `ObjectSize` has them, of the program around the model.
    """
    segments = stored_segments(elf.path)
    flash = max((s.load + len(s.contents) for s in segments), default=0) - min((s.load for s in segments), default=0)
    data = sum(s.bytes for s in elf.sections if s.stored and s.writable)
    stack = sum(s.bytes for s in elf.sections if s.name == ".stack")
    banks = {s.name.removeprefix(_BANK): s.bytes for s in elf.sections if s.name.startswith(_BANK)}
    empty = [s for s in elf.sections if not s.stored and s.name != ".stack" and not s.name.startswith(_BANK)]
    in_ram = [s for s in elf.sections if (s.writable or not s.stored) and not s.name.startswith(_BANK)]
    ram = max((s.address + s.bytes for s in in_ram), default=0) - min((s.address for s in in_ram), default=0)
    named = _objects(elf)
    rest = ObjectSize(REST, constants=flash - sum(o.flash for o in named))
    objects = tuple(sorted((*named, rest), key=lambda o: (-(o.flash + o.ram), o.source)))
    weights = sum(o.constants for o in objects if _WEIGHTS.match(o.source))
    golden = sum(o.constants for o in objects if _GOLDEN.match(o.source))
    return Sizes(
        weights_bytes=weights,
        code_bytes=flash - data - weights - golden,
        golden_bytes=golden,
        flash_bytes=flash,
        data_bytes=data,
        bss_bytes=sum(s.bytes for s in empty),
        arena_bytes=sum(s.bytes for s in elf.symbols if (s.source, s.name) == ARENA) + sum(banks.values()),
        io_bytes=sum(o.bss for o in objects if _MEMORY.match(o.source)) - sum(banks.values()),
        stack_bytes=stack,
        ram_bytes=ram,
        code=_code(objects, flash - data - weights - golden, firmware),
        objects=objects,
        banks=banks,
    )


def _code(objects: Iterable[ObjectSize], total: int, firmware: Collection[str]) -> CodeSize:
    apart = (_WEIGHTS, _GOLDEN, _CHECKSUM)
    inside = [one for one in objects if one.source not in (*firmware, REST) and not any(kind.match(one.source) for kind in apart)]
    checksum = sum(one.code + one.constants for one in objects if _CHECKSUM.match(one.source))
    model = [one for one in inside if one.source.startswith(_MODEL)]
    calls, parameters = sum(one.code for one in model), sum(one.constants for one in model)
    kernels = sum(one.code + one.constants for one in inside) - calls - parameters
    return CodeSize(kernels, calls, parameters, checksum, total - kernels - calls - parameters - checksum)


def _objects(elf: Elf) -> tuple[ObjectSize, ...]:
    sections = {s.name: s for s in elf.sections}
    seen: set[tuple[int, str]] = set()
    totals: dict[str, dict[str, int]] = {}
    for symbol in elf.symbols:
        section = sections.get(symbol.section)
        if section is None or (symbol.address, symbol.kind) in seen:
            continue
        seen.add((symbol.address, symbol.kind))
        column = _column(symbol, section.stored, section.writable)
        totals.setdefault(symbol.source, {}).setdefault(column, 0)
        totals[symbol.source][column] += symbol.bytes
    found = (ObjectSize(source, **columns) for source, columns in totals.items())
    return tuple(o for o in found if o.flash + o.ram)


def _column(symbol: Symbol, stored: bool, writable: bool) -> str:
    if symbol.kind == "function":
        return "code"
    if not stored:
        return "bss"
    return "data" if writable else "constants"
