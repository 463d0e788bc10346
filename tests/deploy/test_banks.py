"""An arena in several banks of RAM, on machines that have them: exact, linked where it belongs, fenced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.deploy.commands import tinykd
from tests.deploy.test_verify import TOOLCHAINS
from tests.target.machines import needs_qemu
from tinykd.deploy.banks import capacities
from tinykd.deploy.export import export
from tinykd.deploy.firmware import build_firmware, physical_memory
from tinykd.deploy.memory import memory_report
from tinykd.deploy.source import open_source
from tinykd.deploy.verify import check, choose_vectors, verify
from tinykd.errors import OverBudget, ToolError, UsageError
from tinykd.recipe.model import Export
from tinykd.target.boards import Region
from tinykd.target.elf import read_elf

BANKS = {"m3": "psram", "m4": "psram", "m55": "isram"}
"""Machines of QEMU with more RAM than one bank: MPS2's PSRAM, Corstone-300's internal SRAM."""


@needs_qemu
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("target", BANKS)
def test_exact_in_two_banks(model: Path, tmp_path: Path, target: str, toolchain: str) -> None:
    settings = Export(target=target, arena=(f"{BANKS[target]}=48B", "ram=1KiB"))
    exported = export(open_source(model), settings, tmp_path / "tree")
    (first, main) = exported.plan.banks
    assert (first.name, main.name) == (BANKS[target], "ram")
    assert 0 < first.bytes <= 48
    assert main.bytes >= 80  # the image alone
    proof, memory = verify(exported, choose_vectors(exported, 10, 0), toolchain=toolchain, emulator="qemu", layers=True)
    check(proof)
    image = build_firmware(exported, physical_memory(exported), toolchain)
    assert image.sizes is not None
    assert image.sizes.banks == {BANKS[target]: first.bytes}
    symbol = read_elf(image.elf).symbol(f"tinykd_small_{BANKS[target]}_memory")
    assert symbol is not None
    assert symbol.address == 0x21000000
    assert memory.arena_bytes == first.bytes + main.bytes


@needs_qemu
def test_a_byte_beyond_the_bank_faults(model: Path, tmp_path: Path) -> None:
    exported = export(open_source(model), Export(target="m4", arena=("psram=64B", "ram=1KiB")), tmp_path / "tree")
    source = exported.folder / "src" / "tinykd_small.c"
    text = source.read_text()
    for offset, touches in ((63, False), (64, True)):
        source.write_text(text.replace("\n    return 0;\n}", f"\n    ((volatile int8_t *)psram)[{offset}] = 1;\n    return 0;\n}}"))
        if not touches:
            verify(exported, choose_vectors(exported, 1, 0), emulator="qemu")
            continue
        with pytest.raises(ToolError, match="faulted in tinykd_small_invoke"):
            verify(exported, choose_vectors(exported, 1, 0), emulator="qemu")


def test_on_the_host_with_inputs_and_outputs_outside(model: Path, tmp_path: Path) -> None:
    settings = Export(target="host", arena=("fast=16B", "ram=96B"), io="outside")
    exported = export(open_source(model), settings, tmp_path / "tree")
    assert [bank.bytes for bank in exported.plan.banks] == [0, 48]
    proof, _ = verify(exported, choose_vectors(exported, 10, 0))
    check(proof)


def test_all_banks_are_taken_where_the_ram_of_the_board_is_too_small(model: Path, tmp_path: Path) -> None:
    exported = export(open_source(model), Export(target="m4"), tmp_path / "tree")
    assert capacities(exported.settings, exported.target, exported.plan) == {}
    board = exported.target.board
    assert board is not None
    small = replace(exported.target, board=replace(board, ram=Region(board.ram.origin, 2100)))
    assert capacities(exported.settings, small, exported.plan) == {"ram": 52, "psram": 16 << 20}


def test_a_budget_that_is_too_small_is_no_reason(model: Path, tmp_path: Path) -> None:
    outcome = tinykd("export", model, "--target", "m4", "--ram", "700B", "--out", tmp_path / "tree")
    assert outcome.returncode == 3
    assert "bytes over its budget of 700" in outcome.stderr


def test_banks_that_are_too_small_or_not_there(model: Path, tmp_path: Path) -> None:
    def exported(*arena: str) -> None:
        export(open_source(model), Export(target="m4", arena=arena), tmp_path / "tree")

    with pytest.raises(OverBudget, match=r"[0-9]+ bytes more than there are in psram \(16\) and ram \(64\)"):
        exported("psram=16B", "ram=64B")
    with pytest.raises(UsageError, match="no bank of RAM called 'ccm'"):
        exported("ccm=1KiB")
    with pytest.raises(UsageError, match="psram of cortex-m4 has 16777216 bytes"):
        exported("psram=1000MiB")
    with pytest.raises(ValueError, match="arena"):
        exported("psram")


def test_the_report_counts_each_bank(model: Path, tmp_path: Path) -> None:
    exported = export(open_source(model), Export(target="m4", arena=("psram=48B", "ram=1KiB")), tmp_path / "tree")
    memory = memory_report(exported, build_firmware(exported, physical_memory(exported)))
    assert [(bank.name, bank.bytes, bank.capacity_bytes) for bank in memory.banks] == [
        (bank.name, bank.bytes, bank.capacity) for bank in exported.plan.banks
    ]
    inside = sum(bank.bytes for bank in memory.banks if bank.name == "ram")
    parts = inside + memory.io_bytes + memory.stack_bytes + memory.data_bytes + memory.bss_bytes
    assert 0 <= memory.ram_bytes - parts < 16  # what the linker leaves between sections to align the stack
    assert inside < memory.arena_bytes
