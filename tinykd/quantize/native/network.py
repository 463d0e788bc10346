"""The network that is trained: a student's nodes with fake quantization where the integer kernels round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.tap import LOGITS
from tinykd.distill.trainable import Trainable
from tinykd.quantize.native.arithmetic import Result, Scale
from tinykd.quantize.native.batch_norm import BatchNorm
from tinykd.quantize.native.node import Nodes
from tinykd.quantize.native.placement import Kernel, Placement
from tinykd.quantize.native.rounding import FINEST, ObservedRange, Range, WeightQuantizer
from tinykd.quantize.native.weighted import Weighted


@dataclass(frozen=True)
class Mode:
    """What a forward pass does besides computing.

    Attributes:
        weights: Kernels are rounded.
        values: Activations are rounded.
        training: Dropout drops; the counter of steps counts; observers observe.
        statistics: Batch norm takes those of the batch.
    """

    weights: bool = True
    values: bool = True
    training: bool = False
    statistics: bool = False


TRAINING = Mode(training=True, statistics=True)
INFERENCE = Mode()
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
class QuantizedNetwork(Trainable):
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

    network: Nodes
    placement: Placement
    quantizers: Mapping[int, WeightQuantizer]
    ranges: Sequence[Range]
    standstill: Standstill = Standstill()
    steps: Any = field(default_factory=lambda: _keras().Variable(0.0, trainable=False, name="quantization_steps", dtype="float32"))

    # What training, evaluation and losses ask of any network.

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Logits `[batch, classes]`."""
        return self.run(x, TRAINING)[self.network.output] if training else self.settled(x)[self.network.output]

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
    def name(self) -> str:
        """The student's."""
        return str(self.model.name)

    # The forward pass.

    def run(self, x: Any, mode: Mode) -> list[Any]:
        """Every node's value `[batch, ...]`, rounded where `mode` and the placement say."""
        values, raw = self._forward(x, mode)
        if mode.training:
            self._observe(raw)
            self.steps.assign(self.steps + 1.0)
        return values

    def raw(self, x: Any, mode: Mode) -> list[Any]:
        """As `run`, every node's value before it is put on its grid."""
        return self._forward(x, mode)[1]

    def _forward(self, x: Any, mode: Mode) -> tuple[list[Any], list[Any]]:
        """Values as later nodes see them, and as their own node gave them."""
        values: list[Any] = []
        raw: list[Any] = []
        for index, node in enumerate(self.network.nodes):
            value = self.unrounded(index, [values[source] for source in node.inputs] or [_keras().ops.convert_to_tensor(x)], mode)
            raw.append(value)
            values.append(self.on_grid(index, value) if mode.values else value)
        return values, raw

    def unrounded(self, index: int, inputs: Sequence[Any], mode: Mode) -> Any:
        """What a node computes, before it is put on its grid."""
        node, ops = self.network.nodes[index], _keras().ops
        operation = node.operation
        if not node.inputs:
            return ops.cast(inputs[0], "float32")
        if isinstance(operation, Weighted):
            kernel = operation.kernel.value
            return operation.rounded(inputs[0], self.quantizers[index](kernel) if mode.weights else kernel)
        if isinstance(operation, BatchNorm) and mode.statistics:
            frozen = ops.cast(self.steps >= self.standstill.batch_norm, "float32") if mode.training else 0.0
            return operation.batch(inputs[0], frozen)
        return operation.real(inputs, mode.training)

    def on_grid(self, index: int, value: Any) -> Any:
        """A node's value on its grid; as it is where it is inside a kernel, or on the grid already."""
        operation, grid = self.network.nodes[index].operation, self.placement.grids[index]
        if grid < 0 or operation.joins or (operation.grid == "input" and not operation.rounds):
            return value
        return self.ranges[grid](value)

    def settled(self, x: Any) -> dict[int, Any]:
        """Every kernel's value `[batch, ...]`, rounded as the integer kernels round; by the kernel's last node."""
        tf = tensorflow()
        scales = [Scale.of(one) for one in self.ranges]
        grids, nodes = self.placement.grids, self.network.nodes
        steps: dict[int, Any] = {}
        for kernel in self.placement.kernels:
            node, result = nodes[kernel.core], Result(scales[grids[kernel.last]], kernel.clamp_code)
            inputs, incoming = [steps[source] for source in node.inputs], [scales[grids[source]] for source in node.inputs]
            if not node.inputs:
                # The device's own inputs are quantized half to even (see `tinykd.quantize.integers`).
                steps[kernel.last] = result.saturated(tf.round(tf.cast(x, tf.float64) / result.scale.step))
            elif isinstance(node.operation, Weighted):
                steps[kernel.last] = self._weighted(kernel, inputs[0], incoming[0], result)
            else:
                steps[kernel.last] = node.operation.exact(inputs, incoming, result)
        return {index: tf.cast(tf.cast(value, tf.float64) * scales[grids[index]].step, tf.float32) for index, value in steps.items()}

    def folded_bias(self, kernel: Kernel) -> tuple[Any, Any]:
        """Bias of a kernel with a batch norm folded in, and the factor of its weights; each `[channels]`, or a number."""
        convolution = self.network.nodes[kernel.core].operation
        assert isinstance(convolution, Weighted)
        own = 0.0 if convolution.bias is None else convolution.bias.value
        if kernel.norm < 0:
            return own, 1.0
        norm = self.network.nodes[kernel.norm].operation
        assert isinstance(norm, BatchNorm)
        scale, shift = norm.coefficients()
        return shift + own * scale, scale

    def _weighted(self, kernel: Kernel, x: Any, scale: Scale, result: Result) -> Any:
        """Accumulators of whole numbers, which float32 holds exactly up to 2^24, and their requantization."""
        tf = tensorflow()
        operation, quantizer = self.network.nodes[kernel.core].operation, self.quantizers[kernel.core]
        assert isinstance(operation, Weighted)
        step = quantizer.step(operation.kernel.value)
        bias, factor = (tf.cast(each, tf.float64) for each in self.folded_bias(kernel))
        weights = quantizer.whole(operation.kernel.value, step)
        own = tf.cast(tf.reshape(step, (-1,)), tf.float64) * tf.abs(factor)
        fine = tf.cast(tf.cast(tf.maximum(own, FINEST), tf.float32), tf.float64) * scale.step
        sums = tf.cast(operation.product(x, weights), tf.float64) * tf.sign(factor) + tf.round(bias / fine)
        return result.saturated(operation.requantized(sums, fine / result.scale.step))

    def input_range(self, index: int) -> Range:
        """Of a node's first input."""
        return self.ranges[self.placement.grids[self.network.nodes[index].inputs[0]]]

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
    def _quantizers(self) -> list[WeightQuantizer]:
        """Each once, where a layer is used twice."""
        return list({id(one): one for one in self.quantizers.values()}.values())
