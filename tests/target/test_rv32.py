"""Branches and stack movements of RISC-V against objdump, and against encodings that the GNU assembler makes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tests.target.machines import RISCV_TOOLCHAINS, fake_image, needs_riscv_gcc
from tinykd.target.elf import read_elf
from tinykd.target.flow import Flow
from tinykd.target.rv32 import branches, stack_pushed

_LINE = re.compile(r"^\s*([0-9a-f]+):\s+[0-9a-f ]+\t(\S+)\s*(.*)$")
_DIRECT = {"j", "jal", "beq", "bne", "blt", "bge", "bltu", "bgeu", "beqz", "bnez", "bltz", "bgez", "blez", "bgtz", "bgt", "ble"}
_DIRECT |= {"bgtu", "bleu"}


def assembled(text: str, folder: Path) -> bytes:
    source, output = folder / "one.s", folder / "one.o"
    source.write_text(f"\t.option norelax\n\t{text}\n")
    subprocess.run(["riscv64-unknown-elf-as", "-march=rv32imac", "-mabi=ilp32", str(source), "-o", str(output)], check=True)
    with output.open("rb") as stream:
        return bytes(ELFFile(stream).get_section_by_name(".text").data())


@needs_riscv_gcc
@pytest.mark.parametrize(
    ("text", "flow", "target"),
    [
        ("jal ra, .+4096", Flow.CALL, 0x1100),
        ("jal ra, .-4096", Flow.CALL, -0xF00),
        ("j .+0x12346", Flow.JUMP, 0x12446),
        ("c.jal .+1366", Flow.CALL, 0x100 + 1366),
        ("c.j .-684", Flow.JUMP, 0x100 - 684),
        ("beq a0, a1, .+2730", Flow.JUMP, 0x100 + 2730),
        ("bltu a0, a1, .-1366", Flow.JUMP, 0x100 - 1366),
        ("c.beqz a0, .+170", Flow.JUMP, 0x100 + 170),
        ("c.bnez a0, .-86", Flow.JUMP, 0x100 - 86),
        ("jalr ra, 0(a5)", Flow.INDIRECT_CALL, None),
        ("c.jalr a5", Flow.INDIRECT_CALL, None),
        ("c.jr a5", Flow.INDIRECT_JUMP, None),
        ("jalr zero, 8(t1)", Flow.INDIRECT_JUMP, None),
    ],
)
def test_branches(text: str, flow: Flow, target: int | None, tmp_path: Path) -> None:
    (found,) = branches(assembled(text, tmp_path), 0x100)
    assert (found.flow, found.address, found.target) == (flow, 0x100, target)


@needs_riscv_gcc
@pytest.mark.parametrize(
    ("text", "flow", "target"),
    [
        ("auipc ra, 2\n\tjalr ra, -16(ra)", Flow.CALL, 0x100 + 0x2000 - 16),
        ("auipc t1, 0xfffff\n\tjr 32(t1)", Flow.JUMP, (0x100 - 0x1000 + 32) & 0xFFFFFFFF),
        ("auipc ra, 2\n\tnop\n\tjalr ra, -16(ra)", Flow.INDIRECT_CALL, None),  # the register may have changed
    ],
)
def test_far_calls_are_pairs(text: str, flow: Flow, target: int | None, tmp_path: Path) -> None:
    (found,) = branches(assembled(text, tmp_path), 0x100)
    assert (found.flow, found.target) == (flow, target)


@needs_riscv_gcc
@pytest.mark.parametrize(
    "text", ["ret", "c.jr ra", "jalr zero, 0(ra)", "c.nop", "c.ebreak", "ecall", "c.mv a0, a1", "c.add a0, a1", "c.li a0, 3"]
)
def test_returns_and_others_are_no_branches(text: str, tmp_path: Path) -> None:
    assert not list(branches(assembled(text, tmp_path), 0))


@needs_riscv_gcc
@pytest.mark.parametrize(
    ("text", "pushed"),
    [
        ("c.addi16sp sp, -512", 512),
        ("c.addi16sp sp, -48", 48),
        ("c.addi16sp sp, 48", 0),
        ("c.addi sp, -16", 16),
        (".option norvc\n\taddi sp, sp, -1040", 1040),
        ("addi sp, sp, -16\n\tsw ra, 12(sp)\n\taddi sp, sp, -32\n\taddi sp, sp, 48", 48),
        ("sub sp, sp, a0", None),
        ("c.mv sp, a0", None),
        ("c.add sp, a0", None),
        ("addi sp, s0, -32", 0),
        ("lw a0, 4(sp)\n\tsw a0, 8(sp)\n\tc.addi4spn a0, sp, 16", 0),
    ],
)
def test_stack_movements(text: str, pushed: int | None, tmp_path: Path) -> None:
    assert stack_pushed(assembled(text, tmp_path)) == pushed


@needs_riscv_gcc
@pytest.mark.parametrize("toolchain", RISCV_TOOLCHAINS)
def test_every_direct_branch_of_an_image_is_what_objdump_says(toolchain: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    elf = read_elf(fake_image(tmp_path_factory.getbasetemp(), "riscv", toolchain).elf)
    text = next(s for s in elf.sections if s.name == ".text")
    listing = subprocess.run(
        ["riscv64-unknown-elf-objdump", "-d", "-j", ".text", str(elf.path)], capture_output=True, text=True, check=True
    ).stdout
    wanted = {}
    for line in listing.splitlines():
        match = _LINE.match(line)
        if match and match[2] in _DIRECT:
            wanted[int(match[1], 16)] = int(re.findall(r"\b(?:0x)?([0-9a-f]+) <", match[3])[0], 16)
    found = {b.address: b.target for b in branches(elf.code[".text"], text.address) if b.target is not None}
    assert len(wanted) > 50
    assert {address: target for address, target in found.items() if address in wanted} == wanted
    others = {int(m[1], 16): m[2] for m in map(_LINE.match, listing.splitlines()) if m}
    assert {others[address] for address in set(found) - set(wanted)} <= {"jalr", "jr"}
