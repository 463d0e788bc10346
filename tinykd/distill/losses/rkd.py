"""Relations between samples: Park et al. 2019, "Relational Knowledge Distillation", equations 4 to 9."""

from __future__ import annotations

from typing import Any, ClassVar

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, features, fixed
from tinykd.distill.losses.sizes import flat
from tinykd.recipe.losses.loss import Compares

keras = _keras()

#: Below the square of any distance that is not a rounding error; keeps the square root's gradient finite.
SMALLEST = 1e-12


class RKD(Loss):
    """`distance * mean_ij huber(d_ij) + angle * mean_ijk huber(a_ijk)`, Huber with its corner at 1, summed over pairs of layers.

    `d_ij` is the difference between student and teacher of `‖x_i - x_j‖ / mean of the batch's non-zero distances`; `a_ijk` that of
    the cosine of the angle at `i` of the triangle `j, i, k`. Widths need not agree. Both are zero for a student that is a moved,
    turned or scaled teacher. The triples take memory: `batch^3` floats, 8 MB at 128 and 67 MB at 256.

    Args:
        distance: weight of the distances; 0 leaves them out.
        angle: weight of the angles; 0 leaves them out.
    """

    compares: ClassVar[Compares] = "features"

    def __init__(self, distance: float = 25.0, angle: float = 50.0) -> None:
        self.distance = distance
        self.angle = angle

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from features `[batch, width]` or `[batch, height, width, channels]`, taken as vectors."""
        total = keras.ops.zeros(())
        for teacher, student in zip(fixed(teacher_outputs), features(student_outputs), strict=True):
            (their_distances, their_sides), (our_distances, our_sides) = _between(flat(teacher)), _between(flat(student))
            if self.distance:
                total += self.distance * _huber(_relative(our_distances) - _relative(their_distances))
            if self.angle:
                total += self.angle * _huber(_cosines(our_sides) - _cosines(their_sides))
        return total


def _between(rows: Any) -> tuple[Any, Any]:
    """Distances `[i, j]`, and `x_j - x_i` scaled to length 1 as `[i, j, width]`; 0 where two samples are the same."""
    differences = rows[None, :, :] - rows[:, None, :]
    squares = keras.ops.sum(keras.ops.square(differences), axis=-1)
    inverses = keras.ops.where(squares > SMALLEST, keras.ops.rsqrt(keras.ops.maximum(squares, SMALLEST)), 0.0)
    return squares * inverses, differences * inverses[:, :, None]


def _relative(distances: Any) -> Any:
    """Distances over the mean of those that are not 0."""
    count = keras.ops.sum(keras.ops.cast(distances > 0, "float32"))
    mean = keras.ops.sum(distances) / keras.ops.maximum(count, 1.0)
    return distances / keras.ops.maximum(mean, SMALLEST)


def _cosines(sides: Any) -> Any:
    """Of the angle between `x_j - x_i` and `x_k - x_i`, as `[i, j, k]`; 0 where a side has no length.

    What comes back is as symmetric in `j` and `k` as the cosines are, so its gradient is the same through either factor: taken
    through one of them, twice, it costs half.
    """
    once = keras.ops.stop_gradient(sides)
    return keras.ops.matmul(once, keras.ops.transpose(2.0 * sides - once, (0, 2, 1)))


def _huber(x: Any) -> Any:
    """Mean of `x^2 / 2` up to 1, `|x| - 1/2` beyond.

    Both are `c (x - c / 2)` with `c` the slope, `x` clipped to [-1, 1]; with `c` held, its gradient is theirs.
    """
    slope = keras.ops.stop_gradient(keras.ops.clip(x, -1.0, 1.0))
    return keras.ops.mean(slope * (x - slope / 2))
