"""What row streaming costs, measured: the same model, compiler and emulator with every layer whole."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tinykd.compile.emit.golden import packed
from tinykd.compile.graph import Array
from tinykd.compile.planner.plan import plan
from tinykd.compile.stream.schedule import LAYER_BY_LAYER
from tinykd.deploy.export import Exported, write_tree
from tinykd.deploy.firmware import build_firmware, physical_memory
from tinykd.report.streaming import Price
from tinykd.target.emulator.find import find_emulator
from tinykd.target.serve import Session


def price(exported: Exported, inputs: Sequence[Array], *, toolchain: str = "auto", emulator: str = "auto") -> Price | None:
    """Run one inference of `exported` and one with all its layers whole; None where they are, or nothing counts instructions.

    Args:
        inputs: one array for each input of the model.

    Raises:
        ToolError: toolchain or emulator missing or failed, or the firmware faulted.
        OverBudget: the board cannot hold the arena with whole layers.
    """
    if exported.plan.schedule == LAYER_BY_LAYER:
        return None
    with tempfile.TemporaryDirectory(prefix="tinykd-price-") as folder:
        memory = plan(exported.program, outside=exported.plan.outside)
        whole = write_tree(exported.source, exported.settings, exported.program, memory, Path(folder))
        counts = [_instructions(one, inputs, toolchain, emulator) for one in (exported, whole)]
    if counts[0] is None or counts[1] is None:
        return None
    return Price(
        instructions=counts[0],
        whole_instructions=counts[1],
        arena_bytes=exported.plan.arena_bytes,
        whole_arena_bytes=memory.arena_bytes,
    )


def _instructions(exported: Exported, inputs: Sequence[Array], toolchain: str, emulator: str) -> int | None:
    session = Session(find_emulator(exported.target, emulator), build_firmware(exported, physical_memory(exported), toolchain))
    (inference,) = session.run_inputs([packed(inputs)]).inferences
    return inference.instructions
