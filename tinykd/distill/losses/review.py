"""Knowledge review: Chen et al. 2021, "Distilling Knowledge via Knowledge Review", section 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.maps import as_map, map_shape, nearest
from tinykd.distill.losses.sizes import pooled
from tinykd.errors import UsageError
from tinykd.recipe.losses.loss import Compares

keras = _keras()

#: Channels of the fused maps: the deepest student stage's, at most these.
WIDEST = 512

#: Sizes to which maps are pooled beside their own, each with half the weight of the one before.
LEVELS = (4, 2, 1)


class Review(Loss):
    """Hierarchical context loss between fused stages of the student and stages of the teacher, summed over stages.

    From the deepest stage to the shallowest, the student's map (1x1 convolution, batch normalization) and what came from deeper are
    added with weights of each position that a 1x1 convolution of both and a sigmoid give; so a shallow stage of the teacher also
    teaches the student's deeper ones. A 3x3 convolution takes the sum to the teacher's channels. The loss of a stage is
    `sum_l w_l mean (pool_l(F_s) - pool_l(F_t))^2 / sum_l w_l` over its own size, 4x4, 2x2, 1x1 (those that are smaller), with `w`
    1, 1/2, 1/4, 1/8. Maps of other sizes are brought to the teacher's by nearest neighbour, as the authors do.
    """

    compares: ClassVar[Compares] = "features"

    def __init__(self) -> None:
        self.fusions: list[Fusion] = []

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """A fusion a stage; pairs are in order of the forward pass, the deepest last."""
        deepest = len(student_shapes) - 1
        middle = min(WIDEST, student_shapes[deepest][-1])
        self.fusions = [
            Fusion(map_shape(student), middle, map_shape(teacher), AttentionWeights(middle) if number < deepest else Alone())
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
        self.weights = keras.layers.Dense(2, activation="sigmoid", name="review_attention")
        self.weights.build((None, None, None, 2 * channels))
        self.networks = [self.weights]

    def __call__(self, own: Any, deeper: Any) -> Any:
        """Two maps of one width; `deeper` takes the size of `own`."""
        deeper = nearest(deeper, own.shape[1], own.shape[2])
        weights = self.weights(keras.ops.concatenate([own, deeper], axis=-1))
        return own * weights[..., :1] + deeper * weights[..., 1:]


class Fusion:
    """Attention-based fusion of one stage: figure 3 (a) of the paper."""

    def __init__(self, student: Shape, middle: int, teacher: Shape, fuse: Alone | AttentionWeights) -> None:
        self.size = teacher[:2]
        self.enter = keras.layers.Dense(middle, use_bias=False, kernel_initializer="lecun_uniform", name="review_enter")
        self.enter.build((None, *student))
        self.leave = keras.layers.Conv2D(
            teacher[-1], 3, padding="same", use_bias=False, kernel_initializer="lecun_uniform", name="review_leave"
        )
        self.leave.build((None, *teacher[:2], middle))
        self.enter_norm, self.leave_norm = (keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5) for _ in range(2))
        self.enter_norm.build((None, *student[:2], middle))
        self.leave_norm.build((None, *teacher))
        self.fuse = fuse
        self.networks = [self.enter, self.enter_norm, *fuse.networks, self.leave, self.leave_norm]

    def __call__(self, student: Any, deeper: Any) -> tuple[Any, Any]:
        """The fused map at the teacher's shape, and what goes to the next shallower stage."""
        own = self.enter_norm(self.enter(student), training=True)
        fused = nearest(self.fuse(own, deeper), *self.size)
        return self.leave_norm(self.leave(fused), training=True), fused


def hierarchical_context(student: Any, teacher: Any) -> Any:
    """Weighted mean of the mean squared differences of two maps of one shape, at their own size and pooled to smaller ones."""
    height, width = student.shape[1:3]
    total, weight, weights = keras.ops.mean(keras.ops.square(student - teacher)), 1.0, 1.0
    for level in LEVELS:
        if level < min(height, width):
            weight /= 2
            weights += weight
            total += weight * keras.ops.mean(keras.ops.square(pooled(student, level, level) - pooled(teacher, level, level)))
    return total / weights
