"""What quantization does to each layer: signal to quantization noise, and where the noise comes from.

`SQNR = 10 log10(sum y^2 / sum (y - y')^2)` dB, over all of a layer's values: `y` of the network with its weights and values as they
are, `y'` rounded. Each layer has it twice: of the whole network rounded, and of this layer alone, given unrounded inputs, which is
where to look: noise that comes in from before is no fault of the layer's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.quantize.layer_error import LayerError
from tinykd.quantize.native.network import CALIBRATION, FLOAT, QuantizedNetwork
from tinykd.quantize.native.placement import Kernel
from tinykd.quantize.native.weighted import Weighted

#: What an exact layer has: the error of float32.
EXACT = 140.0


def layer_errors(network: QuantizedNetwork, x: NDArray[np.float32]) -> tuple[LayerError, ...]:
    """Of every kernel that rounds, in order, on `x` `[samples, ...]`, in one batch."""
    real, rounded = network.run(x, FLOAT), network.settled(x)
    found = []
    for kernel in network.placement.kernels:
        operation = network.network.nodes[kernel.core].operation
        if operation.joins or (operation.grid == "input" and not operation.rounds):
            continue
        wanted = np.asarray(real[kernel.last])
        by_weights = _alone(network, kernel, real, x)
        on_grid, by_values = (np.asarray(network.on_grid(kernel.last, value)) for value in (by_weights, wanted))
        step, zero = (float(each) for each in network.ranges[network.placement.grids[kernel.last]].grid())
        outside = (wanted < (-128 - zero - 0.5) * step) | (wanted > (127 - zero + 0.5) * step)
        found.append(
            LayerError(
                network.network.nodes[kernel.last].name,
                sqnr(wanted, np.asarray(rounded[kernel.last])),
                sqnr(wanted, on_grid),
                sqnr(wanted, np.asarray(by_weights)) if isinstance(operation, Weighted) else None,
                sqnr(wanted, by_values),
                float(outside.mean()),
                _spread(wanted),
                network.quantizers[kernel.core].weight_grid.bits if isinstance(operation, Weighted) else None,
            )
        )
    return tuple(found)


def sqnr(wanted: NDArray[Any], found: NDArray[Any]) -> float:
    """Signal to noise in dB, between 0-signal's 0 and `EXACT`."""
    signal = float(np.sum(np.square(wanted, dtype=np.float64)))
    noise = float(np.sum(np.square(np.subtract(wanted, found, dtype=np.float64))))
    if signal == 0.0:
        return EXACT if noise == 0.0 else 0.0
    return EXACT if noise <= signal * 10 ** (-EXACT / 10) else 10.0 * float(np.log10(signal / noise))


def _alone(network: QuantizedNetwork, kernel: Kernel, real: list[Any], x: NDArray[np.float32]) -> Any:
    """The kernel's result for unrounded inputs, its weights rounded, its values not."""
    value: Any = x
    for index in (kernel.core, kernel.norm, kernel.clamp):
        if index >= 0:
            inputs = [real[source] for source in network.network.nodes[index].inputs] if index == kernel.core else [value]
            value = network.unrounded(index, inputs or [x], CALIBRATION)
    return value


def _spread(values: NDArray[Any]) -> float:
    """Largest over median of the channels' largest magnitudes."""
    channels = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
    median = float(np.median(channels))
    return float(channels.max() / median) if median > 0 else 1.0
