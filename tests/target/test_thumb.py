"""Branches and stack movements against objdump, and against encodings from the Armv7-M manual."""

from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path

import pytest

from tests.target.machines import TOOLCHAINS, fake_image, needs_gcc
from tinykd.target.elf import read_elf
from tinykd.target.flow import Flow
from tinykd.target.thumb import branches, stack_pushed

_LINE = re.compile(r"^\s*([0-9a-f]+):\s+[0-9a-f ]+\t(\S+)\s*(.*)$")
_IMMEDIATE = re.compile(r"(?:b|bl|cbn?z|b(?:eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le))(?:\.[nw])?$")


def _words(text: str) -> bytes:
    return b"".join(int(word, 16).to_bytes(2, "little") for word in text.split())


@pytest.mark.parametrize(
    ("code", "flow", "target"),
    [
        ("e7fe", Flow.JUMP, 0x100),  # b .
        ("d0fe", Flow.JUMP, 0x100),  # beq .
        ("b108", Flow.JUMP, 0x106),  # cbz r0, .+6
        ("f000 f800", Flow.CALL, 0x104),  # bl .+4
        ("f7ff fffe", Flow.CALL, 0x100),  # bl .
        ("f7ff bffe", Flow.JUMP, 0x100),  # b.w .
        ("f43f affe", Flow.JUMP, 0x100),  # beq.w .
        ("4798", Flow.INDIRECT_CALL, None),  # blx r3
        ("4718", Flow.INDIRECT_JUMP, None),  # bx r3
    ],
)
def test_encodings(code: str, flow: Flow, target: int | None) -> None:
    (found,) = branches(_words(code), 0x100)
    assert (found.flow, found.address, found.target) == (flow, 0x100, target)


@pytest.mark.parametrize(
    "code", ["4770", "bd10", "e8bd 8010", "bf00", "de00", "df00", "f3ef 8008", "f3bf 8f4f", "bc08 b004 4718", "bc08 4718"]
)
def test_returns_and_others_are_no_branches(code: str) -> None:
    assert not list(branches(_words(code), 0))


@pytest.mark.parametrize("code", ["bc04 4718", "bc08 b084 4718", "bc08 bf00 4718", "bc08 4798"])
def test_a_jump_by_another_register_is_no_return(code: str) -> None:
    (found,) = branches(_words(code), 0)
    assert found.target is None


@pytest.mark.parametrize(
    ("code", "pushed"),
    [
        ("b510", 8),  # push {r4, lr}
        ("b5ff", 36),  # push {r0-r7, lr}
        ("b084", 16),  # sub sp, #16
        ("e92d 4ff0", 36),  # push {r4-r11, lr}
        ("ed2d 8b10", 64),  # vpush {d8-d15}
        ("f5ad 7d00", 512),  # sub.w sp, sp, #512
        ("f2ad 4d04", 1028),  # subw sp, sp, #1028
        ("f84d ed08", 8),  # str lr, [sp, #-8]!
        ("b510 b084", 24),
        ("44ad", None),  # add sp, r5
        ("bd10", 0),  # pop
    ],
)
def test_stack_movements(code: str, pushed: int | None) -> None:
    assert stack_pushed(_words(code)) == pushed


@needs_gcc
@pytest.mark.parametrize("target", ["m4", "m0plus", "m55"])
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_every_branch_of_an_image_is_what_objdump_says(target: str, toolchain: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    image = fake_image(_folder(tmp_path_factory), target, toolchain)
    elf = read_elf(image.elf)
    text = next(s for s in elf.sections if s.name == ".text")
    listing = subprocess.run(
        ["arm-none-eabi-objdump", "-d", "-j", ".text", str(image.elf)], capture_output=True, text=True, check=True
    ).stdout
    wanted = {}
    for line in listing.splitlines():
        match = _LINE.match(line)
        if match and _IMMEDIATE.match(match[2]):
            wanted[int(match[1], 16)] = int(re.findall(r"\b([0-9a-f]+) <", match[3])[0], 16)
    marks = [*elf.data_marks, (text.address + text.bytes, False)]
    found = dict[int, int]()
    for (low, is_code), (high, _) in itertools.pairwise(marks):
        if is_code and text.address <= low:
            code = elf.code[".text"][low - text.address : high - text.address]
            found |= {b.address: b.target for b in branches(code, low) if b.target is not None}
    assert len(wanted) > 50
    assert found == wanted


def _folder(factory: pytest.TempPathFactory) -> Path:
    return factory.getbasetemp()
