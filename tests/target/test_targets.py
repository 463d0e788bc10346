from __future__ import annotations

import pytest

from tinykd.errors import UsageError
from tinykd.target.board_files import board_names, load_board
from tinykd.target.cores import CORES
from tinykd.target.targets import MACHINES, NAMES, find_target


@pytest.mark.parametrize(
    ("spelling", "core"),
    [
        ("cortex-m", "cortex-m4"),
        ("m4", "cortex-m4"),
        ("Cortex-M4", "cortex-m4"),
        ("m0plus", "cortex-m0plus"),
        ("m55", "cortex-m55"),
        ("host", "host"),
        ("riscv", "rv32imac"),
        ("riscv32", "rv32imac"),
        ("rv32imac", "rv32imac"),
        ("m0", "cortex-m0plus"),
        ("microbit", "cortex-m0plus"),
    ],
)
def test_spellings(spelling: str, core: str) -> None:
    assert find_target(spelling).core.name == core


def test_every_core_of_the_issue_has_a_target() -> None:
    for name in ("cortex-m", "cortex-m0plus", "m3", "m4", "m7", "m33", "m55", "riscv", "host"):
        find_target(name)


def test_unknown_target_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="cortex-m44") as caught:
        find_target("cortex-m44")
    assert "cortex-m4" in caught.value.hint


@pytest.mark.parametrize("name", board_names())
def test_boards_are_sound(name: str) -> None:
    board = load_board(name)
    assert board.core in CORES
    assert 0 < board.budget.flash_bytes <= board.flash.bytes
    assert 0 < board.budget.ram_bytes <= board.ram.bytes
    apart = board.flash.origin + board.flash.bytes <= board.ram.origin or board.ram.origin + board.ram.bytes <= board.flash.origin
    assert apart, "flash and RAM overlap"


def test_each_core_runs_on_a_board_of_that_core() -> None:
    for core, board in MACHINES.items():
        assert load_board(board).core == core
    assert set(NAMES.values()) == {*CORES}


def test_default_budget_is_256_kib() -> None:
    budget = load_board("mps2-an386").budget
    assert (budget.flash_bytes, budget.ram_bytes) == (256 * 1024, 256 * 1024)


def test_unknown_board() -> None:
    with pytest.raises(UsageError, match="no board"):
        load_board("../boards/mps2-an386")
