"""Random logits and features, and what the tests ask of a loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_modules import tensorflow

Array = NDArray[np.float32]


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> Array:
    """Normally distributed float32 values of this shape."""
    return np.random.default_rng(seed).normal(0.0, scale, shape).astype(np.float32)


def value(loss: Any, teacher: Any, student: Any, **context: Any) -> float:
    """The loss as a number."""
    return float(loss.compute_loss(teacher, student, **context))


def gradient(loss: Any, teacher: Any, student: Sequence[Array], **context: Any) -> list[Array]:
    """With respect to each of the student's outputs; zeros where there is none."""
    tf = tensorflow()
    variables = [tf.Variable(one) for one in student]
    with tf.GradientTape() as tape:
        outputs = [tf.identity(one) for one in variables]
        result = loss.compute_loss(teacher, outputs if len(outputs) > 1 else outputs[0], **context)
    gradients = tape.gradient(result, variables, unconnected_gradients="zero")
    return [np.asarray(one) for one in gradients]


def built(loss: Any, teacher: Sequence[Array], student: Sequence[Array]) -> Any:
    """The loss, built for these outputs."""
    loss.build([one.shape[1:] for one in teacher], [one.shape[1:] for one in student])
    return loss
