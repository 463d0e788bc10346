"""Fake quantization: weights and activations on the grid of their integers, gradients straight through (Bengio 2013).

Weights are symmetric, a step a channel; activations affine, one step and zero point a tensor. Ranges are either observed or
learned. Learned ones follow LSQ (Esser 2020, "Learned Step Size Quantization", eq. 3) with its gradient scale `1 / sqrt(n Qp)`;
what is stored is the logarithm of the step, or of the range's ends, so that Adam's steps are relative (Jain 2019, TQT, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.compile.graph import Quant
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.keras_modules import tensorflow
from tinykd.quantize.native.weight_grid import INT8, WeightGrid

#: Integers of an activation.
LOW, HIGH = -128, 127

#: The least width of an activation's range, the least step of a weight: what is always zero still has a grid.
NARROWEST = 1e-6
FINEST = 1e-12


def straight_through(x: Any) -> Any:
    """`round(x)`, half to even, with the gradient of `x`."""
    ops = _keras().ops
    return x + ops.stop_gradient(ops.round(x) - x)


def divided(x: Any, whole: int) -> Any:
    """float32 `x` by a whole number below 256, correctly rounded in compiled graphs too.

    Compiling makes a division by a constant a multiplication by its reciprocal, off by a bit in float32; and a bit of a step is a
    whole step of an activation where the kernels round a tie. Rounded to float32, either way of dividing in float64 gives the same:
    a quotient is nearer to no tie than that.
    """
    ops = _keras().ops
    return ops.cast(ops.cast(x, "float64") / whole, "float32")


def scaled_gradient(x: Any, factor: float) -> Any:
    """`x`, its gradient times `factor`."""
    ops = _keras().ops
    return x * factor + ops.stop_gradient(x * (1.0 - factor))


def variable_name(node: str) -> str:
    """A node's name as Keras lets variables be called."""
    return node.replace("/", "_")


class WeightQuantizer:
    """`step * clip(round(w / step), -Qp, Qp)`; the step is the channel's largest weight over `Qp`.

    Attributes:
        weight_grid: The integers, up to `Qp`.
        axes: Axes of the kernel that share a step; the others are channels.
    """

    def __init__(self, axes: Sequence[int], weight_grid: WeightGrid = INT8) -> None:
        self.weight_grid = weight_grid
        self.axes = tuple(axes)

    @property
    def largest(self) -> int:
        """`Qp`."""
        return self.weight_grid.largest

    @property
    def variables(self) -> list[Any]:
        """What training moves besides the weights: nothing."""
        return []

    def step(self, weights: Any) -> Any:
        """The step of each channel, in the kernel's shape with 1 along `axes`."""
        ops = _keras().ops
        return ops.maximum(divided(ops.max(ops.abs(weights), axis=self.axes, keepdims=True), self.largest), FINEST)

    def __call__(self, weights: Any) -> Any:
        """`weights` on their grid."""
        step = self.step(weights)
        # No gradient to the step: it is the largest weight's own, and would pull that weight alone.
        step = _keras().ops.stop_gradient(step)
        return self._on_grid(weights, step)

    def integers(self, weights: NDArray[np.float32], step: NDArray[Any]) -> NDArray[np.int8]:
        """What `weights` are stored as, for a step of each channel that broadcasts."""
        return np.asarray(np.clip(self.weight_grid.nearest(weights / step, np.round), -self.largest, self.largest), np.int8)

    def whole(self, weights: Any, step: Any) -> Any:
        """`integers` of tensors, as float32."""
        ops = _keras().ops
        return ops.clip(self.weight_grid.nearest(weights / step, ops.round), -self.largest, self.largest)

    def _on_grid(self, weights: Any, step: Any) -> Any:
        ops = _keras().ops
        return step * ops.clip(self.weight_grid.nearest(weights / step, straight_through), -self.largest, self.largest)


class LearnedWeightQuantizer(WeightQuantizer):
    """A `WeightQuantizer` whose steps are trained.

    Args:
        axes, weight_grid: See `WeightQuantizer`.
        start: First steps, in the kernel's shape with 1 along `axes`.
        shared: Weights that share a step: `n`.
        name: Of the layer.
    """

    def __init__(self, axes: Sequence[int], weight_grid: WeightGrid, start: NDArray[np.float32], shared: int, name: str) -> None:
        super().__init__(axes, weight_grid)
        self._gradient = float(1.0 / np.sqrt(shared * self.largest))
        self._log_step = _keras().Variable(np.log(np.maximum(start, FINEST)), name=f"{variable_name(name)}_weight_range")

    @property
    def variables(self) -> list[Any]:
        """Logarithms of the steps."""
        return [self._log_step]

    def step(self, weights: Any) -> Any:  # noqa: ARG002
        """See `WeightQuantizer.step`."""
        return _keras().ops.exp(self._log_step)

    def __call__(self, weights: Any) -> Any:
        """`weights` on their grid, steps with LSQ's gradient."""
        return self._on_grid(weights, scaled_gradient(self.step(weights), self._gradient))


