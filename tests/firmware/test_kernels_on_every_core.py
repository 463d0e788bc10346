"""Every kernel file, for every core and compiler: no warning, no floating point where integers are promised, no foreign instruction."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tests.target.machines import CORES_AND_TOOLCHAINS, TOOLCHAINS, needs_gcc
from tinykd.resources import firmware_folder
from tinykd.target.cores import CORES
from tinykd.target.instruction_set import INSTRUCTION_SETS
from tinykd.target.targets import find_target
from tinykd.target.thumb import instructions
from tinykd.target.toolchain import find_toolchain

FIRMWARE = firmware_folder()
SOURCES = sorted((FIRMWARE / "kernels").rglob("*.c"))
"""Portable kernels and those in folders of their own, which are plain C on cores that have no instructions for them."""
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror")
INCLUDES = (f"-I{FIRMWARE / 'include'}", f"-I{FIRMWARE / 'ports' / 'bare'}")

FLOATING = ("cast", "quantize", "quantize_s16", "dequantize", "dequantize_s16")
"""The kernels between floating-point numbers and integers: the only ones that may compute with the former."""

FLOAT_HELPERS = (
    "__aeabi_f",
    "__aeabi_d",
    "__aeabi_cf",
    "__aeabi_cd",
    "__aeabi_i2",
    "__aeabi_ui2",
    "__aeabi_l2",
    "__aeabi_ul2",
    "__aeabi_h2",
)
"""How the names begin of what a compiler calls in place of floating-point instructions (Arm, "Run-time ABI", 4.1)."""


def compiled(core: str, toolchain: str, sources: list[Path], folder: Path) -> list[Path]:
    """One object from each source; from zig one of each folder's. Warnings are errors."""
    target = find_target(core)
    found = find_toolchain(target, toolchain)
    objects = []
    for origin in sorted({source.parent for source in sources}):  # dsp/conv_2d.c and conv_2d.c would both become conv_2d.o
        chosen = [source for source in sources if source.parent == origin]
        into = folder / origin.name
        into.mkdir()
        command = found.compile(target.core, "", into / "objects.o", ("-O2", *WARNINGS, *INCLUDES))
        frames = {"-fstack-usage", "-Xclang", "-stack-usage-file", str(into / "objects.su")}  # each source would need its own
        options = [word for word in command[: command.index("-c")] if word not in frames]
        outcome = subprocess.run([*options, "-c", *map(str, chosen)], cwd=into, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stderr
        assert outcome.stderr == ""
        made = sorted(into.glob("*.o"))
        assert len(made) == (1 if toolchain == "zig" else len(chosen))
        objects += made
    return objects


def calls(path: Path) -> set[str]:
    """Names that an object needs from elsewhere."""
    with path.open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        return {s.name for s in table.iter_symbols() if s["st_shndx"] == "SHN_UNDEF" and s.name}


def code(path: Path) -> list[tuple[str, bytes]]:
    """The code sections of an object. Kernels have their tables elsewhere; literals lie at the end, past the marks."""
    found = []
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        marks = [
            (s["st_shndx"], s["st_value"], s.name[1] != "d")
            for s in elf.get_section_by_name(".symtab").iter_symbols()
            if s.name.startswith(("$t", "$d", "$x"))
        ]
        for number, section in enumerate(elf.iter_sections()):
            if section["sh_flags"] & 4 and section["sh_size"]:
                here = sorted((address, is_code) for index, address, is_code in marks if index == number)
                ends = [*(address for address, _ in here[1:]), section["sh_size"]]
                contents = bytes(section.data())
                found += [(section.name, contents[low:end]) for (low, is_code), end in zip(here, ends) if is_code]
    return found


def test_there_are_kernels() -> None:
    assert len(SOURCES) > 60


@pytest.mark.parametrize(("core", "toolchain"), CORES_AND_TOOLCHAINS)
def test_every_kernel_compiles_without_a_warning(core: str, toolchain: str, tmp_path: Path) -> None:
    objects = compiled(core, toolchain, SOURCES, tmp_path)
    foreign = INSTRUCTION_SETS[CORES[core].instruction_set].foreign
    pieces = [(path.name, name, piece) for path in objects for name, piece in code(path)]
    assert sum(len(piece) for *_, piece in pieces) > 5000
    assert [(file, name) for file, name, piece in pieces if list(foreign(piece, 0))] == []


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_a_warning_in_the_last_of_many_files_is_noticed(toolchain: str, tmp_path: Path) -> None:
    wrong = tmp_path / "zz_narrow.c"
    wrong.write_text("int narrow(long long x);\nint narrow(long long x) { return x; }\n")
    with pytest.raises(AssertionError, match=r"zz_narrow\.c"):
        compiled("cortex-m4", toolchain, [*SOURCES[:2], wrong], tmp_path)


@needs_gcc
def test_only_the_border_kernels_compute_with_floating_point(tmp_path: Path) -> None:
    """Without a floating-point unit every such operation is a call of a helper, whose name gives it away."""
    floating = {path.stem: names for path in compiled("cortex-m3", "gcc", SOURCES, tmp_path) if (names := floats(path))}
    assert sorted(floating) == sorted(FLOATING)
    doubles = {name for names in floating.values() for name in names if name.startswith(("__aeabi_d", "__aeabi_cd")) or name.endswith("2d")}
    assert doubles == set(), "no core of ours has a unit for double precision"


def floats(path: Path) -> set[str]:
    return {name for name in calls(path) if name.startswith(FLOAT_HELPERS)}


@needs_gcc
def test_kernels_call_nothing_else_that_a_board_may_lack(tmp_path: Path) -> None:
    """Beyond other kernels: memory functions and the compiler's integer helpers. No libm, no heap."""
    objects = compiled("cortex-m0plus", "gcc", [s for s in SOURCES if s.stem not in FLOATING], tmp_path)
    integer = {
        "__aeabi_lmul",
        "__aeabi_ldivmod",
        "__aeabi_uldivmod",
        "__aeabi_idiv",
        "__aeabi_idivmod",
        "__aeabi_uidiv",
        "__aeabi_uidivmod",
    }
    shifts = {"__aeabi_llsl", "__aeabi_llsr", "__aeabi_lasr", "__aeabi_lcmp", "__aeabi_ulcmp", "__clzsi2", "__clzdi2"}
    tables = {name for path in objects for name in calls(path) if name.startswith("__gnu_thumb1_case_")}
    own = {name for path in objects for name in calls(path) if name.startswith("tinykd_")}
    everything = {name for path in objects for name in calls(path)}
    assert everything - integer - shifts - tables - own - {"memcpy", "memmove", "memset", "memcmp"} == set()


@needs_gcc
def test_no_kernel_accesses_the_floating_point_unit_of_an_m4(tmp_path: Path) -> None:
    """The unit may be off, or an interrupt may not save its registers: not even moves go through them, but at the borders."""
    users = set()
    for path in compiled("cortex-m4", "gcc", SOURCES, tmp_path):
        for _, piece in code(path):
            for _, first, second in instructions(piece, 0):
                coprocessor = second is not None and first >> 8 in (0xEC, 0xED, 0xEE, 0xFE) and second >> 9 & 7 == 5
                if coprocessor:
                    users.add(path.stem)
    assert users <= set(FLOATING), "spilled into the unit's registers"
    assert users, "the border kernels use it"
