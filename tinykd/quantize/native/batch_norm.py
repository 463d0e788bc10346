"""Batch normalization: a scale and a shift a channel, folded into the kernel before it, or by itself a 1x1 depthwise convolution.

Folding commutes with rounding per channel: `round(g w / (|g| s)) |g| s = g round(w / s) s`. So while training it stays a layer, with
the statistics of the batch, and the kernel before it is rounded unfolded; the integers are those of the folded kernel nevertheless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinykd.compile.graph import Quant
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.keras_modules import tensorflow
from tinykd.quantize.native.arithmetic import Result, Scale, away, multiplied
from tinykd.quantize.native.emission import Emission, Target
from tinykd.quantize.native.node import Operation


@dataclass(frozen=True, eq=False)
class Affine(Operation):
    """`scale * x + shift`, a number of each for every channel."""

    fuses_clamp: ClassVar[bool] = True

    def coefficients(self) -> tuple[Any, Any]:
        """`scale`, `shift`, each `[channels]`."""
        raise NotImplementedError

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        scale, shift = self.coefficients()
        return inputs[0] * scale + shift

    def exact(self, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:
        """Every weight is 127 steps, or -127."""
        tf = tensorflow()
        scale, shift = (tf.cast(each, tf.float64) for each in self.coefficients())
        step = tf.cast(tf.cast(tf.maximum(tf.abs(scale) / 127.0, 1e-30), tf.float32), tf.float64) * scales[0].step
        sums = tf.cast(inputs[0], tf.float64) * tf.round(127.0 * tf.sign(scale)) + away(shift / step)
        return result.saturated(multiplied(sums, step / result.scale.step))

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """DEPTHWISE_CONV_2D with filters of one weight, which a step of its own stores exactly."""
        (source,) = sources
        scale, shift = (np.asarray(each, np.float64) * np.ones(target.shape[-1]) for each in self.coefficients())
        integers, scales, bias = folded(np.ones(len(scale)), np.full(len(scale), 127), scale / 127, shift, out.quant(source).scale, 127)
        zeros = (0,) * len(scales)
        weights = out.constant(f"{target.name}/weights", integers.reshape(1, 1, 1, -1), Quant(tuple(map(float, scales)), zeros, 3))
        steps = tuple(float(np.float32(out.quant(source).scale * each)) for each in scales)
        shifts = out.constant(f"{target.name}/bias", bias, Quant(steps, zeros))
        *outer, channels = target.shape
        shape = target.shape if len(target.shape) == 4 else (1, 1, int(np.prod(outer)), channels)
        wide = out.reshape(source, shape, f"{target.name}/image")
        options = DepthwiseConv2DOptions(1, 1, 1, 1, target.clamp, 1, 1)
        result = out.op("DEPTHWISE_CONV_2D", (wide, weights, shifts), out.through(target, shape), options)
        return out.reshape(result, target.shape, target.name)


@dataclass(frozen=True, eq=False)
class BatchNorm(Affine):
    """A Keras layer over the last axis.

    Attributes:
        layer: Its variables, momentum and epsilon.
    """

    layer: Any

    def coefficients(self) -> tuple[Any, Any]:
        """With the moving statistics."""
        return self._with(self.layer.moving_mean.value, self.layer.moving_variance.value)

    def batch(self, x: Any, frozen: Any) -> Any:
        """Normalised by the statistics of the batch, which move the stored ones; by those, unmoved, where `frozen` is 1 and not 0."""
        ops = _keras().ops
        layer = self.layer
        mean, variance = ops.moments(x, axes=tuple(range(len(x.shape) - 1)))
        keep = frozen + (1.0 - frozen) * layer.momentum
        stored_mean, stored_variance = layer.moving_mean.value, layer.moving_variance.value
        used = self._with(
            frozen * stored_mean + (1.0 - frozen) * mean,
            frozen * stored_variance + (1.0 - frozen) * variance,
        )
        layer.moving_mean.assign(keep * stored_mean + (1.0 - keep) * ops.stop_gradient(mean))
        layer.moving_variance.assign(keep * stored_variance + (1.0 - keep) * ops.stop_gradient(variance))
        return x * used[0] + used[1]

    def _with(self, mean: Any, variance: Any) -> tuple[Any, Any]:
        layer = self.layer
        scale = _keras().ops.rsqrt(variance + layer.epsilon)
        if layer.gamma is not None:
            scale = scale * layer.gamma.value
        shift = -mean * scale
        return scale, shift if layer.beta is None else shift + layer.beta.value


@dataclass(frozen=True, eq=False)
class Constants(Affine):
    """Rescaling, and Normalization with measured statistics.

    Attributes:
        scale, shift: `[channels]`, or one number.
    """

    scale: NDArray[np.float32]
    shift: NDArray[np.float32]

    def coefficients(self) -> tuple[Any, Any]:
        """As given."""
        return self.scale, self.shift


#: Biases stay well inside 32 bits.
_LARGEST_BIAS = 1 << 29


def folded(
    factor: NDArray[np.float64],
    weights: NDArray[Any],
    step: NDArray[np.float64],
    bias: NDArray[np.float64],
    input_step: float,
    largest: int,
) -> tuple[NDArray[np.int8], NDArray[np.float64], NDArray[np.int32]]:
    """A kernel on the grid of its layer, with a batch norm's scale folded in.

    Where a bias would not fit 32 bits the channel's step grows until it does: such weights are so small beside the bias that no
    output changes.

    Args:
        factor: The batch norm's scale `[channels]`, ones without.
        weights: Integers `[..., channels]`.
        step: Of the layer's grid, `[channels]`.
        bias: Real values `[channels]`, folded already.
        input_step: Of the layer's input.
        largest: Magnitude of a weight.

    Returns:
        Integers `[..., channels]`, their steps (float32 values) and the bias.
    """
    exact = np.abs(factor * step)
    least = np.maximum(np.abs(bias) / (input_step * _LARGEST_BIAS), 1e-30)
    scales = np.maximum(exact, least).astype(np.float32).astype(np.float64)
    ratio = np.where(exact >= least, np.sign(factor * step), factor * step / scales)
    integers = np.clip(np.round(weights * ratio), -largest, largest).astype(np.int8)
    return integers, scales, np.round(bias / (input_step * scales)).astype(np.int32)
