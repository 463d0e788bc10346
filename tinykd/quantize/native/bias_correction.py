"""Bias correction: Nagel 2019, section 4.2, with the errors measured on calibration samples (appendix D).

Rounding errors of weights do not average out: they shift the mean of a kernel's results, channel by channel, and all that follows.
The shift is measured against the unrounded network and taken from the bias, or from the shift of the batch norm after it; kernel by
kernel, because a correction changes what later kernels get. Kernels with neither stay as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.quantize.native.batch_norm import BatchNorm
from tinykd.quantize.native.network import FLOAT, INFERENCE, Mode, QuantizedNetwork
from tinykd.quantize.native.placement import Kernel
from tinykd.quantize.native.weighted import Weighted

#: Samples in one measured batch.
BATCH_SAMPLES = 128


def correct_biases(network: QuantizedNetwork, x: NDArray[np.float32]) -> int:
    """Correct every kernel that has a bias, in place, on `x` `[samples, ...]`; how many there are."""
    corrected = 0
    # The unrounded network's means, before any bias is moved.
    places = [(kernel, max(kernel.core, kernel.norm), _bias(network, kernel)) for kernel in network.placement.kernels]
    kernels = [(place, bias) for _, place, bias in places if bias is not None]
    wanted = _means(network, x, FLOAT, [place for place, _ in kernels])
    for (place, bias), mean in zip(kernels, wanted, strict=True):
        (found,) = _means(network, x, INFERENCE, [place])
        bias.assign(np.asarray(bias.value) - (found - mean))
        corrected += 1
    return corrected


def _bias(network: QuantizedNetwork, kernel: Kernel) -> Any:
    """The variable that a kernel's correction goes to, or None."""
    operation = network.network.nodes[kernel.core].operation
    if not isinstance(operation, Weighted):
        return None
    if kernel.norm < 0:
        return operation.bias
    norm = network.network.nodes[kernel.norm].operation
    assert isinstance(norm, BatchNorm)
    return norm.layer.beta


def _means(network: QuantizedNetwork, x: NDArray[np.float32], mode: Mode, places: list[int]) -> list[NDArray[np.float32]]:
    """The mean of each channel of the nodes at `places`, before they are put on a grid or rectified."""
    sums: list[Any] = [0.0] * len(places)
    for start in range(0, len(x), BATCH_SAMPLES):
        batch = x[start : start + BATCH_SAMPLES]
        raw = network.raw(batch, mode)
        for position, place in enumerate(places):
            value = np.asarray(raw[place], np.float64)
            sums[position] = sums[position] + value.reshape(-1, value.shape[-1]).mean(axis=0) * len(batch)
    return [np.asarray(total / len(x), np.float32) for total in sums]
