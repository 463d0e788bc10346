"""Inputs that a network takes for samples of its classes: DeepInversion (Yin et al. 2020, "Dreaming to Distill", section 3.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.batch_norm import batch_norm_layers
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.keras_modules import tensorflow
from tinykd.errors import UnsupportedModel
from tinykd.recipe.schemes import DataFree


def invert(teacher: Any, count: int, section: DataFree, span: tuple[float, float], rng: np.random.Generator) -> NDArray[np.float32]:
    """`count` inputs, optimised from noise with Adam.

    Args:
        teacher: Keras 3 model with batch norm.
        count: Inputs optimised together; their statistics are compared with the batch norms'.
        section: Weights, learning rate, steps.
        span: Least and largest value of an input; what leaves it is put back after each step.
        rng: Of classes and noise.

    Raises:
        UnsupportedModel: the teacher has no batch norm.
    """
    tf, keras = tensorflow(), _keras()
    norms = batch_norm_layers(teacher)
    if not norms:
        raise UnsupportedModel("deep_inversion needs a teacher with batch norm, whose statistics it matches", 'set kind = "dafl"')
    tapped = keras.Model(teacher.inputs, [teacher.output, *(layer.input for layer in norms)])
    stored = [(layer.moving_mean.value, layer.moving_variance.value) for layer in norms]
    classes = rng.integers(teacher.output_shape[-1], size=count)
    low, high = span
    start = rng.uniform(low, high, (count, *teacher.input_shape[1:])).astype(np.float32)
    x = keras.Variable(start, name="inputs")
    optimizer = keras.optimizers.Adam(section.learning_rate)
    optimizer.build([x])

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step() -> None:
        with tf.GradientTape() as tape:
            logits, *seen = tapped(x.value, training=False)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(classes, logits))
            loss += section.total_variation * total_variation(x.value)
            loss += section.statistics_weight * sum(statistics_gap(each, *kept) for each, kept in zip(seen, stored, strict=True))
        optimizer.apply_gradients([(tape.gradient(loss, x.value), x)])
        x.assign(tf.clip_by_value(x.value, low, high))

    for _ in range(section.steps):
        step()
    made: NDArray[np.float32] = np.array(x.numpy(), np.float32)
    return made


def statistics_gap(features: Any, mean: Any, variance: Any) -> Any:
    """`|mean(F) - mean|_2 + |var(F) - variance|_2` over batch and space, of `[batch, ..., channels]` (Yin 2020, equation 4)."""
    ops = _keras().ops
    axes = tuple(range(len(features.shape) - 1))
    own_mean, own_variance = ops.mean(features, axis=axes), ops.var(features, axis=axes)
    return _norm(own_mean - mean) + _norm(own_variance - variance)


def total_variation(x: Any) -> Any:
    """Root of the summed squared differences of neighbours, right, below and diagonal; 0 for inputs that are no maps."""
    if len(x.shape) != 4:
        return 0.0
    right, below = x[:, :, 1:] - x[:, :, :-1], x[:, 1:] - x[:, :-1]
    falling, rising = x[:, 1:, 1:] - x[:, :-1, :-1], x[:, 1:, :-1] - x[:, :-1, 1:]
    return _norm(right) + _norm(below) + _norm(falling) + _norm(rising)


def _norm(difference: Any) -> Any:
    """Euclidean, with a gradient at 0."""
    ops = _keras().ops
    return ops.sqrt(ops.sum(ops.square(difference)) + 1e-12)
