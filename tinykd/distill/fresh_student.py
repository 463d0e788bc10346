"""What an untrained student shows already: whether pruning can reach its target, and whether layers named for quantization are there."""

from __future__ import annotations

from typing import Any

from tinykd import nets
from tinykd.data import Dataset
from tinykd.distill.keras_modules import keras as _keras
from tinykd.recipe.model import Recipe
from tinykd.run import RunDirectory


def check_fresh_student(recipe: Recipe, data: Dataset, run: RunDirectory) -> None:
    """Refuse before anything is trained what would fail after it; nothing is looked at once the student is trained.

    Args:
        recipe: Of the run.
        data: Its samples' shape and number of classes.
        run: Whether the student is trained.

    Raises:
        OverBudget: no pruning reaches the target.
        UnsupportedModel: nothing can be pruned, or a layer has no integer form.
        RecipeError: `quantize.eight_bits` names a layer that is not there.
    """
    low_bits = recipe.quantize.weight_bits != 8
    channels = recipe.prune is not None and recipe.prune.method == "channels"
    if run.record("student") is not None or not (low_bits or channels):
        return
    net = recipe.student
    student: Any = nets.build(net.net, _keras(), data.input_shape, data.classes, **net.knobs)
    if recipe.prune is not None and channels:
        from tinykd.distill.prune.amount import prune_channels

        prune_channels(student, recipe.prune)
    if low_bits:
        from tinykd.quantize.native.layer_bits import weight_grids
        from tinykd.quantize.native.reading import read

        weight_grids(read(student), recipe.quantize)
