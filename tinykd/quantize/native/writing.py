"""From the trained network to the integer model: every kernel's constants and operators, on the grids that training rounded to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinykd.compile.graph import Graph
from tinykd.compile.writer import write_model
from tinykd.quantize.native.batch_norm import folded
from tinykd.quantize.native.emission import Emission, Target
from tinykd.quantize.native.network import QuantizedNetwork
from tinykd.quantize.native.placement import Kernel
from tinykd.quantize.native.weight_grid import GRIDS
from tinykd.quantize.native.weighted import Integers, Weighted


def write(network: QuantizedNetwork) -> bytes:
    """The `.tflite`, int8 in, int8 out."""
    return write_model(integer_graph(network))


def integer_graph(network: QuantizedNetwork) -> Graph:
    """The integer model of a network, by the names of the student's layers."""
    nodes, placement = network.network.nodes, network.placement
    quants = [one.quant() for one in network.ranges]
    quants = [replace(quant, scales=(float(np.float32(quant.scale)),)) for quant in quants]
    out = Emission()
    tensors: dict[int, int] = {}
    for kernel in placement.kernels:
        core, last = nodes[kernel.core], nodes[kernel.last]
        target = Target(last.name, (1, *last.shape), quants[placement.grids[kernel.last]], kernel.clamp_code)
        if not core.inputs:
            tensors[kernel.last] = out.tensor(target.name, target.shape, target.quant)
            continue
        sources = [tensors[source] for source in core.inputs]
        if isinstance(core.operation, Weighted):
            tensors[kernel.last] = core.operation.emit_weighted(out, sources[0], _integers(network, kernel), target)
        else:
            tensors[kernel.last] = core.operation.emit(out, sources, target)
    result = tensors[network.network.output]
    return out.graph((tensors[0],), (result,), network.name)


def _integers(network: QuantizedNetwork, kernel: Kernel) -> Integers:
    """A kernel's constants, its batch norm folded in."""
    operation = network.network.nodes[kernel.core].operation
    assert isinstance(operation, Weighted)
    quantizer = network.quantizers[kernel.core]
    weights = np.asarray(operation.kernel.value, np.float32)
    # In float32, as training divides: another quotient could round the other way.
    steps = np.asarray(quantizer.step(operation.kernel.value), np.float32)
    integers = quantizer.integers(weights, steps)
    channels = steps.reshape(-1).astype(np.float64)
    bias, factor = (np.asarray(each, np.float64) * np.ones(len(channels)) for each in network.folded_bias(kernel))
    input_step = float(np.float32(network.input_range(kernel.core).quant().scale))
    # Channels last for folding; the layout comes back after.
    shape = steps.shape
    whole = [channels.reshape(shape), factor.reshape(shape), bias.reshape(shape)]
    stored, scales, biases = folded(whole[1], integers, whole[0], whole[2], input_step, quantizer.largest)
    return Integers(
        stored, scales.reshape(-1), biases.reshape(-1), "int4" if quantizer.weight_grid == GRIDS[4] and operation.takes_int4 else "int8"
    )
