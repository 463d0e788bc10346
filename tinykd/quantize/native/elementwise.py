"""Sums, products, joins and activations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tinykd.compile.graph import Quant
from tinykd.compile.ops.activation import RELU, RELU6
from tinykd.compile.ops.add import AddOptions
from tinykd.compile.ops.concatenation import ConcatenationOptions
from tinykd.compile.ops.gelu import GeluOptions
from tinykd.compile.ops.leaky_relu import LeakyReluOptions
from tinykd.compile.ops.mul import MulOptions
from tinykd.compile.ops.softmax import SoftmaxOptions
from tinykd.compile.ops.sub import SubOptions
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.keras_modules import tensorflow
from tinykd.quantize.native.arithmetic import Result, Scale, combined, looked_up, rescaled
from tinykd.quantize.native.emission import Emission, Target
from tinykd.quantize.native.node import Operation


class Identity(Operation):
    """What does nothing on the device."""

    grid = "input"

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """The input."""
        return inputs[0]

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:  # noqa: ARG002
        """Nothing."""
        return sources[0]


@dataclass(frozen=True, eq=False)
class TrainingOnly(Identity):
    """Dropout and noise: they act while training.

    Attributes:
        layer: The Keras layer.
    """

    layer: Any

    def real(self, inputs: Sequence[Any], training: bool) -> Any:
        """The layer's result."""
        return self.layer(inputs[0], training=training)


class Requantize(Operation):
    """The same values on another grid."""

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """The input."""
        return inputs[0]

    def exact(self, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:
        """See `Operation.exact`."""
        return rescaled(inputs[0], scales[0], result)

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """QUANTIZE."""
        return out.op("QUANTIZE", sources, target)


@dataclass(frozen=True, eq=False)
class Pairwise(Operation):
    """Add, Subtract, Multiply of two tensors, one of them perhaps broadcast.

    Attributes:
        kind: ADD, SUB, MUL.
    """

    kind: str
    fuses_clamp: ClassVar[bool] = True

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        a, b = inputs
        return a + b if self.kind == "ADD" else a - b if self.kind == "SUB" else a * b

    def exact(self, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:
        """See `Operation.exact`."""
        return combined(self.kind, inputs, scales, result)

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """One operator."""
        options = {"ADD": AddOptions(target.clamp, 0), "SUB": SubOptions(target.clamp, 0), "MUL": MulOptions(target.clamp)}
        return out.op(self.kind, sources, target, options[self.kind])


@dataclass(frozen=True, eq=False)
class Concatenate(Operation):
    """Concatenate.

    Attributes:
        axis: Batch included, from 0.
    """

    axis: int
    joins: ClassVar[bool] = True

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        return _keras().ops.concatenate(list(inputs), axis=self.axis)

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """CONCATENATION."""
        return out.op("CONCATENATION", sources, target, ConcatenationOptions(self.axis))


@dataclass(frozen=True, eq=False)
class Extremum(Operation):
    """Maximum, Minimum of two tensors.

    Attributes:
        kind: MAXIMUM, MINIMUM.
    """

    kind: str
    joins: ClassVar[bool] = True

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        ops = _keras().ops
        return (ops.maximum if self.kind == "MAXIMUM" else ops.minimum)(*inputs)

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """One operator."""
        return out.op(self.kind, sources, target)


@dataclass(frozen=True, eq=False)
class Clamp(Operation):
    """A rectifier that ends the kernel before it.

    Attributes:
        clamp: RELU or RELU6.
    """

    clamp: int

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        ops = _keras().ops
        return ops.relu(inputs[0]) if self.clamp == RELU else ops.relu6(inputs[0])

    def exact(self, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:
        """See `Operation.exact`."""
        return rescaled(inputs[0], scales[0], replace(result, clamp=self.clamp))

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """RELU or RELU6 by itself."""
        return out.op({RELU: "RELU", RELU6: "RELU6"}[self.clamp], sources, target)


@dataclass(frozen=True, eq=False)
class Activation(Operation):
    """A function of each element.

    Attributes:
        kind: The operator.
        function: In real numbers.
        options: Of the operator.
    """

    kind: str
    function: Callable[[Any], Any]
    options: Any = None

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        return self.function(inputs[0])

    def exact(self, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:
        """See `Operation.exact`."""
        return looked_up(self.kind, self.options, inputs[0], scales[0], result)

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """One operator."""
        return out.op(self.kind, sources, target, self.options)


class Probability(Activation):
    """A function whose kernel gives 256ths."""

    grid = "fixed"
    quant = Quant((1 / 256,), (-128,))


class Signed(Activation):
    """A function whose kernel gives 128ths."""

    grid = "fixed"
    quant = Quant((1 / 128,), (0,))


class Softmax(Probability):
    """Over the last axis: the one function that looks at neighbours. Its kernel's fixed-point exponentials are not followed here."""

    def exact(self, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:
        """See `Operation.exact`."""
        tf = tensorflow()
        real = self.function(tf.cast(inputs[0], tf.float64) * scales[0].step)
        return result.saturated(tf.round(real / result.scale.step))


def leaky_relu(alpha: float) -> Operation:
    """`max(x, alpha x)`."""
    return Activation("LEAKY_RELU", lambda x: _keras().ops.leaky_relu(x, alpha), LeakyReluOptions(alpha))


def sigmoid() -> Operation:
    """LOGISTIC."""
    return Probability("LOGISTIC", lambda x: _keras().ops.sigmoid(x))


def tanh() -> Operation:
    """TANH."""
    return Signed("TANH", lambda x: _keras().ops.tanh(x))


def hard_swish() -> Operation:
    """`x relu6(x + 3) / 6`."""
    return Activation("HARD_SWISH", lambda x: _keras().ops.hard_silu(x))


def softmax() -> Operation:
    """Over the last axis."""
    return Softmax("SOFTMAX", lambda x: _keras().ops.softmax(x, axis=-1), SoftmaxOptions(1.0))


def gelu(approximate: int) -> Operation:
    """GELU."""
    return Activation("GELU", lambda x: _keras().ops.gelu(x, approximate=bool(approximate)), GeluOptions(approximate))


FUNCTIONS: dict[str, Callable[[], Operation]] = {
    "relu": lambda: Clamp(RELU),
    "relu6": lambda: Clamp(RELU6),
    "leaky_relu": lambda: leaky_relu(0.2),
    "sigmoid": sigmoid,
    "tanh": tanh,
    "hard_silu": hard_swish,
    "hard_swish": hard_swish,
    "softmax": softmax,
    "gelu": lambda: gelu(0),
}
"""Keras's activation functions by name that are one operator."""
