"""Training with quantized weights: Polino, Pascanu and Alistarh 2018, "Model Compression via Distillation and Quantization"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.objective import Objective
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.tap import LOGITS, tap
from tinykd.distill.trainable import Trainable
from tinykd.quantize.native.rounding import WeightQuantizer
from tinykd.quantize.native.weight_grid import GRIDS

Rounding = Callable[[Any], Any]
"""A kernel (a Keras variable) to its rounded values."""


class Quantized(Scheme):
    """Offline, with a student that computes with rounded kernels."""

    def trained(self, model: Any, objective: Objective) -> Any:
        """See `RoundedStudent`."""
        return RoundedStudent(model, readable(model, objective.student_layers), self._rounding(model))

    def settle(self, model: Any) -> None:
        """Leave the rounded kernels in the student."""
        rounding = self._rounding(model)
        for variable in kernels(model):
            variable.assign(rounding(variable))

    def _rounding(self, model: Any) -> Rounding:
        section = self.section
        if section.grid == "bucket":
            return lambda variable: rounded(variable.value, section.bits, section.bucket)
        axes = {id(variable): axes for variable, axes in shared_axes(model)}
        return lambda variable: rounded_by_channel(variable.value, section.bits, axes[id(variable)])


@dataclass(frozen=True)
class RoundedStudent(Trainable):
    """A network that computes with rounded kernels, and whose gradients go to the full-precision ones (straight through).

    Attributes:
        model: The network, Keras 3.
        outputs: The same layers, with outputs by name.
        rounding: Of kernels.
    """

    outputs: Any
    rounding: Rounding

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Logits `[batch, classes]`."""
        return self.tapped(x, training)[LOGITS]

    def tapped(self, x: Any, training: bool = False) -> Mapping[str, Any]:
        """Every output by name."""
        ops = _keras().ops
        rounding = {id(variable) for variable in kernels(self.model)}
        weights = []
        for variable in self.outputs.trainable_variables:
            value = ops.convert_to_tensor(variable)
            if id(variable) in rounding:
                value = value + ops.stop_gradient(self.rounding(variable) - value)
            weights.append(value)
        fixed = list(self.outputs.non_trainable_variables)
        outputs, updated = self.outputs.stateless_call(weights, [each.value for each in fixed], x, training=training)
        for variable, value in zip(fixed, updated, strict=True):
            variable.assign(value)
        named: Mapping[str, Any] = outputs
        return named


def kernels(model: Any) -> list[Any]:
    """The variables that are rounded: not biases, not normalization."""
    return [variable for variable in model.trainable_variables if len(variable.shape) > 1]


def shared_axes(model: Any) -> list[tuple[Any, tuple[int, ...]]]:
    """Each kernel with its axes within a channel: channels lie along the last but one where layers are depthwise or transposed."""
    turned = {
        id(variable) for layer in model.layers if "Depthwise" in type(layer).__name__ or "Transpose" in type(layer).__name__
        for variable in layer.variables
    }  # fmt: skip
    found = []
    for variable in kernels(model):
        channels = len(variable.shape) - (2 if id(variable) in turned else 1)
        found.append((variable, tuple(axis for axis in range(len(variable.shape)) if axis != channels)))
    return found


def rounded_by_channel(weights: Any, bits: int, axes: tuple[int, ...]) -> Any:
    """`step * k`, `step` the channel's largest weight over the largest `k`: the grid of the native engine's kernels.

    Args:
        weights: A kernel.
        bits: 8 and 4: all integers but the least; 2: -3, -1, 1, 3.
        axes: Those within a channel.
    """
    quantizer = WeightQuantizer(axes, GRIDS[bits])  # type: ignore[index]
    step = quantizer.step(weights)
    return step * quantizer.whole(weights, step)


def readable(model: Any, layers: tuple[str, ...]) -> Any:
    """The network as a model with outputs by name."""
    return tap(model, layers) if layers else _keras().Model(model.inputs, {LOGITS: model.outputs[0]})


def rounded(weights: Any, bits: int, bucket: int) -> Any:
    """`Q(w) = a + b round((w - a) / b * n) / n`, `n = 2^bits - 1`, with `a` the least and `a + b` the largest weight of a bucket.

    Args:
        weights: Any shape; buckets are runs of its flattened values, the last one perhaps shorter.
        bits: Of a weight.
        bucket: Weights that share a scale.
    """
    ops = _keras().ops
    flat = ops.reshape(weights, (-1,))
    count = int(flat.shape[0])
    bucket = min(bucket, count)
    missing = -count % bucket
    # Copies of the last weight fill the last bucket: they change no extreme.
    filled = ops.concatenate([flat, ops.repeat(flat[-1:], missing)]) if missing else flat
    rows = ops.reshape(filled, (-1, bucket))
    low = ops.min(rows, axis=1, keepdims=True)
    span = ops.max(rows, axis=1, keepdims=True) - low
    steps = 2**bits - 1
    unit = ops.where(span > 0, span, 1.0) / steps
    return ops.reshape(ops.reshape(low + ops.round((rows - low) / unit) * unit, (-1,))[:count], weights.shape)
