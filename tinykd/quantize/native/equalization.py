"""Cross-layer equalization: Nagel 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.1.

Two kernels with a rectifier or nothing between them compute the same if channel i leaves the first divided by `s_i` and enters the
second multiplied by it. With `s_i = sqrt(r1_i r2_i) / r2_i` (eq. 11; r is the channel's largest weight, batch norm folded in) both
have the same range in every channel, and none is so small beside the others that their common activation range leaves it a few integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykd.compile.ops.activation import RELU
from tinykd.quantize.native.batch_norm import BatchNorm
from tinykd.quantize.native.elementwise import Activation, Clamp, TrainingOnly
from tinykd.quantize.native.node import Nodes, Operation
from tinykd.quantize.native.weighted import Dense, TransposedConvolution, Weighted, channel_axes
from tinykd.quantize.native.windows import GlobalPool, MaxPool, Pad

#: Rounds over all pairs: in a chain each pair disturbs its neighbours.
ROUNDS = 20

#: Channels are scaled by at most so much; one of zeros not at all.
LARGEST = 1e4


@dataclass(frozen=True)
class Pair:
    """Two kernels with nothing between them that a scale of a channel does not pass through.

    Attributes:
        first, second: Their nodes.
        norm: The first's batch norm, or -1.
    """

    first: int
    second: int
    norm: int


def pairs(network: Nodes) -> tuple[Pair, ...]:
    """All pairs, in order of the forward pass. A layer used twice, or whose result is read twice, is in none."""
    readers = network.readers()
    kernels = [id(node.operation.kernel) for node in network.nodes if isinstance(node.operation, Weighted)]
    found = []
    for index, node in enumerate(network.nodes):
        if not isinstance(node.operation, Weighted) or kernels.count(id(node.operation.kernel)) > 1:
            continue
        here, norm = index, -1
        while len(readers[here]) == 1 and here != network.output:
            here = readers[here][0]
            operation = network.nodes[here].operation
            if isinstance(operation, Weighted):
                fits = int(operation.kernel.shape[input_axis(operation)]) == network.nodes[network.nodes[here].inputs[0]].shape[-1]
                if fits and kernels.count(id(operation.kernel)) == 1:
                    found.append(Pair(index, here, norm))
                break
            if norm < 0 and network.nodes[here].inputs == (index,) and _scalable(operation):
                norm = here
            elif not _homogeneous(operation):
                break
    return tuple(found)


def equalize(network: Nodes) -> tuple[str, ...]:
    """Equalize every pair, in place; the network computes what it computed.

    Returns:
        "first -> second" of every pair, by layer names.
    """
    found = pairs(network)
    for _ in range(ROUNDS):
        for pair in found:
            _equalize(network, pair)
    return tuple(f"{network.nodes[pair.first].name} -> {network.nodes[pair.second].name}" for pair in found)


def _equalize(network: Nodes, pair: Pair) -> None:
    first, second = network.nodes[pair.first].operation, network.nodes[pair.second].operation
    assert isinstance(first, Weighted)
    assert isinstance(second, Weighted)
    norm = network.nodes[pair.norm].operation if pair.norm >= 0 else None
    assert norm is None or isinstance(norm, BatchNorm)
    outgoing = _ranges(first, channel_axes(first))
    if norm is not None:
        outgoing = outgoing * np.abs(np.asarray(norm.coefficients()[0], np.float64))
    incoming = _ranges(second, (input_axis(second),))
    usable = (outgoing > 0) & (incoming > 0)
    scale = np.where(usable, np.sqrt(outgoing * incoming) / np.where(usable, incoming, 1.0), 1.0)
    scale = np.clip(scale, 1.0 / LARGEST, LARGEST)
    if norm is not None:
        norm.layer.gamma.assign(np.asarray(norm.layer.gamma.value) / scale)
        norm.layer.beta.assign(np.asarray(norm.layer.beta.value) / scale)
    else:
        kernel = np.asarray(first.kernel.value, np.float64)
        shape = [kernel.shape[axis] if axis in channel_axes(first) else 1 for axis in range(kernel.ndim)]
        first.kernel.assign(kernel / scale.reshape(shape))
        if first.bias is not None:
            first.bias.assign(np.asarray(first.bias.value) / scale)
    kernel = np.asarray(second.kernel.value, np.float64)
    second.kernel.assign(kernel * np.expand_dims(scale, tuple(axis for axis in range(kernel.ndim) if axis != input_axis(second))))


def input_axis(operation: Weighted) -> int:
    """The axis of the kernel, in Keras's layout, along which the input's channels lie."""
    rank = len(operation.kernel.shape)
    if isinstance(operation, TransposedConvolution):
        return rank - 1
    return 0 if isinstance(operation, Dense) else rank - 2


def _ranges(operation: Weighted, axes: tuple[int, ...]) -> NDArray[np.float64]:
    """The largest weight along each channel of `axes`, flattened."""
    kernel = np.abs(np.asarray(operation.kernel.value, np.float64))
    others = tuple(axis for axis in range(kernel.ndim) if axis not in axes)
    return np.asarray(kernel.max(axis=others)).reshape(-1)


def _scalable(operation: Operation) -> bool:
    """A batch norm whose result can be scaled."""
    return isinstance(operation, BatchNorm) and operation.layer.gamma is not None and operation.layer.beta is not None


def _homogeneous(operation: Operation) -> bool:
    """Whether `f(s x) = s f(x)` for every positive scale of a channel."""
    if isinstance(operation, Clamp):
        return operation.clamp == RELU
    if isinstance(operation, Activation):
        return operation.kind == "LEAKY_RELU"
    return isinstance(operation, (TrainingOnly, MaxPool, GlobalPool, Pad))
