"""Multistage feature fusion, after Li et al. 2024, "Multistage feature fusion knowledge distillation" (Scientific Reports 14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.maps import as_map, map_shape, nearest
from tinykd.distill.losses.sizes import averaged, matched
from tinykd.distill.losses.unit import SHORTEST
from tinykd.errors import UsageError
from tinykd.recipe.losses.loss import Compares

keras = _keras()


class MSFF(Loss):
    """Spatial plus channel loss between fused stages of the student and stages of the teacher, summed over stages.

    Stage `i` of the student is fused with all deeper ones: `z_i = sum over j >= i of w_ij x_ij`, where `x_ij` is stage `j` after a 1x1
    convolution to the channels of the teacher's stage `i`, enlarged to the size of the student's stage `i`, and the cross-stage
    attention `w_i = softmax over j of q_i · mean over positions of x_ij` is learned. Then

        spatial   mean over positions of 1 - cosine of the two vectors of channels there
        channel   mean over channels of 1 - cosine of the two maps of that channel

    which do not depend on the scale of a map, so that one weight suits all stages. The authors published no code: this is the
    paper's structure (fusion over stages, attention, a loss a stage) with its details chosen here; their loss is contrastive.
    """

    compares: ClassVar[Compares] = "features"

    def __init__(self) -> None:
        self.stages: list[Stage] = []

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """The networks of each stage; pairs are in order of the forward pass, the deepest last."""
        self.stages = [Stage(shape[-1], student_shapes[number:]) for number, shape in enumerate(teacher_shapes)]
        self.networks = [network for stage in self.stages for network in stage.networks]

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from features of one or more pairs of layers.

        Raises:
            UsageError: `build` was not called.
        """
        if not self.stages:
            raise UsageError("msff has no networks yet", "call build before training")
        teachers, students = ([as_map(one) for one in side] for side in (fixed(teacher_outputs), features(student_outputs)))
        total = keras.ops.zeros(())
        for number, (stage, teacher) in enumerate(zip(self.stages, teachers, strict=True)):
            total += unlike(*matched(teacher, stage(students[number:])))
        return total


class Stage:
    """The networks of one stage: of the student's, from this one to the deepest, to one map at the width of the teacher's."""

    def __init__(self, channels: int, student_shapes: Sequence[Shape]) -> None:
        self.convolutions = [keras.layers.Dense(channels, name="msff_convolution") for _ in student_shapes]
        for convolution, shape in zip(self.convolutions, student_shapes, strict=True):
            convolution.build((None, *map_shape(shape)))
        # The deepest stage has nothing to be weighed against.
        self.queries = [keras.layers.Dense(1, use_bias=False, name="msff_query")] if len(student_shapes) > 1 else []
        for query in self.queries:
            query.build((None, None, channels))
        self.networks = [*self.convolutions, *self.queries]

    def __call__(self, students: Sequence[Any]) -> Any:
        """`z`, at the size of the first of `students`."""
        converted = [convolution(student) for convolution, student in zip(self.convolutions, students, strict=True)]
        own = converted[0]
        for query in self.queries:
            weights = keras.ops.softmax(query(keras.ops.stack([averaged(one) for one in converted], axis=1)), axis=1)
            scaled = [weights[:, number, :, None, None] * one for number, one in enumerate(converted)]
            own = sum(nearest(one, own.shape[1], own.shape[2]) for one in scaled)
        return own


def unlike(ours: Any, theirs: Any) -> Any:
    """Mean over positions, plus mean over channels, of `1 - cosine` of two maps of one shape; 1 where one of them is 0."""
    products = [ours * theirs, keras.ops.square(ours), keras.ops.square(theirs)]
    total = keras.ops.zeros(())
    for axis in (-1, (1, 2)):
        inner, mine, yours = (keras.ops.sum(product, axis=axis) for product in products)
        lengths = keras.ops.rsqrt(keras.ops.maximum(mine, SHORTEST**2)) * keras.ops.rsqrt(keras.ops.maximum(yours, SHORTEST**2))
        total += keras.ops.mean(1.0 - inner * lengths)
    return total
