"""Flow between layers: Yim et al. 2017, "A Gift from Knowledge Distillation", equations 1 and 2."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.maps import as_map, same_width, widened
from tinykd.distill.losses.sizes import matched
from tinykd.errors import RecipeError
from tinykd.recipe.losses.loss import Compares

keras = _keras()


class FSP(Loss):
    """`mean_cd (G_s - G_t)^2` with `G[c, d] = mean over positions of A[c] B[d]`, summed over consecutive layers A, B; mean over the batch.

    The flow of solution procedure: how channels of one layer go together with those of the next. Two layers are brought to one
    size by average-pooling the larger. Student and teacher may differ in size, as positions are averaged away; where their channels
    differ, a 1x1 convolution takes the student's to the teacher's.
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
        teachers = fixed(teacher_outputs)
        require_consecutive("fsp", teachers)
        students = widened(self.networks, features(student_outputs))
        return sum(keras.ops.mean(keras.ops.square(ours - theirs)) for ours, theirs in zip(_flows(students), _flows(teachers), strict=True))


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
    flows = []
    for first, second in pairwise(layers):
        a, b = matched(as_map(first), as_map(second))
        flows.append(keras.ops.einsum("bhwc,bhwd->bcd", a, b) / (a.shape[1] * a.shape[2]))
    return flows
