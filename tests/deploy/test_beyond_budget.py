"""`tinykd verify` of firmware that touches a byte beyond its RAM budget."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.deploy.commands import tinykd
from tests.target.machines import installed
from tinykd.deploy.export import export
from tinykd.deploy.firmware import build_firmware
from tinykd.deploy.source import open_source, with_budget
from tinykd.recipe.model import Export
from tinykd.report.memory import Budget

BYTES = 64 << 10
MACHINES = [(target, "qemu") for target in ("m3", "m4", "m7", "m33", "m55", "rv32imac")] + [("m4", "unicorn")]


@pytest.mark.parametrize(("target", "emulator"), MACHINES)
def test_it_faults_and_says_where(model: Path, tmp_path: Path, target: str, emulator: str) -> None:
    if not installed(target, emulator):
        pytest.skip(f"{emulator} is not installed")
    tree, image = tmp_path / "tree", tmp_path / "beyond.elf"
    exported = export(with_budget(open_source(model), None, f"{BYTES}B"), Export(target=target), tree)
    source = tree / "src" / "tinykd_small.c"
    beyond = "    extern volatile int8_t ram_limit[];\n    ram_limit[0] = 1;\n    return 0;\n}"
    source.write_text(source.read_text().replace("    return 0;\n}", beyond))
    shutil.copy(build_firmware(exported, Budget(flash_bytes=BYTES, ram_bytes=BYTES)).elf, image)
    outcome = tinykd(
        *("verify", model, "--target", target, "--emulator", emulator, "--samples", 2, "--out", tree),
        *("--ram", f"{BYTES}B", "--flash", f"{BYTES}B", "--image", image),
    )
    assert outcome.returncode == 7, outcome.stderr
    assert f"touched byte 0 beyond its RAM budget of {BYTES} bytes" in outcome.stderr
    assert "faulted in tinykd_small_invoke" in outcome.stderr
