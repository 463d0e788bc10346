"""The fence: a byte beyond the budget faults in the emulator, the last byte of it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.target.fake_model import BYTES, MODEL, expected, write_fake_model
from tests.target.machines import STRICT, emulator, installed
from tinykd.errors import ToolError
from tinykd.target.build import Image, build
from tinykd.target.serve import Session
from tinykd.target.targets import find_target
from tinykd.target.toolchain import find_toolchain

CALM, TOUCHING = bytes(BYTES), bytes([99]) + bytes(BYTES - 1)
MACHINES = [(target, "qemu") for target in ("m0plus", "m3", "m4", "m7", "m33", "m55", "riscv")] + [("m4", "unicorn"), ("m0plus", "unicorn")]
BUDGETS = (8192, 262_144, 37_792, 100_000)
"""Bytes: one block, whole kibibytes, and such that the fence needs eighths of several sizes."""


def at(symbol: str, offset: int) -> str:
    """The byte at an address of link.ld, as C that no compiler sees through."""
    return f"volatile uintptr_t at = (uintptr_t){symbol}; *(volatile uint8_t *)(at + {offset & 0xFFFFFFFF}u)"


def touching(tree: Path, target: str, statement: str, ram_bytes: int) -> Image:
    """The fake model with a statement that runs where the input says 99."""
    model = MODEL.replace("#include", "extern uint8_t ram_origin[], ram_limit[], flash_origin[], flash_limit[];\n#include", 1)
    model = "#include <stdint.h>\n" + model.replace(
        "    for (int i = 0;", f"    if (input[0] == 99) {{ {statement} }}\n    for (int i = 0;", 1
    )
    row = find_target(target)
    write_fake_model(tree, row, model)
    return build(tree, row, find_toolchain(row, "auto"), ram_bytes=ram_bytes, flash_bytes=65536, flags=STRICT)


def run(target: str, name: str, image: Image) -> bytes:
    served = Session(emulator(target, name), image).run_inputs([CALM, TOUCHING], stall_s=20)
    return served.inferences[1].outputs


@pytest.mark.parametrize("ram_bytes", BUDGETS)
@pytest.mark.parametrize(("target", "name"), MACHINES)
def test_the_last_byte_is_inside_and_the_next_is_not(target: str, name: str, ram_bytes: int, tmp_path: Path) -> None:
    if not installed(target, name):
        pytest.skip(f"{name} is not installed")
    inside = touching(tmp_path / "inside", target, f"{at('ram_limit', -1)} = 1u;", ram_bytes)
    assert run(target, name, inside) == expected(TOUCHING)
    for k, access in enumerate((f"{at('ram_limit', 0)} = 1u;", f"{at('ram_limit', 0)};")):
        image = touching(tmp_path / f"outside{k}", target, access, ram_bytes)
        with pytest.raises(ToolError, match=rf"faulted in tinykd_fake_invoke in inference 1.*byte 0 beyond its RAM budget of {ram_bytes}"):
            run(target, name, image)


@pytest.mark.parametrize(("target", "name"), MACHINES)
@pytest.mark.parametrize(
    "access",
    [
        f"{at('flash_origin', 300)} = 1u;",
        f"{at('flash_limit', 0)};",
        f"{at('ram_origin', -1)} = 1u;",
        "volatile uintptr_t at = (uintptr_t)ram_limit - 63u; ((void (*)(void))at)();",
    ],
    ids=["flash is not written", "beyond flash", "below RAM", "RAM is not run"],
)
def test_nothing_else_is_touched(target: str, name: str, access: str, tmp_path: Path) -> None:
    if not installed(target, name):
        pytest.skip(f"{name} is not installed")
    with pytest.raises(ToolError, match="faulted"):
        run(target, name, touching(tmp_path, target, access, 65536))
