"""Instructions that Armv6-M lacks are found, whatever emulator would run them. Oracle: the GNU assembler."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from tests.target.fake_model import MODEL, write_fake_model
from tests.target.machines import needs_gcc
from tinykd.errors import ToolError
from tinykd.target.armv6m import foreign
from tinykd.target.build import build
from tinykd.target.targets import find_target
from tinykd.target.toolchain import find_toolchain

SHARED = [
    "movs r0, #1", "adds r0, r1, r2", "muls r0, r1, r0", "ldr r0, [r1, #4]", "ldrsb r0, [r1, r2]", "ldrsh r0, [r1, r2]", "push {r4, lr}",
    "pop {r4, pc}", "bl .", "b .", "beq .", "bx lr", "blx r3", "uxtb r0, r1", "sxth r0, r1", "rev r0, r1", "dsb", "dmb", "isb", "nop",
    "mrs r0, primask", "msr primask, r0", "mrs r0, msp", "msr control, r1", "cpsid i", "svc #0", "bkpt #0xAB", "udf #1", "udf.w #1",
    "add sp, #8", "sub sp, #16", "mov r8, r0", "add r8, r0", "stmia r0!, {r1, r2}", "ldmia r0!, {r1, r2}", "asrs r0, r1, #3",
    "wfi", "rsbs r0, r1, #0",
]  # fmt: skip
LARGER = [
    "cbz r0, .+8", "cbnz r1, .+8", "it eq\n\tmoveq r0, r1", "movw r0, #1000", "movt r0, #1000", "udiv r0, r1, r2", "sdiv r0, r1, r2",
    "mla r0, r1, r2, r3", "smull r0, r1, r2, r3", "umull r0, r1, r2, r3", "ldr.w r0, [r1, #400]", "ldrsb.w r0, [r1, #1]", "b.w .",
    "beq.w .", "ubfx r0, r1, #2, #3", "ssat r0, #8, r1", "clz r0, r1", "push.w {r4, r8, lr}", "tbb [pc, r0]", "ldrd r0, r1, [r2]",
    "and.w r0, r1, #255", "add.w r0, r1, r2, lsl #2", "mls r0, r1, r2, r3", "rbit r0, r1", "cmp.w r0, #300", "mvn.w r0, #0",
    "msr basepri, r0\n\tldrex r0, [r1]",
]  # fmt: skip


def assembled(text: str, folder: Path) -> bytes:
    source, output = folder / "one.s", folder / "one.o"
    source.write_text(f"\t.syntax unified\n\t.thumb\n\t{text}\n")
    subprocess.run(["arm-none-eabi-as", "-mcpu=cortex-m3", str(source), "-o", str(output)], check=True)
    with output.open("rb") as stream:
        return bytes(ELFFile(stream).get_section_by_name(".text").data())


@needs_gcc
@pytest.mark.parametrize("text", SHARED)
def test_armv6m_has(text: str, tmp_path: Path) -> None:
    assert list(foreign(assembled(text, tmp_path), 0)) == []


@needs_gcc
@pytest.mark.parametrize("text", LARGER)
def test_armv6m_lacks(text: str, tmp_path: Path) -> None:
    assert list(foreign(assembled(text, tmp_path), 0x100)) != []


@needs_gcc
@pytest.mark.parametrize("target", ["m0plus", "microbit"])
def test_an_image_with_such_an_instruction_is_refused(target: str, tmp_path: Path) -> None:
    row = find_target(target)
    smuggled = MODEL.replace(
        "    for (int i = 0;", '    __asm__ volatile(".cpu cortex-m3\\n\\tclz r0, r0" : : : "r0");\n    for (int i = 0;', 1
    )
    tree = write_fake_model(tmp_path, row, smuggled)
    with pytest.raises(ToolError, match=r"tinykd_fake_invoke has an instruction at .* that cortex-m0plus has not"):
        build(tree, row, find_toolchain(row, "gcc"))
    assert list(tree.rglob("*.elf")) == []
