"""Singular vectors of maps: Lee, Kim and Song 2018, "Self-supervised Knowledge Distillation Using Singular Value Decomposition"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.fsp import require_consecutive
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.maps import as_map, own_moments, same_width, widened
from tinykd.recipe.losses.loss import Compares

keras = _keras()

#: How many more singular vectors of the student are looked through for the one that is most like the teacher's.
MORE = 3

#: A singular value below this share of all of them is 0 but for rounding.
LEAST = 1e-3

#: Eigenvalues as close as this, as shares of the whole, are not told apart: keeps the gradient finite where two are equal.
CLOSEST = 1e-5


class SVD(Loss):
    """`sum (R_s - R_t)^2` with `R = exp(-(a_i - b_j)^2 / 8)`, over consecutive layers and their `k` singular vectors; mean over the batch.

    A map taken as a matrix `[positions, channels]` is `U S V^T`; `a` and `b` are columns of `V` for two consecutive layers, times the
    teacher's singular values scaled to length 1 (for k 1 these are 1). Each vector of the teacher is compared with that of the
    student's first `k + 3` that is most like it, whatever its sign. The signs of singular vectors are arbitrary: here the teacher's
    have a sum that is not negative, and the student's follow. Where channels differ, a 1x1 convolution without bias takes the
    student's to the teacher's.

    Decompositions cost more than a small student. The mean over the first `decomposed` samples of a batch, which is in random order, has
    the expectation of that over all of them, and so has its gradient.

    Args:
        k: singular vectors of a map.
        decomposed: samples of a batch that are compared, at most.
    """

    compares: ClassVar[Compares] = "features"

    def __init__(self, k: int = 1, decomposed: int = 24) -> None:
        self.k = k
        self.decomposed = decomposed

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """One 1x1 convolution a pair of layers of different widths.

        Raises:
            RecipeError: a single pair of layers.
        """
        require_consecutive("svd", teacher_shapes)
        self.networks = same_width(teacher_shapes, student_shapes)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from features of two or more pairs of layers, in order of the forward pass."""
        sides = ([as_map(one)[: self.decomposed] for one in side] for side in (fixed(teacher_outputs), features(student_outputs)))
        teachers, students = ([own_moments(x) for x in side] for side in sides)
        require_consecutive("svd", teachers)
        if self.networks:
            students = [widened(student, network, network) for student, network in zip(students, self.networks, strict=True)]
        vectors = [self._aligned(student, teacher) for student, teacher in zip(students, teachers, strict=True)]
        total = keras.ops.zeros(())
        for (ours, theirs), (our_next, their_next) in pairwise(vectors):
            difference = _relation(ours, our_next) - _relation(theirs, their_next)
            total += keras.ops.mean(keras.ops.sum(keras.ops.square(difference), axis=(1, 2, 3)))
        return total

    def _aligned(self, student: Any, teacher: Any) -> tuple[Any, Any]:
        """Singular vectors of both maps from their moments, `[batch, channels, k]`, like by like, times the teacher's scaled values."""
        values, theirs = singular(teacher, self.k)
        theirs *= keras.ops.where(keras.ops.sum(theirs, axis=1, keepdims=True) < 0, -1.0, 1.0)
        shares, candidates = singular(student, self.k + MORE)
        cosines = keras.ops.stop_gradient(keras.ops.einsum("bcn,bck->bkn", candidates, theirs))
        # A direction that the map does not have is a candidate of arbitrary direction.
        cosines *= keras.ops.cast(shares > LEAST, "float32")[:, None, :]
        best = keras.ops.one_hot(keras.ops.argmax(keras.ops.absolute(cosines), axis=-1), cosines.shape[-1])
        ours = keras.ops.einsum("bcn,bkn->bck", candidates, best * keras.ops.where(cosines < 0, -1.0, 1.0))
        scale = values / keras.ops.maximum(keras.ops.norm(values, axis=-1, keepdims=True), CLOSEST)
        return ours * scale[:, None, :], theirs * scale[:, None, :]


def singular(gram: Any, count: int) -> tuple[Any, Any]:
    """The largest singular values of each map, as shares of all of them, `[batch, count]`, and right singular vectors
    `[batch, channels, count]`; fewer where there are fewer channels.

    They are square roots of eigenvalues, and eigenvectors, of `A = F^T F`, here `gram` `[batch, channels, channels]` up to a factor.
    The vectors have a gradient: to first order, `dv_i = sum over j of v_j (v_j^T dA v_i) / (l_i - l_j)`, without the terms of equal
    eigenvalues, for which it is infinite.
    """
    trace = keras.ops.stop_gradient(keras.ops.einsum("bcc->b", gram))[:, None, None]
    gram = gram / keras.ops.maximum(trace, CLOSEST)
    fixed_gram = keras.ops.stop_gradient(gram)
    values, vectors = (keras.ops.stop_gradient(one) for one in keras.ops.eigh(fixed_gram))
    largest, leading = keras.ops.flip(values, axis=-1)[:, :count], keras.ops.flip(vectors, axis=-1)[:, :, :count]
    change = keras.ops.einsum("bcj,bcd,bdi->bji", vectors, gram - fixed_gram, leading)
    gaps = largest[:, None, :] - values[:, :, None]
    moved = keras.ops.matmul(vectors, change * gaps / (keras.ops.square(gaps) + CLOSEST**2))
    return keras.ops.sqrt(keras.ops.maximum(largest, 0.0)), leading + moved


def _relation(first: Any, second: Any) -> Any:
    """`exp(-(a_i - b_j)^2 / 8)`, `[batch, channels, next channels, k]`."""
    return keras.ops.exp(-keras.ops.square(first[:, :, None, :] - second[:, None, :, :]) / 8)