class ObservedRange:
    """The range of an activation, moved by an observer: 256 integers from `low` to `high`, moved so that 0.0 is one of them.

    Args:
        name: Of the layer.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._low = _keras().Variable(np.float32(0.0), trainable=False, name=f"{variable_name(name)}_low")
        self._high = _keras().Variable(np.float32(1.0), trainable=False, name=f"{variable_name(name)}_high")

    @property
    def variables(self) -> list[Any]:
        """Its ends."""
        return [self._low, self._high]

    @property
    def learned(self) -> list[Any]:
        """What the optimizer moves."""
        return []

    def set(self, low: Any, high: Any) -> None:
        """The range becomes `[min(low, 0), max(high, 0)]`."""
        ops = _keras().ops
        low, high = ops.minimum(ops.cast(low, "float32"), 0.0), ops.maximum(ops.cast(high, "float32"), 0.0)
        self._low.assign(low)
        self._high.assign(ops.maximum(high, low + NARROWEST))

    def ends(self) -> tuple[Any, Any]:
        """`low`, `high`."""
        return self._low.value, self._high.value

    def grid(self) -> tuple[Any, Any]:
        """Step and zero point, both float32."""
        ops = _keras().ops
        low, high = self.ends()
        step = divided(high - low, HIGH - LOW)
        return step, ops.clip(straight_through(LOW - low / step), LOW, HIGH)

    def quant(self) -> Quant:
        """As a tensor of the integer model has it."""
        step, zero = self.grid()
        return Quant((float(step),), (round(float(zero)),))

    def __call__(self, x: Any) -> Any:
        """`x` on the grid; a gradient for values inside only. One fused kernel: this is where the time goes."""
        step, zero = self.grid()
        return tensorflow().quantization.fake_quant_with_min_max_vars(x, (LOW - zero) * step, (HIGH - zero) * step, num_bits=8)


class LearnedRange(ObservedRange):
    """A range whose ends are trained. An end at 0 stays there: what a rectifier gives has no negative values to gain.

    Args:
        name: Of the layer.
        elements: Of one sample's tensor: `n`.
    """

    def __init__(self, name: str, elements: int) -> None:
        super().__init__(name)
        self._gradient = float(1.0 / np.sqrt(elements * HIGH))
        self._log_low = _keras().Variable(np.float32(0.0), name=f"{variable_name(name)}_low_range")
        self._log_high = _keras().Variable(np.float32(0.0), name=f"{variable_name(name)}_high_range")

    @property
    def variables(self) -> list[Any]:
        """Ends at the start, and logarithms of the factors that training found."""
        return [*super().variables, self._log_low, self._log_high]

    @property
    def learned(self) -> list[Any]:
        """Logarithms of the factors by which the ends move."""
        return [self._log_low, self._log_high]

    def set(self, low: Any, high: Any) -> None:
        """Begin anew from a range."""
        super().set(low, high)
        self._log_low.assign(0.0)
        self._log_high.assign(0.0)

    def ends(self) -> tuple[Any, Any]:
        """`low`, `high`, with LSQ's gradient."""
        ops = _keras().ops
        low, high = (
            start * ops.exp(log) for start, log in ((self._low.value, self._log_low.value), (self._high.value, self._log_high.value))
        )
        return scaled_gradient(low, self._gradient), scaled_gradient(high, self._gradient)

    def __call__(self, x: Any) -> Any:
        """`x` on the grid, with gradients to the ends."""
        ops = _keras().ops
        step, zero = self.grid()
        return (ops.clip(straight_through(x / step) + zero, LOW, HIGH) - zero) * step


class FixedRange:
    """A grid that the kernels prescribe or the data has: it never moves.

    Args:
        quant: One step, one zero point.
    """

    def __init__(self, quant: Quant) -> None:
        self._quant = quant
        self.variables: list[Any] = []
        self.learned: list[Any] = []

    def set(self, low: Any, high: Any) -> None:
        """Nothing moves it."""

    def grid(self) -> tuple[Any, Any]:
        """Step and zero point."""
        return self._quant.scale, self._quant.zero_point

    def quant(self) -> Quant:
        """As a tensor of the integer model has it."""
        return self._quant

    def __call__(self, x: Any) -> Any:
        """`x` on the grid; a gradient for values inside only."""
        step, zero = self.grid()
        return tensorflow().quantization.fake_quant_with_min_max_args(x, (LOW - zero) * step, (HIGH - zero) * step, num_bits=8)


Range = ObservedRange | FixedRange
