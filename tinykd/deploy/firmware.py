"""From an export to an image that fits its budget, or an error that says what to shrink."""

from __future__ import annotations

from dataclasses import replace

from tinykd.deploy.export import Exported
from tinykd.deploy.memory import budget_of, memory_report
from tinykd.errors import OverBudget
from tinykd.report.memory import Budget, Memory, advice
from tinykd.target.build import ROOM, Image, build
from tinykd.target.targets import on_device
from tinykd.target.toolchain import find_toolchain


def build_firmware(exported: Exported, budget: Budget, toolchain: str = "auto", *, trace: bool = False, readings: int = 0) -> Image:
    """Compile and link an exported tree within `budget`.

    Raises:
        ToolError: no toolchain, or it failed.
        OverBudget: the image is larger than the budget; see `check_budget`.
    """
    return build(
        exported.folder,
        exported.target,
        find_toolchain(exported.target, toolchain),
        optimize=exported.settings.optimize,
        trace=trace,
        readings=readings,
        flash_bytes=budget.flash_bytes,
        ram_bytes=budget.ram_bytes,
    )


def build_device(exported: Exported, toolchain: str = "auto") -> Image:
    """Compile and link the firmware of the board itself, which answers over its console: what is flashed.

    Raises:
        UsageError: the export is for a core, or tinykd has no port for the board.
        ToolError: no toolchain, or it failed.
        OverBudget: the image is larger than the budget.
    """
    target, budget = on_device(exported.target), budget_of(exported)
    return build(
        exported.folder,
        target,
        find_toolchain(target, toolchain),
        optimize=exported.settings.optimize,
        flash_bytes=budget.flash_bytes,
        ram_bytes=budget.ram_bytes,
    )


def measured(exported: Exported, toolchain: str = "auto") -> tuple[Memory, Image | None]:
    """The memory report of an export, linked even where it is over budget; the image only where it fits."""
    try:
        image = build_firmware(exported, budget_of(exported), toolchain)
    except OverBudget:
        board = exported.target.board
        if board is None:
            raise
        roomy = replace(board, flash=replace(board.flash, bytes=ROOM), ram=replace(board.ram, bytes=ROOM))
        without_end = replace(exported, target=replace(exported.target, board=roomy))
        return memory_report(exported, build_firmware(without_end, Budget(flash_bytes=ROOM, ram_bytes=ROOM), toolchain)), None
    return memory_report(exported, image), image


def physical_memory(exported: Exported) -> Budget:
    """All the memory of the board: what an image may take where no budget was set."""
    board = exported.target.board
    return Budget(flash_bytes=board.flash.bytes, ram_bytes=board.ram.bytes) if board else budget_of(exported)


def check_budget(memory: Memory) -> None:
    """Raise OverBudget with the biggest offenders if `memory` is over its budget."""
    if not memory.fits:
        title, *rest = advice(memory)
        raise OverBudget("\n".join([title, *rest]), "shrink the layers named above, or raise --flash or --ram")
