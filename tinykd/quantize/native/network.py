"""The network that is trained: a student's nodes with fake quantization where the integer kernels round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.tap import LOGITS
from tinykd.quantize.native.batch_norm import BatchNorm
from tinykd.quantize.native.node import Nodes
from tinykd.quantize.native.placement import Placement
from tinykd.quantize.native.rounding import ObservedRange, Range, WeightQuantizer
from tinykd.quantize.native.weighted import Weighted


@dataclass(frozen=True)
class Mode:
    """What a forward pass does besides computing.

    Attributes:
        weights: Kernels are rounded.
        values: Activations are rounded.
        biases: Biases are rounded, as on the device.
        training: Dropout drops; the counter of steps counts; observers observe.
        statistics: Batch norm takes those of the batch.
    """

    weights: bool = True
    values: bool = True
    biases: bool = False
    training: bool = False
    statistics: bool = False


TRAINING = Mode(training=True, statistics=True)
INFERENCE = Mode(biases=True)
CALIBRATION = Mode(values=False)
STATISTICS = Mode(statistics=True)
FLOAT = Mode(weights=False, values=False)


@dataclass(frozen=True)
class Standstill:
    """Steps after which parts of the network stand still while its weights are trained on.

    Attributes:
        batch_norm: Its statistics.
        ranges: Observed ones.
        decay: Weight of an observed range's old value in a step before that.
    """

    batch_norm: float = float("inf")
    ranges: float = float("inf")
    decay: float = 0.98


@dataclass(frozen=True, eq=False)
class QuantizedNetwork:
    """Inputs `[batch, ...]` -> logits `[batch, classes]`, as the integer model will answer.

    Attributes:
        model: A Keras 3 model whose variables the nodes hold.
        network: The nodes.
        placement: Where they are rounded.
        quantizers: Of kernels, by node.
        ranges: By grid.
        standstill: When batch norm and observers stop.
        steps: Counts training steps; a variable, so that a resumed training goes on counting.
    """

    model: Any
    network: Nodes
    placement: Placement
    quantizers: Mapping[int, WeightQuantizer]
    ranges: Sequence[Range]
    standstill: Standstill = Standstill()
    steps: Any = field(default_factory=lambda: _keras().Variable(0.0, trainable=False, name="quantization_steps", dtype="float32"))

    # What training, evaluation and losses ask of any network.

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Logits `[batch, classes]`."""
        return self.run(x, TRAINING if training else INFERENCE)[self.network.output]

    def tapped(self, x: Any, training: bool = False) -> Mapping[str, Any]:
        """Every layer's output by the student's name, and the logits."""
        values = self.run(x, TRAINING if training else INFERENCE)
        return {name: values[node] for name, node in self.network.names.items()} | {LOGITS: values[self.network.output]}

    @property
    def trainable_variables(self) -> list[Any]:
        """Weights, and ranges that are learned."""
        learned = [variable for one in self._quantizers for variable in one.variables]
        return [*self.model.trainable_variables, *learned, *(variable for one in self.ranges for variable in one.learned)]

    @property
    def variables(self) -> list[Any]:
        """All that training changes."""
        steps = [variable for one in self._quantizers for variable in one.variables]
        return [*self.model.variables, *steps, *(variable for one in self.ranges for variable in one.variables), self.steps]

    @property
    def losses(self) -> list[Any]:
        """Regularisation of the student's layers."""
        return list(self.model.losses)

    @property
    def layers(self) -> list[Any]:
        """The student's, which hold the weights."""
        return list(self.model.layers)

    @property
    def name(self) -> str:
        """The student's."""
        return str(self.model.name)

    def get_layer(self, name: str) -> Any:
        """The student's layer of that name."""
        return self.model.get_layer(name)

    # The forward pass.

    def run(self, x: Any, mode: Mode) -> list[Any]:
        """Every node's value `[batch, ...]`, rounded where `mode` and the placement say."""
        values: list[Any] = []
        raw: list[Any] = []
        for index, node in enumerate(self.network.nodes):
            value = self.unrounded(index, [values[source] for source in node.inputs] or [_keras().ops.convert_to_tensor(x)], mode)
            raw.append(value)
            values.append(self.on_grid(index, value) if mode.values else value)
        if mode.training:
            self._observe(raw)
            self.steps.assign(self.steps + 1.0)
        return values

    def unrounded(self, index: int, inputs: Sequence[Any], mode: Mode) -> Any:
        """What a node computes, before it is put on its grid."""
        node, ops = self.network.nodes[index], _keras().ops
        operation = node.operation
        if not node.inputs:
            return ops.cast(inputs[0], "float32")
        if isinstance(operation, Weighted):
            kernel = operation.kernel.value
            result = operation.rounded(inputs[0], self.quantizers[index](kernel) if mode.weights else kernel)
            if mode.biases and index not in self._norms.values() and operation.bias is not None:
                result = result + self._bias_rounding(index, operation.bias.value, 1.0)
            return result
        if isinstance(operation, BatchNorm):
            if mode.statistics:
                frozen = ops.cast(self.steps >= self.standstill.batch_norm, "float32") if mode.training else 0.0
                return operation.batch(inputs[0], frozen)
            result = operation.real(inputs, False)
            if mode.biases and index in self._norms:
                result = result + self._bias_rounding(self._norms[index], *self.folded_bias(index))
            return result
        return operation.real(inputs, mode.training)

    def on_grid(self, index: int, value: Any) -> Any:
        """A node's value on its grid; as it is where it is inside a kernel, or on the grid already."""
        operation, grid = self.network.nodes[index].operation, self.placement.grids[index]
        if grid < 0 or operation.joins or (operation.grid == "input" and not operation.rounds):
            return value
        return self.ranges[grid](value)

    def folded_bias(self, norm: int) -> tuple[Any, Any]:
        """Bias and scale `[channels]` that a batch norm gives the kernel which it is folded into."""
        convolution, operation = self.network.nodes[self._norms[norm]].operation, self.network.nodes[norm].operation
        assert isinstance(convolution, Weighted)
        assert isinstance(operation, BatchNorm)
        scale, shift = operation.coefficients()
        return (shift if convolution.bias is None else shift + convolution.bias.value * scale), scale

    def input_range(self, index: int) -> Range:
        """Of a node's first input."""
        return self.ranges[self.placement.grids[self.network.nodes[index].inputs[0]]]

    def _bias_rounding(self, index: int, bias: Any, scale: Any) -> Any:
        """What rounding a bias `[channels]` to the accumulator's step adds to it."""
        ops = _keras().ops
        operation = self.network.nodes[index].operation
        assert isinstance(operation, Weighted)
        step = ops.reshape(self.quantizers[index].step(operation.kernel.value), (-1,)) * ops.abs(scale) * self.input_range(index).grid()[0]
        # Beside a step so fine a bias is as good as real, and its quotient would overflow.
        fine = ops.abs(bias) > step * 2.0**22
        safe = ops.where(fine, ops.ones_like(step), step)
        return ops.where(fine, ops.zeros_like(step), ops.round(bias / safe) * safe - bias)

    def _observe(self, raw: Sequence[Any]) -> None:
        """Move the observed ranges towards this batch's extremes."""
        ops = _keras().ops
        moving = 1.0 - ops.cast(self.steps >= self.standstill.ranges, "float32")
        share = moving * (1.0 - self.standstill.decay)
        for grid, one in enumerate(self.ranges):
            if not isinstance(one, ObservedRange) or one.learned:
                continue
            owned = [raw[owner] for owner in self.placement.owners[grid]]
            least = ops.min(ops.stack([ops.min(value) for value in owned]))
            most = ops.max(ops.stack([ops.max(value) for value in owned]))
            low, high = one.ends()
            one.set(low + share * (ops.minimum(least, 0.0) - low), high + share * (ops.maximum(most, 0.0) - high))

    @property
    def _norms(self) -> dict[int, int]:
        """From each folded batch norm to its kernel."""
        return {kernel.norm: kernel.core for kernel in self.placement.kernels if kernel.norm >= 0}

    @property
    def _quantizers(self) -> list[WeightQuantizer]:
        """Each once, where a layer is used twice."""
        return list({id(one): one for one in self.quantizers.values()}.values())
