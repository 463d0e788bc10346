"""Knowledge review: Chen et al. 2021, "Distilling Knowledge via Knowledge Review", section 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.maps import as_map, map_shape, nearest
from tinykd.distill.losses.normalized import EPSILON, NormalizedDense
from tinykd.distill.losses.sizes import pooled
from tinykd.errors import UsageError
from tinykd.recipe.losses.loss import Compares

keras = _keras()

#: Sizes to which maps are pooled beside their own, each with half the weight of the one before.
LEVELS = (4, 2, 1)


class Review(Loss):
    """Hierarchical context loss between fused stages of the student and stages of the teacher, summed over stages.

    From the deepest stage to the shallowest, the student's map (1x1 convolution, batch normalization) and what came from deeper are
    added with weights of each position that a 1x1 convolution of both and a sigmoid give; so a shallow stage of the teacher also
    teaches the student's deeper ones. Another convolution takes the sum to the teacher's channels. The loss of a stage is
    `sum_l w_l mean (pool_l(F_s) - pool_l(F_t))^2 / sum_l w_l` over its own size, 4x4, 2x2, 1x1 (those that are smaller), with `w`
    1, 1/2, 1/4, 1/8. Maps of other sizes are brought to the teacher's by nearest neighbour, as the authors do.

    The authors' fused maps have the deepest student stage's channels, at most 512, and leave by a 3x3 convolution. To a student for a
    microcontroller that is several times its own cost, so the defaults are narrower.

    Args:
        channels: of the fused maps; None for half of the narrowest stage's of both networks.
        kernel: side of the last convolution's filters: 3 in the paper.
    """

    compares: ClassVar[Compares] = "features"

    def __init__(self, channels: int | None = None, kernel: Literal[1, 3] = 1) -> None:
        self.channels = channels
        self.kernel = kernel
        self.fusions: list[Fusion] = []

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """A fusion a stage; pairs are in order of the forward pass, the deepest last."""
        deepest = len(student_shapes) - 1
        middle = self.channels or max(1, min(shape[-1] for shape in (*student_shapes, *teacher_shapes)) // 2)
        self.fusions = [
            Fusion(map_shape(student), middle, self.kernel, map_shape(teacher), AttentionWeights(middle) if number < deepest else Alone())
            for number, (teacher, student) in enumerate(zip(teacher_shapes, student_shapes, strict=True))
        ]
        self.networks = [network for fusion in self.fusions for network in fusion.networks]

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from features of one or more pairs of layers.

        Raises:
            UsageError: `build` was not called.
        """
        if not self.fusions:
            raise UsageError("review has no fusions yet", "call build before training")
        teachers, students = fixed(teacher_outputs), features(student_outputs)
        total, deeper = keras.ops.zeros(()), None
        for fusion, student, teacher in reversed(list(zip(self.fusions, students, teachers, strict=True))):
            fused, deeper = fusion(as_map(student), deeper)
            total += hierarchical_context(fused, as_map(teacher))
        return total


class Alone:
    """The deepest stage has nothing to be fused with."""

    networks: Sequence[Any] = ()

    def __call__(self, own: Any, deeper: Any) -> Any:  # noqa: ARG002
        """`own`."""
        return own


class AttentionWeights:
    """`own a_1 + deeper a_2`, with `a` `[batch, height, width, 2]` from both."""

    def __init__(self, channels: int) -> None:
        self.of_own, self.of_deeper = (keras.layers.Dense(2, use_bias=bias, name="review_attention") for bias in (True, False))
        self.networks = [self.of_own, self.of_deeper]
        for network in self.networks:
            network.build((None, None, None, channels))

    def __call__(self, own: Any, deeper: Any) -> Any:
        """Two maps of one width; `deeper` takes the size of `own`."""
        size = own.shape[1:3]
        # A product with both side by side is the sum of two; the deeper one's is the quicker before it is enlarged.
        weights = keras.ops.sigmoid(self.of_own(own) + nearest(self.of_deeper(deeper), *size))
        return own * weights[..., :1] + nearest(deeper, *size) * weights[..., 1:]


class Fusion:
    """Attention-based fusion of one stage: figure 3 (a) of the paper."""

    def __init__(self, student: Shape, middle: int, kernel: int, teacher: Shape, fuse: Alone | AttentionWeights) -> None:
        self.size = teacher[:2]
        self.enter = NormalizedDense(middle, "review_enter")
        self.enter.build((None, *student))
        self.leave = OUT[kernel](teacher[-1])
        self.leave.build((None, *teacher[:2], middle))
        self.fuse = fuse
        self.networks = [self.enter, *fuse.networks, self.leave]

    def __call__(self, student: Any, deeper: Any) -> tuple[Any, Any]:
        """The fused map at the teacher's shape, and what goes to the next shallower stage."""
        fused = nearest(self.fuse(self.enter(student), deeper), *self.size)
        return self.leave(fused, training=True), fused


def _normalized_1x1(channels: int) -> Any:
    return NormalizedDense(channels, "review_leave")


def _normalized_3x3(channels: int) -> Any:
    convolution = keras.layers.Conv2D(channels, 3, padding="same", use_bias=False, kernel_initializer="lecun_uniform")
    return keras.Sequential([convolution, keras.layers.BatchNormalization(momentum=0.9, epsilon=EPSILON)], name="review_leave")


OUT = {1: _normalized_1x1, 3: _normalized_3x3}
"""The convolution that leads to the teacher's channels, with its batch normalization, by the side of its filters."""


def hierarchical_context(student: Any, teacher: Any) -> Any:
    """Weighted mean of the mean squared differences of two maps of one shape, at their own size and pooled to smaller ones."""
    height, width = student.shape[1:3]
    # The difference of two pooled maps is the pooled difference.
    apart = student - teacher
    total, weight, weights = keras.ops.mean(keras.ops.square(apart)), 1.0, 1.0
    for level in LEVELS:
        if level < min(height, width):
            weight /= 2
            weights += weight
            total += weight * keras.ops.mean(keras.ops.square(pooled(apart, level, level)))
    return total / weights
