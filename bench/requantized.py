"""A finished run quantized anew, in a copy: what the benchmarks of engines and of few bits compare."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tinykd.distill.pipeline import Pipeline
from tinykd.distill.progress import QuietProgress
from tinykd.distill.run import opened
from tinykd.recipe.model import Quantize, Recipe
from tinykd.run import RunDirectory


@contextlib.contextmanager
def requantized(folder: Path, recipe: Recipe, section: Quantize, data_dir: Path | None) -> Iterator[tuple[Pipeline, float]]:
    """Quantize the run's student by `section`, in a copy that finds teacher outputs where the run does; the copy goes at the end.

    A run that was given its teacher on the command line names it in `recipe` (`teacher.path`).

    Yields:
        The copy's pipeline, its integers evaluated, and the seconds of the stage, conversion included.
    """
    changed = recipe.model_copy(update={"quantize": section})
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        copy = Path(scratch) / "run"
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("export*", "checkpoints", "quantize.json"))
        # Teacher outputs lie beside the run, under a name of their contents.
        store = folder.parent / ".teacher_outputs"
        if store.exists():
            (Path(scratch) / ".teacher_outputs").symlink_to(store.resolve())
        with opened(changed, RunDirectory(copy), command="bench", progress=QuietProgress(), data_dir=data_dir) as pipeline:
            pipeline.teacher()
            pipeline.student()
            pipeline.prune()
            seconds = float(pipeline.quantize()["seconds"])
            pipeline.integers()
            yield pipeline, seconds
