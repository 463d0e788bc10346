"""A board named for an export: its budget, its stand-in, its own program, the file of a user's own board."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.target.machines import TOOLCHAINS, needs_gcc, needs_qemu
from tinykd.deploy.export import export
from tinykd.deploy.firmware import build_device
from tinykd.deploy.source import open_source, with_budget
from tinykd.deploy.verify import check, choose_vectors, verify
from tinykd.errors import OverBudget, UsageError
from tinykd.recipe.model import Export
from tinykd.target.elf import read_elf, stored_segments
from tinykd.target.targets import find_target

KIB = 1024


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", ["nucleo-f446re", "pico"])
def test_the_program_of_a_board_lies_beside_the_emulators(model: Path, tmp_path: Path, name: str, toolchain: str) -> None:
    exported = export(open_source(model), Export(target=name), tmp_path / "tree")
    assert {"firmware/main.c", "board/main.c", "board/board.h", "board/uart.c"} <= set(exported.files)
    image = build_device(exported, toolchain)
    device = find_target(name).device
    assert device is not None
    assert stored_segments(image.elf)[0].load == device.flash.origin
    assert image.sizes is not None
    assert image.sizes.weights_bytes > 0


@needs_gcc
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_builds_the_program_of_a_board(model: Path, tmp_path: Path) -> None:
    tree = export(open_source(model), Export(target="nucleo-f401re"), tmp_path / "tree").folder
    subprocess.run(["make", "board"], cwd=tree, check=True, capture_output=True)
    assert stored_segments(tree / "build" / "board.elf")[0].load == 0x08000000


def test_a_board_without_a_port_is_a_library(model: Path, tmp_path: Path) -> None:
    exported = export(open_source(model), Export(target="teensy-41"), tmp_path / "tree")
    assert not any(path.startswith("board/") for path in exported.files)
    with pytest.raises(UsageError, match="no port for teensy-41"):
        build_device(exported)


def test_banks_of_a_board_are_linked_where_they_are(model: Path, tmp_path: Path) -> None:
    settings = Export(target="netduino-plus-2", arena=("ccm=48B", "ram=1KiB"))
    image = build_device(export(open_source(model), settings, tmp_path / "tree"))
    symbol = read_elf(image.elf).symbol("tinykd_small_ccm_memory")
    assert symbol is not None
    assert symbol.address == 0x10000000


@needs_qemu
def test_the_proof_names_the_stand_in(model: Path, tmp_path: Path) -> None:
    exported = export(open_source(model), Export(target="nucleo-l476rg"), tmp_path / "tree")
    proof, _ = verify(exported, choose_vectors(exported, 2, 0), emulator="qemu")
    check(proof)
    assert proof.stand_in is not None
    assert (proof.stand_in.machine, proof.stand_in.flash_bytes, proof.stand_in.ram_bytes) == ("mps2-an386", 1024 * KIB, 96 * KIB)


@pytest.mark.parametrize(
    ("named", "recipes", "flash", "ram", "budget"),
    [
        ("nucleo-f446re", "cortex-m", None, None, (None, None)),  # the board's own
        ("nucleo-f446re", "cortex-m", "100KiB", None, (100 * KIB, None)),
        (None, "nucleo-f446re", None, None, (256 * KIB, 128 * KIB)),  # the recipe's, for its own board, but no more than that has
        (None, "cortex-m", None, "8KiB", (256 * KIB, 8 * KIB)),
        ("m7", "cortex-m", None, None, (256 * KIB, 256 * KIB)),
    ],
)
def test_whose_budget_holds(
    model: Path, named: str | None, recipes: str, flash: str | None, ram: str | None, budget: tuple[int | None, int | None]
) -> None:
    bare = open_source(model)
    of_a_run = replace(bare, settings=Export(target=recipes), flash_bytes=256 * KIB, ram_bytes=256 * KIB)
    found = with_budget(of_a_run, flash, ram, named)
    assert (found.flash_bytes, found.ram_bytes) == budget


def test_a_board_of_ones_own_travels_with_the_export(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text(
        'core = "cortex-m4"\nflash = { origin = 0, bytes = 65536 }\nram = { origin = 0x20000000, bytes = 4096 }\nstand_in = "mps2-an386"\n'
    )
    monkeypatch.chdir(tmp_path)
    export(open_source(model), Export(target="./mine.toml"), tmp_path / "tree")
    (tmp_path / "mine.toml").unlink()
    assert json.loads((tmp_path / "tree" / "export.json").read_text())["target"] == "mine.toml"
    again = open_source(tmp_path / "tree")
    target = find_target(again.settings.target)
    assert target.name == "mine"
    assert target.device is not None
    assert target.device.ram.bytes == 4096


def test_an_image_too_large_for_the_board_is_refused(model: Path, tmp_path: Path) -> None:
    exported = export(replace(open_source(model), flash_bytes=2 * KIB), Export(target="nucleo-g431kb"), tmp_path / "tree")
    with pytest.raises(OverBudget):
        verify(exported, choose_vectors(exported, 1, 0))
