"""The `native` engine: a Keras 3 student's own layers with fake quantization, and integers written from them directly.

The network is rounded exactly where the integer kernels round, so what is trained and what is deployed agree to a step of the
output. Batch norm is folded by the writer: see `batch_norm`.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.compile.graph import Quant
from tinykd.distill.batch_norm import reestimate_batch_norm
from tinykd.distill.keras_modules import keras as _keras
from tinykd.quantize.layer_error import LayerError
from tinykd.quantize.native import writing
from tinykd.quantize.native.bias_correction import correct_biases
from tinykd.quantize.native.calibration import calibrate
from tinykd.quantize.native.equalization import equalize
from tinykd.quantize.native.error import layer_errors
from tinykd.quantize.native.layer_bits import refuse_low_bits, weight_grids
from tinykd.quantize.native.network import STATISTICS, QuantizedNetwork, Standstill
from tinykd.quantize.native.node import Nodes
from tinykd.quantize.native.placement import Placement, place
from tinykd.quantize.native.reading import read
from tinykd.quantize.native.recurrent import RecurrentNetwork, is_recurrent, unrolled
from tinykd.quantize.native.rounding import (
    HIGH,
    LOW,
    NARROWEST,
    FixedRange,
    LearnedRange,
    LearnedWeightQuantizer,
    ObservedRange,
    Range,
    WeightQuantizer,
)
from tinykd.quantize.native.weight_grid import INT8, WeightGrid, least_squares_steps
from tinykd.quantize.native.weighted import Weighted, shared_axes
from tinykd.recipe.model import Net, Quantize

Network = QuantizedNetwork | RecurrentNetwork


class NativeEngine:
    """See `tinykd.quantize.engine.Engine`.

    Args:
        settings: Of the recipe.
    """

    def __init__(self, settings: Quantize) -> None:
        self.settings = settings

    def keras(self) -> ModuleType:
        """Keras 3."""
        return _keras()

    def prepare(self, student: Any, net: Net, calibration: NDArray[np.float32], steps: int) -> Network:  # noqa: ARG002
        """See `Engine.prepare`. The student is copied."""
        if is_recurrent(student):
            refuse_low_bits(self.settings)
            return unrolled(student, calibration)
        copy = _keras().models.clone_model(student)
        copy.set_weights(student.get_weights())
        network, placement = place(read(copy))
        if self.settings.equalize == "cross-layer":
            equalize(network)
        model = QuantizedNetwork(
            copy,
            network,
            placement,
            self._quantizers(network),
            self._ranges(network, placement, calibration),
            Standstill(_steps(self.settings.freeze_batch_norm, steps), _steps(self.settings.freeze_ranges, steps)),
        )
        calibrate(model, calibration, self.settings)
        if self.settings.bias_correction == "measured":
            correct_biases(model, calibration)
        return model

    def settle(self, model: Network, calibration: NDArray[np.float32]) -> None:
        """See `Engine.settle`. What stood still at the end of training stays, and so do learned ranges."""
        if isinstance(model, RecurrentNetwork):
            reestimate_batch_norm(model, calibration)
            return
        steps = float(model.steps.numpy())
        if steps == 0:
            return
        if steps < model.standstill.batch_norm:
            reestimate_batch_norm(_Statistics(model), calibration)
        if self.settings.ranges == "observed" and steps < model.standstill.ranges:
            calibrate(model, calibration, self.settings)

    def convert(self, model: Network) -> bytes:
        """See `Engine.convert`."""
        return model.convert() if isinstance(model, RecurrentNetwork) else writing.write(model)

    def errors(self, model: Network, x: NDArray[np.float32]) -> tuple[LayerError, ...]:
        """See `Engine.errors`."""
        return () if isinstance(model, RecurrentNetwork) else layer_errors(model, x)

    def _quantizers(self, network: Nodes) -> dict[int, WeightQuantizer]:
        """One for each kernel, shared by the places where its layer is used."""
        grids = weight_grids(network, self.settings)
        made: dict[int, WeightQuantizer] = {}
        found: dict[int, WeightQuantizer] = {}
        for index, node in enumerate(network.nodes):
            operation = node.operation
            if isinstance(operation, Weighted):
                key = id(operation.kernel)
                if key not in made:
                    made[key] = self._quantizer(operation, node.name, grids[index])
                found[index] = made[key]
        return found

    def _quantizer(self, operation: Weighted, name: str, grid: WeightGrid) -> WeightQuantizer:
        axes = shared_axes(operation)
        plain = WeightQuantizer(axes, grid)
        if grid == INT8 and self.settings.ranges == "observed":
            return plain
        if grid == INT8:
            start = np.asarray(plain.step(operation.kernel.value), np.float32)
        else:  # so few integers are not worth an outlier's range
            start = least_squares_steps(np.asarray(operation.kernel.value, np.float32), axes, grid)
        return LearnedWeightQuantizer(axes, grid, start, int(np.prod(operation.kernel.shape)) // start.size, name)

    def _ranges(self, network: Nodes, placement: Placement, calibration: NDArray[np.float32]) -> list[Range]:
        ranges: list[Range] = []
        for grid, owners in enumerate(placement.owners):
            node, prescribed = network.nodes[owners[0]], placement.fixed[grid]
            if grid == placement.input_grid:
                ranges.append(FixedRange(_input_quant(calibration)))
            elif prescribed is not None:
                ranges.append(FixedRange(prescribed))
            elif self.settings.ranges == "learned":
                ranges.append(LearnedRange(node.name, int(np.prod(node.shape))))
            else:
                ranges.append(ObservedRange(node.name))
        return ranges


class _Statistics:
    """A quantized network to `reestimate_batch_norm`: while measured, neither counter nor observers move."""

    def __init__(self, network: QuantizedNetwork) -> None:
        self._network = network
        self.layers = network.layers

    def __call__(self, x: Any, training: bool) -> Any:  # noqa: ARG002
        return self._network.run(x, STATISTICS)


def _input_quant(calibration: NDArray[np.float32]) -> Quant:
    """The range of the calibration samples, exactly, with 0 in it."""
    low, high = min(0.0, float(calibration.min())), max(0.0, float(calibration.max()))
    step = float(np.float32(max(high - low, NARROWEST) / (HIGH - LOW)))
    return Quant((step,), (int(np.clip(round(LOW - low / step), LOW, HIGH)),))


def _steps(epochs: float | None, steps: int) -> float:
    """Training steps of so many epochs; never, without."""
    return float("inf") if epochs is None else epochs * steps
