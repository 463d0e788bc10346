"""Which cell may start: none that would compute what a running one is computing right now."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tinykd.run import content_key
from tinykd.study.cells import Cell


def shared_stages(cell: Cell) -> dict[str, str]:
    """The stages that cells can share, each with a name for what its result depends on.

    Cells with equal names get equal results, and the later one takes the earlier one's over. Unequal names may still be
    equal results: then both compute.
    """
    recipe = cell.recipe.model_dump(mode="json")
    taught = {"seed": recipe["seed"], "data": recipe["data"], "teacher": recipe["teacher"], "scheme": recipe["distill"]["scheme"]}
    return {
        "teacher": content_key(**taught),
        "student": content_key(**taught, student=recipe["student"], distill=recipe["distill"]),
    }


def may_start(cell: Cell, running: Iterable[tuple[Cell, Path]]) -> bool:
    """Whether every stage that `cell` shares with a running cell is done there.

    Args:
        running: Cells and their run directories.
    """
    mine = shared_stages(cell)
    for other, folder in running:
        theirs = shared_stages(other)
        if any(mine[stage] == theirs[stage] and not (folder / "stages" / f"{stage}.json").exists() for stage in mine):
            return False
    return True
