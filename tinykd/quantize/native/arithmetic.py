"""The kernels' fixed-point arithmetic in float64, as TensorFlow operations: what a network in evaluation computes.

Values are integers less their zero point, held in floats: [batch, ...]. Half a step too much or too little of a real network is
often a tie on the device, and roundings in two stages are not those in one; so evaluation rounds as the kernels do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.activation import NONE, RELU6
from tinykd.distill.keras_modules import tensorflow
from tinykd.quantize.native.rounding import HIGH, LOW, Range


@dataclass(frozen=True)
class Scale:
    """A grid, as tensors.

    Attributes:
        step: float64, a float32's value.
        zero: Zero point, float64.
    """

    step: Any
    zero: Any

    @classmethod
    def of(cls, one: Range) -> Scale:
        """As the integer model will have it."""
        tf = tensorflow()
        step, zero = one.grid()
        return cls(tf.cast(tf.cast(step, tf.float32), tf.float64), tf.round(tf.cast(zero, tf.float64)))


@dataclass(frozen=True)
class Result:
    """What a kernel's results become.

    Attributes:
        scale: Their grid.
        clamp: ActivationFunctionType that ends the kernel.
    """

    scale: Scale
    clamp: int = NONE

    def saturated(self, steps: Any) -> Any:
        """Whole steps from zero to what an int8 holds and the rectifier leaves, as float32."""
        tf = tensorflow()
        low, high = LOW - self.scale.zero, HIGH - self.scale.zero
        if self.clamp != NONE:
            low = tf.maximum(low, 0.0)
        if self.clamp == RELU6:
            high = tf.minimum(high, away(6.0 / self.scale.step))
        return tf.cast(tf.clip_by_value(steps, low, high), tf.float32)


def away(x: Any) -> Any:
    """`x` rounded, ties away from zero."""
    tf = tensorflow()
    return tf.sign(x) * tf.floor(tf.abs(x) + 0.5)


def multiplied(x: Any, real: Any) -> Any:
    """Integers `x` times positive reals, as `MultiplyByQuantizedMultiplier` rounds: a 31-bit product, then a shift."""
    tf = tensorflow()
    x, real = tf.cast(x, tf.float64), tf.maximum(tf.cast(real, tf.float64), 1e-300)
    exponent = tf.floor(tf.math.log(real) / np.log(2.0)) + 1.0
    # Logarithms of powers of two may fall on either side: the significand belongs in [1/2, 1).
    exponent += tf.cast(real * 2.0**-exponent >= 1.0, tf.float64) - tf.cast(real * 2.0**-exponent < 0.5, tf.float64)
    significand = tf.round(real * 2.0 ** (31.0 - exponent)) * 2.0**-31
    left, right = tf.maximum(exponent, 0.0), tf.minimum(exponent, 0.0)
    return away(away(x * 2.0**left * significand) * 2.0**right)


def multiplied_once(x: Any, real: Any) -> Any:
    """Integers times reals, rounded once: FULLY_CONNECTED."""
    tf = tensorflow()
    return away(tf.cast(x, tf.float64) * tf.cast(real, tf.float64))


def rescaled(x: Any, scale: Scale, result: Result) -> Any:
    """The same values on another grid: QUANTIZE, RELU."""
    return result.saturated(multiplied(x, scale.step / result.scale.step))


def combined(kind: str, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:
    """ADD, SUB, MUL."""
    tf = tensorflow()
    (a, b), (a_scale, b_scale) = inputs, scales
    if kind == "MUL":
        a, b = tf.cast(a, tf.float64), tf.cast(b, tf.float64)
        one = tf.cast(a_scale.step, tf.float32) * tf.cast(b_scale.step, tf.float32) / tf.cast(result.scale.step, tf.float32)
        return result.saturated(multiplied(a * b, one))
    twice = 2.0 * tf.maximum(a_scale.step, b_scale.step)
    a, b = (multiplied(tf.cast(x, tf.float64) * 2.0**20, s.step / twice) for x, s in ((a, a_scale), (b, b_scale)))
    return result.saturated(multiplied(a + b if kind == "ADD" else a - b, twice / (2.0**20 * result.scale.step)))


def mean(total: Any, count: int, scale: Scale, result: Result) -> Any:
    """Sums of `count` integers less their zero point to means: MEAN, whose multiplier is divided by the count, rounded down."""
    tf = tensorflow()
    real = scale.step / result.scale.step
    exponent = tf.floor(tf.math.log(real) / np.log(2.0)) + 1.0
    multiplier = tf.round(real * 2.0 ** (31.0 - exponent))
    halvings = tf.minimum(31.0 + exponent, float(min(count.bit_length() - 1, 32)))
    divided = tf.floor(multiplier * 2.0**halvings / count)
    shift = exponent - halvings
    left, right = tf.maximum(shift, 0.0), tf.minimum(shift, 0.0)
    return result.saturated(away(away(tf.cast(total, tf.float64) * 2.0**left * divided * 2.0**-31) * 2.0**right))


def looked_up(kind: str, options: Any, x: Any, scale: Scale, result: Result) -> Any:
    """A function of each element, through the compiler's own table of its 256 integers."""
    tf = tensorflow()

    def table(step: Any, zero: Any, out_step: Any, out_zero: Any) -> NDArray[np.float32]:
        quants = Quant((float(step),), (int(zero),)), Quant((float(out_step),), (int(out_zero),))
        tensors = tuple(Tensor(name, (1, 256), "int8", quant) for name, quant in zip(("x", "y"), quants, strict=True))
        op = Op(kind, (0,), (1,), options)
        row = OPERATORS[kind]
        parameters = row.lower(Graph(tensors, (op,), (0,), (1,)), op, "single")
        (answers,) = row.reference(parameters, [np.arange(-128, 128, dtype=np.int8).reshape(1, 256)])
        return np.asarray(answers.astype(np.float32) - np.float32(out_zero), np.float32).reshape(-1)

    scales = [scale.step, scale.zero, result.scale.step, result.scale.zero]
    answers = tf.ensure_shape(tf.numpy_function(table, [tf.cast(one, tf.float64) for one in scales], tf.float32), (256,))
    return tf.gather(answers, tf.cast(tf.cast(x, tf.float64) + scale.zero + 128.0, tf.int32))
