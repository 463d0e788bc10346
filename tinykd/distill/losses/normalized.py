"""A 1x1 convolution with batch normalization behind it, as one matrix product.

Mean and variance of a linear map's outputs follow from mean and covariance of its inputs, so the normalization can be taken into
the kernel: the map is gone through by products only, where the two layers apart go through it ten times.
"""

from __future__ import annotations

from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.maps import gram

keras = _keras()

EPSILON = 1e-5


class NormalizedDense(keras.layers.Layer):  # type: ignore[misc,name-defined]
    """`gamma (x W - mean) / sqrt(variance + epsilon) + beta`, mean and variance of `x W` over batch and positions.

    Always of the batch at hand, as in training: there are no moving statistics.
    """

    def __init__(self, channels: int, name: str) -> None:
        super().__init__(name=name)
        self.channels = channels

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Kernel `[inputs, channels]`, gamma and beta `[channels]`."""
        self.kernel = self.add_weight((input_shape[-1], self.channels), "lecun_uniform", name="kernel")
        self.gamma = self.add_weight((self.channels,), "ones", name="gamma")
        self.beta = self.add_weight((self.channels,), "zeros", name="beta")

    def call(self, x: Any, training: bool = True) -> Any:  # noqa: ARG002
        """`[..., inputs]` -> `[..., channels]`."""
        rows = keras.ops.reshape(x, (-1, x.shape[-1]))
        mean = keras.ops.mean(rows, axis=0, keepdims=True)
        count = keras.ops.cast(keras.ops.shape(rows)[0], "float32")
        covariance = gram(rows) / count - keras.ops.matmul(keras.ops.transpose(mean), mean)
        variance = keras.ops.sum(self.kernel * keras.ops.matmul(covariance, self.kernel), axis=0)
        kernel = self.kernel * (self.gamma * keras.ops.rsqrt(keras.ops.maximum(variance, 0.0) + EPSILON))
        out = keras.ops.matmul(rows, kernel) + (self.beta - keras.ops.matmul(mean, kernel)[0])
        return keras.ops.reshape(out, (-1, *x.shape[1:-1], self.channels))
