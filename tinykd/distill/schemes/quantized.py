"""Training with quantized weights: Polino, Pascanu and Alistarh 2018, "Model Compression via Distillation and Quantization"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.objective import Objective
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.tap import LOGITS, tap


class Quantized(Scheme):
    """Offline, with a student that computes with rounded kernels."""

    def trained(self, model: Any, objective: Objective) -> Any:
        """See `RoundedStudent`."""
        return RoundedStudent(model, readable(model, objective.student_layers), self.section.bits, self.section.bucket)

    def settle(self, model: Any) -> None:
        """Leave the rounded kernels in the student."""
        for variable in kernels(model):
            variable.assign(rounded(variable.value, self.section.bits, self.section.bucket))


@dataclass(frozen=True)
class RoundedStudent:
    """A network that computes with rounded kernels, and whose gradients go to the full-precision ones (straight through).

    Attributes:
        model: The network, Keras 3.
        outputs: The same layers, with outputs by name.
        bits, bucket: See `rounded`.
    """

    model: Any
    outputs: Any
    bits: int
    bucket: int

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
                value = value + ops.stop_gradient(rounded(value, self.bits, self.bucket) - value)
            weights.append(value)
        fixed = list(self.outputs.non_trainable_variables)
        outputs, updated = self.outputs.stateless_call(weights, [each.value for each in fixed], x, training=training)
        for variable, value in zip(fixed, updated, strict=True):
            variable.assign(value)
        named: Mapping[str, Any] = outputs
        return named

    @property
    def trainable_variables(self) -> list[Any]:
        """In full precision."""
        return list(self.model.trainable_variables)

    @property
    def variables(self) -> list[Any]:
        """In full precision."""
        return list(self.model.variables)

    @property
    def losses(self) -> list[Any]:
        """Regularisation, of the full-precision weights."""
        return list(self.model.losses)


def kernels(model: Any) -> list[Any]:
    """The variables that are rounded: not biases, not normalization."""
    return [variable for variable in model.trainable_variables if len(variable.shape) > 1]


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
