"""What can be known to be wrong before hours of training."""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

from tinykd.data import Dataset
from tinykd.distill.pairs import Layers, resolve_pairs
from tinykd.distill.prune.widths import check_quantizes
from tinykd.distill.teacher import STORED, teacher_kind
from tinykd.errors import RecipeError, ToolError
from tinykd.quantize.engine import engine
from tinykd.recipe.losses import FeatureSection, LossSection
from tinykd.recipe.model import Augment, Recipe
from tinykd.run import RunDirectory

#: Checkpoints, models, logs and evidence of a small run, bytes.
RUN_BYTES = 64 << 20


def check_recipe(recipe: Recipe, teacher_path: Path | None) -> None:
    """Choices that are each right and together wrong.

    Args:
        recipe: Of the run.
        teacher_path: A given teacher, from the command line or the recipe.

    Raises:
        RecipeError: with what to change.
        UsageError: there is no such teacher.
    """
    augmented = recipe.data.augment != Augment()
    stored_file = teacher_path is not None and teacher_kind(teacher_path) == STORED
    if stored_file and recipe.distill.teacher_outputs == "live":
        raise RecipeError(
            'teacher_outputs = "live" needs a teacher that runs, not stored outputs', 'set distill.teacher_outputs = "stored"'
        )
    if stored_file and augmented:
        raise RecipeError(
            "stored outputs of a teacher are of plain samples, but data.augment changes the samples",
            "remove the [data.augment] table, or give the teacher itself",
        )
    if recipe.distill.teacher_outputs == "stored" and augmented and not recipe.distill.views:
        raise RecipeError(
            "stored teacher outputs would belong to other images than the randomly augmented ones the student sees",
            'set distill.views = 8 (stored views of each sample) or distill.teacher_outputs = "live"',
        )
    _check_scheme(recipe, teacher_path)
    if recipe.prune is not None:
        check_quantizes(recipe.student, recipe.quantize, recipe.prune.method)
    engine(recipe.quantize)


def _check_scheme(recipe: Recipe, teacher_path: Path | None) -> None:
    """What the scheme cannot do with a given teacher, or without a trained one."""
    section = recipe.distill
    scheme = section.scheme
    losses = [*section.losses, *(loss for part in section.before for loss in part.losses)]
    if teacher_path is not None and not scheme.given_teacher:
        raise RecipeError(f"the scheme {scheme.name} makes its own teacher; the given one would not be looked at", "leave teacher.path out")
    if teacher_path is not None and scheme.runs_teacher and teacher_kind(teacher_path) == STORED:
        raise RecipeError(f"the scheme {scheme.name} needs a teacher that runs, not stored outputs", "give the teacher itself")
    for loss in losses:
        if (scheme.ensemble or getattr(scheme, "kind", "") == "residual") and loss.compares == "features":
            raise RecipeError(
                f"{loss.name} compares layers, but in the scheme {scheme.name} the teacher is an ensemble, which has none",
                "choose a loss on logits",
            )
        if scheme.trains_alone and section.before:
            raise RecipeError(f"the scheme {scheme.name} trains the student in one go", "leave distill.before out")
    if section.netaug is not None:
        _check_netaug(recipe, losses)
    if scheme.name == "multi_teacher" and scheme.model_dump()["combine"] == "confidence" and not any(loss.name == "kd" for loss in losses):
        raise RecipeError("confidence weights the soft targets of kd, which is not among distill.losses", 'add a loss "kd"')


def _check_netaug(recipe: Recipe, losses: Sequence[LossSection]) -> None:
    """What network augmentation does not go together with."""
    section, scheme = recipe.distill, recipe.distill.scheme
    assert section.netaug is not None
    if scheme.trains_alone or not scheme.augments:
        raise RecipeError(
            f"network augmentation trains one student against a teacher; the scheme {scheme.name} does not",
            "leave [distill.netaug] out, or choose another scheme: offline, for example",
        )
    for loss in losses:
        if loss.name == "weights":
            raise RecipeError(
                "the loss weights compares the student's kernels, which network augmentation keeps inside a wider network",
                "leave [distill.netaug] or the loss out",
            )
    if section.before and section.netaug.init != "student":
        raise RecipeError(
            f'distill.netaug.init = "{section.netaug.init}" would throw away what distill.before trained', 'set it to "student"'
        )


def check_space(recipe: Recipe, data: Dataset, run: RunDirectory) -> None:
    """Room for teacher outputs and checkpoints.

    Raises:
        ToolError: the disk has too little.
    """
    views = max(1, recipe.distill.views)
    needed = RUN_BYTES + 4 * data.classes * (views * len(data.train) + len(data.validation) + len(data.test))
    _require_space(run, needed, "this run needs", "free disk space or choose another --out folder")


def check_layers(recipe: Recipe, student: Layers, teacher: Layers, samples: int, run: RunDirectory) -> None:
    """The layers that losses compare are there, and their features fit on the disk; known as soon as both networks are built.

    Args:
        recipe: Of the run.
        student, teacher: Their layers with shapes.
        samples: Of the training split.
        run: Beside which features are stored.

    Raises:
        RecipeError: no such layer.
        ToolError: the disk has too little.
    """
    section = recipe.distill
    losses = [*section.losses, *(loss for part in section.before for loss in part.losses)]
    stored: set[str] = set()
    for loss in losses:
        if isinstance(loss, FeatureSection):
            pairs = resolve_pairs(loss, student, teacher)
            stored |= {theirs for _, theirs in pairs if loss.compares == "features"}
    if section.teacher_outputs == "live" or not stored:
        return
    views = section.views if recipe.data.augment != Augment() else 1
    values = sum(math.prod(teacher[layer]) for layer in stored)
    needed = RUN_BYTES + {"float32": 4, "float16": 2}[section.stored_dtype] * views * samples * values
    hint = 'set distill.stored_dtype = "float16", fewer distill.views, or distill.teacher_outputs = "live"; or name smaller layers'
    _require_space(run, needed, "the teacher's features need", hint)


def _require_space(run: RunDirectory, needed: int, who: str, hint: str) -> None:
    folder = run.root.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ToolError(f"{folder} has {free / 1e6:.0f} MB free; {who} about {math.ceil(needed / 1e6)} MB", hint)
