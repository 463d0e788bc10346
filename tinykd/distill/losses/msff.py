"""Multistage feature fusion, after Li et al. 2024, "Multistage feature fusion knowledge distillation" (Scientific Reports 14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.maps import as_map, map_shape, nearest
from tinykd.distill.losses.sizes import averaged, matched
from tinykd.distill.losses.unit import unit
from tinykd.errors import UsageError
from tinykd.recipe.losses.loss import Compares

keras = _keras()

#: Channels of the fused maps: the deepest student stage's, at most these.
WIDEST = 512


class MSFF(Loss):
    """Spatial plus channel loss between fused stages of the student and stages of the teacher, summed over stages.

    Stage `i` of the student is fused with all deeper ones: `z_i = sum over j >= i of w_ij x_j`, where `x_j` is stage `j` after a 1x1
    convolution and batch normalization, enlarged to the size of stage `i`, and the cross-stage attention
    `w_i = softmax over j of q_i · mean over positions of x_j` is learned. A 1x1 convolution takes `z_i` to the teacher's channels. Then

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
        middle = min(WIDEST, student_shapes[-1][-1])
        self.stages = [
            Stage(map_shape(student), middle, teacher[-1]) for teacher, student in zip(teacher_shapes, student_shapes, strict=True)
        ]
        self.networks = [network for stage in self.stages for network in stage.networks]

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from features of one or more pairs of layers.

        Raises:
            UsageError: `build` was not called.
        """
        if not self.stages:
            raise UsageError("msff has no networks yet", "call build before training")
        teachers, students = fixed(teacher_outputs), features(student_outputs)
        entered = [stage.enter(as_map(student)) for stage, student in zip(self.stages, students, strict=True)]
        total = keras.ops.zeros(())
        for number, (stage, teacher) in enumerate(zip(self.stages, teachers, strict=True)):
            theirs, ours = matched(as_map(teacher), stage.fuse(entered[number:]))
            total += _unlike(ours, theirs, -1) + _unlike(ours, theirs, (1, 2))
        return total


class Stage:
    """The networks of one stage of the student."""

    def __init__(self, student: Shape, middle: int, teacher_channels: int) -> None:
        self.convolution = keras.layers.Dense(middle, use_bias=False, name="msff_enter")
        self.convolution.build((None, *student))
        self.norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
        self.norm.build((None, *student[:2], middle))
        self.query = keras.layers.Dense(1, use_bias=False, name="msff_query")
        self.query.build((None, None, middle))
        self.leave = keras.layers.Dense(teacher_channels, name="msff_leave")
        self.leave.build((None, *student[:2], middle))
        self.networks = [self.convolution, self.norm, self.query, self.leave]

    def enter(self, student: Any) -> Any:
        """`x`, the stage's map at the common width."""
        return self.norm(self.convolution(student), training=True)

    def fuse(self, entered: Sequence[Any]) -> Any:
        """`z` at the teacher's width, from this stage's `x` and those of all deeper ones."""
        height, width = entered[0].shape[1:3]
        means = keras.ops.stack([averaged(x) for x in entered], axis=1)
        weights = keras.ops.softmax(self.query(means), axis=1)
        fused = sum(weights[:, number, :, None, None] * nearest(x, height, width) for number, x in enumerate(entered))
        return self.leave(fused)


def _unlike(ours: Any, theirs: Any, axis: int | tuple[int, ...]) -> Any:
    """Mean of `1 - cosine` along `axis`."""
    return keras.ops.mean(1.0 - keras.ops.sum(unit(ours, axis) * unit(theirs, axis), axis=axis))
