"""ELF files: sections, symbols, and which source each symbol comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from tinykd.errors import ToolError

RUNTIME = "runtime"
"""The source of symbols that no object of the tree defines: the compiler's helper functions."""

_WRITE, _ALLOCATE, _EXECUTE = 1, 2, 4


@dataclass(frozen=True)
class Section:
    """A section that lies in the target's memory.

    Attributes:
        address: where it lies when the program runs.
        bytes: its length.
        stored: whether the file holds its contents (`.bss` and the stack have none).
        writable, executable: as the program sees it.
    """

    name: str
    address: int
    bytes: int
    stored: bool
    writable: bool
    executable: bool


@dataclass(frozen=True)
class Symbol:
    """A function or object.

    Attributes:
        address: without the Thumb bit.
        bytes: its length, 0 if the assembler did not say.
        kind: `function` or `object`.
        section: name of the section that holds it.
        source: stem of its C file (`conv_2d`), or `runtime`.
    """

    name: str
    address: int
    bytes: int
    kind: str
    section: str
    source: str


@dataclass(frozen=True)
class Segment:
    """A stretch of contents that the file holds.

    Attributes:
        load: address in flash where it is stored.
        address: where it lies when the program runs (for first values of variables another one).
        offset: where the file holds it.
    """

    load: int
    address: int
    offset: int
    contents: bytes


@dataclass(frozen=True)
class Elf:
    """What the linker made.

    Attributes:
        entry: address of the first instruction, without the Thumb bit.
        sections: those in memory, by address.
        symbols: functions and objects, by address.
        data_marks: addresses where code turns to data (`False`) or data to code (`True`), sorted, from mapping symbols.
        code: contents of the executable sections, by section name.
    """

    path: Path
    entry: int
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    data_marks: tuple[tuple[int, bool], ...]
    code: Mapping[str, bytes]

    def section(self, name: str) -> Section | None:
        return next((s for s in self.sections if s.name == name), None)

    def symbol(self, name: str) -> Symbol | None:
        return next((s for s in self.symbols if s.name == name), None)

    def function_at(self, address: int) -> Symbol | None:
        """The function that spans `address`."""
        return next((s for s in self.symbols if s.kind == "function" and s.address <= address < s.address + max(s.bytes, 2)), None)


def stored_segments(path: Path) -> tuple[Segment, ...]:
    """What a loader puts into flash, by address.

    Raises:
        ToolError: it is no ELF file.
    """
    try:
        with path.open("rb") as stream:
            raw = [s for s in ELFFile(stream).iter_segments("PT_LOAD") if s["p_filesz"]]
            found = [Segment(s["p_paddr"], s["p_vaddr"], s["p_offset"], bytes(s.data())) for s in raw]
    except ELFError as error:
        raise ToolError(f"{path} is no ELF file: {error}", "delete the build folder and build again") from error
    return tuple(sorted(found, key=lambda s: s.load))


def defined_names(path: Path) -> frozenset[str]:
    """Global names that an object file defines.

    Raises:
        ToolError: it is no ELF object.
    """
    try:
        with path.open("rb") as stream:
            table = _symbol_table(ELFFile(stream))
            return frozenset(s.name for s in table.iter_symbols() if s["st_shndx"] != "SHN_UNDEF" and s["st_info"]["bind"] != "STB_LOCAL")
    except ELFError as error:
        raise ToolError(f"{path} is no ELF object: {error}", "delete the build folder and build again") from error


def read_elf(path: Path, objects: Sequence[Path] = ()) -> Elf:
    """Read a linked image.

    Args:
        objects: the object files that went into it, for `Symbol.source`.

    Raises:
        ToolError: it is no ELF file.
    """
    owner = {name: file.stem for file in objects for name in defined_names(file)}
    stems = {file.stem for file in objects}
    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            sections = [s for s in elf.iter_sections() if s["sh_flags"] & _ALLOCATE and s["sh_size"]]
            names = {index: section.name for index, section in enumerate(elf.iter_sections())}
            code = {s.name: bytes(s.data()) for s in sections if s["sh_flags"] & _EXECUTE and s["sh_type"] == "SHT_PROGBITS"}
            symbols, marks, file = [], [], ""
            for raw in _symbol_table(elf).iter_symbols():
                kind, index = raw["st_info"]["type"], raw["st_shndx"]
                if kind == "STT_FILE":
                    file = Path(raw.name).stem
                elif raw.name.startswith(("$t", "$x", "$d")) and isinstance(index, int):
                    marks.append((raw["st_value"], raw.name[1] != "d"))
                elif kind in ("STT_FUNC", "STT_OBJECT") and isinstance(index, int):
                    local = raw["st_info"]["bind"] == "STB_LOCAL"
                    source = file if local and file in stems else owner.get(raw.name, RUNTIME)
                    address = raw["st_value"] & ~1 if kind == "STT_FUNC" else raw["st_value"]
                    word = "function" if kind == "STT_FUNC" else "object"
                    symbols.append(Symbol(raw.name, address, raw["st_size"], word, names[index], source))
            found = tuple(_section(s) for s in sorted(sections, key=lambda s: int(s["sh_addr"])))
            ordered = tuple(sorted(symbols, key=lambda s: (s.address, s.name)))
            return Elf(path, elf["e_entry"] & ~1, found, ordered, tuple(sorted(set(marks))), code)
    except ELFError as error:
        raise ToolError(f"{path} is no ELF file: {error}", "delete the build folder and build again") from error


def _symbol_table(elf: ELFFile) -> SymbolTableSection:
    table = elf.get_section_by_name(".symtab")
    if not isinstance(table, SymbolTableSection):
        raise ELFError("it has no symbol table")
    return table


def _section(raw: object) -> Section:
    flags = raw["sh_flags"]  # type: ignore[index]
    return Section(
        name=raw.name,  # type: ignore[attr-defined]
        address=raw["sh_addr"],  # type: ignore[index]
        bytes=raw["sh_size"],  # type: ignore[index]
        stored=raw["sh_type"] != "SHT_NOBITS",  # type: ignore[index]
        writable=bool(flags & _WRITE),
        executable=bool(flags & _EXECUTE),
    )
