"""A whole run: checks, then the stages in order, then the report."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinykd import data
from tinykd.distill.fresh_student import check_fresh_student
from tinykd.distill.pipeline import Pipeline
from tinykd.distill.preflight import check_recipe, check_space
from tinykd.distill.progress import TrainingProgress
from tinykd.distill.report import distillation_section, weights_section
from tinykd.environment import record_environment
from tinykd.recipe.model import Recipe
from tinykd.recipe.toml import show
from tinykd.run import RunDirectory, write_atomically


def distill(
    recipe: Recipe,
    out: Path,
    *,
    command: str,
    progress: TrainingProgress,
    data_dir: Path | None = None,
    teacher_path: Path | None = None,
) -> dict[str, Any]:
    """Run every stage that is not done yet.

    Args:
        recipe: What to do.
        out: Run directory, made if it is not there.
        command: For the report: what makes this run again.
        progress: Who is told.
        data_dir: Folder to look in for data before downloading.
        teacher_path: A given teacher, before the recipe's own choice.

    Returns:
        The report's section `distillation`, as `tinykd.distill.report` describes it.

    Raises:
        RecipeError: choices that do not go together.
        DataError: data that would poison a training, or a loss that is not finite.
        UnsupportedModel: a teacher that cannot be used.
        UsageError: another process works in `out`.
        ToolError: too little disk, or no TensorFlow.
    """
    with opened(recipe, RunDirectory(out), command=command, progress=progress, data_dir=data_dir, teacher_path=teacher_path) as pipeline:
        return finished(pipeline, command)


@contextlib.contextmanager
def opened(
    recipe: Recipe,
    run: RunDirectory,
    *,
    command: str,
    progress: TrainingProgress,
    data_dir: Path | None = None,
    teacher_path: Path | None = None,
) -> Iterator[Pipeline]:
    """A run with its recipe and data checked, no other process in it, and nothing computed yet; arguments and errors as `distill`."""
    if teacher_path is None and recipe.teacher.path is not None:
        teacher_path = Path(recipe.teacher.path).expanduser()
    check_recipe(recipe, teacher_path)
    loaded = data.load(recipe.data, recipe.seed, data_dir)
    check_space(recipe, loaded, run)
    check_fresh_student(recipe, loaded, run)
    with run.locked():
        write_atomically(run.path("recipe.toml"), show(recipe).encode())
        record_environment(run, command)
        yield Pipeline(recipe, loaded, run, progress, teacher_path)


def finished(pipeline: Pipeline, command: str) -> dict[str, Any]:
    """Every stage, then the report; returns its section."""
    stages = {
        "teacher": pipeline.teacher(),
        "baseline": pipeline.baseline(),
        "student": pipeline.student(),
        "prune": pipeline.prune(),
        "quantize": pipeline.quantize(),
        "integers": pipeline.integers(),
    }
    section = distillation_section(pipeline, stages, command)
    pipeline.run.merge_json("report.json", "distillation", section)
    pipeline.run.merge_json("report.json", "pruning", (stages["prune"] or {}).get("pruning"))
    pipeline.run.merge_json("report.json", "quantization_error", (stages["quantize"] or {}).get("quantization_error"))
    pipeline.run.merge_json("report.json", "weights", weights_section(pipeline.run.path("student_int8.tflite")))
    return section
