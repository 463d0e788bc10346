"""Flow between layers: Yim et al. 2017, "A Gift from Knowledge Distillation", equations 1 and 2."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.maps import as_map, moments, same_width, widened
from tinykd.distill.losses.sizes import matched
from tinykd.errors import RecipeError
from tinykd.recipe.losses.loss import Compares

keras = _keras()


class FSP(Loss):
    """`mean_cd (G_s - G_t)^2` with `G[c, d] = mean over positions of A[c] B[d]`, summed over consecutive layers A, B; mean over the batch.

    The flow of solution procedure: how channels of one layer go together with those of the next. Two layers are brought to one
    size by average-pooling the larger. Student and teacher may differ in size, as positions are averaged away; where their channels
    differ, a 1x1 convolution without bias takes the student's to the teacher's.
    """

    compares: ClassVar[Compares] = "features"

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """One 1x1 convolution a pair of layers of different widths.

        Raises:
            RecipeError: a single pair, which flows nowhere.
        """
        require_consecutive("fsp", teacher_shapes)
        self.networks = same_width(teacher_shapes, student_shapes)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from features of two or more pairs of layers, in order of the forward pass."""
        teachers, students = fixed(teacher_outputs), features(student_outputs)
        require_consecutive("fsp", teachers)
        flows = _flows(students)
        if self.networks:
            flows = [widened(flow, *networks) for flow, networks in zip(flows, pairwise(self.networks), strict=True)]
        return sum(keras.ops.mean(keras.ops.square(ours - theirs)) for ours, theirs in zip(flows, _flows(teachers), strict=True))


def require_consecutive(name: str, pairs: Sequence[Any]) -> None:
    """Refuse a single pair of layers.

    Raises:
        RecipeError: fewer than two.
    """
    if len(pairs) < 2:
        raise RecipeError(
            f"{name} compares consecutive layers, and there is only one pair of them", "name two pairs or more: pairs = [[...], [...]]"
        )


def _flows(layers: Sequence[Any]) -> list[Any]:
    """`G` of each layer and the next, `[batch, channels, next channels]`."""
    return [moments(*matched(as_map(first), as_map(second))) for first, second in pairwise(layers)]
