"""Random small networks of what can be computed by rows, for tests of chains: windows of all kinds, branches that meet again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import sampling
from tinykd.compile.ops.add import AddOptions
from tinykd.compile.ops.concatenation import ConcatenationOptions
from tinykd.compile.ops.conv_2d import Conv2DOptions
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from tinykd.compile.ops.mul import MulOptions
from tinykd.compile.ops.pooling import Pool2DOptions
from tinykd.compile.ops.sub import SubOptions
from tinykd.compile.ops.window import SAME, VALID

SCALE = 0.05


@dataclass
class Network:
    """A graph under construction, all activations of one dtype."""

    rng: np.random.Generator
    dtype: str = "int8"
    tensors: list[Tensor] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)

    def constant(self, values: Array, quant: Quant | None) -> int:
        self.tensors.append(Tensor(f"c{len(self.tensors)}", values.shape, values.dtype.name, quant, values, len(self.tensors)))
        return len(self.tensors) - 1

    def tensor(self, shape: tuple[int, ...], quant: Quant) -> int:
        self.tensors.append(Tensor(f"t{len(self.tensors)}", shape, self.dtype, quant, None, len(self.tensors)))
        return len(self.tensors) - 1

    def quant(self, scale: float = SCALE) -> Quant:
        drawn = Quant((scale * float(self.rng.uniform(0.8, 1.25)),), (int(self.rng.integers(-128, 128)),))
        return sampling.quant_for(drawn, self.dtype)

    def apply(self, kind: str, options: object, inputs: tuple[int, ...], shape: tuple[int, ...], quant: Quant) -> int:
        self.ops.append(Op(kind, inputs, (self.tensor(shape, quant),), options))
        return len(self.tensors) - 1


def _geometry(w: Network, size: int, dilated: bool) -> tuple[int, int, int]:
    """Kernel, stride and dilation that fit an axis of `size` without padding."""
    kernel, stride = int(w.rng.integers(1, 5)), int(w.rng.choice([1, 1, 1, 2, 3]))
    dilation = int(w.rng.choice([1, 1, 2])) if dilated else 1
    return (kernel, stride, dilation) if (kernel - 1) * dilation + 1 <= size else (1, 1, 1)


def _out(size: int, padding: int, kernel: int, stride: int, dilation: int) -> int:
    return -(-size // stride) if padding == SAME else (size + stride - ((kernel - 1) * dilation + 1)) // stride


def _window(w: Network, source: int) -> int:
    """CONV_2D, DEPTHWISE_CONV_2D or a pool."""
    rng, tensor = w.rng, w.tensors[source]
    _, height, width, channels = tensor.shape
    kind = str(rng.choice(["CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"]))
    pool = kind.endswith("POOL_2D")
    if rng.random() < 0.3 and kind == "CONV_2D":
        rows = columns = (1, 1, 1)
    else:
        rows, columns = _geometry(w, height, not pool), _geometry(w, width, not pool)
    padding = int(rng.choice([SAME, SAME, VALID]))
    size = _out(height, padding, *rows), _out(width, padding, *columns)
    activation = int(rng.choice([0, 1, 3]))
    if pool:
        options: object = Pool2DOptions(padding, columns[1], rows[1], columns[0], rows[0], activation)
        assert tensor.quant is not None
        return w.apply(kind, options, (source,), (1, *size, channels), tensor.quant)
    filters = channels if kind == "DEPTHWISE_CONV_2D" else int(rng.choice([4, 8, 12]))
    return convolution(w, kind, source, filters, rows, columns, padding, activation)


def convolution(
    w: Network,
    kind: str,
    source: int,
    filters: int,
    rows: tuple[int, int, int],
    columns: tuple[int, int, int],
    padding: int,
    activation: int,
) -> int:
    """CONV_2D or DEPTHWISE_CONV_2D of (kernel, stride, dilation) each way, random weights."""
    rng, (_, height, width, channels) = w.rng, w.tensors[source].shape
    shape = (1, rows[0], columns[0], filters) if kind == "DEPTHWISE_CONV_2D" else (filters, rows[0], columns[0], channels)
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    depth = math.prod(shape) / filters
    scales = tuple(float(s) for s in rng.uniform(0.5, 1, filters) / (70 * math.sqrt(depth)))
    weights = w.constant(sampling.int8(rng, shape, -127, 127), Quant(scales, (0,) * filters, axis))
    bias = w.constant(rng.integers(-500, 500, filters).astype(np.int32 if w.dtype == "int8" else np.int64), None)
    if kind == "CONV_2D":
        options: object = Conv2DOptions(padding, columns[1], rows[1], activation, columns[2], rows[2])
    else:
        options = DepthwiseConv2DOptions(padding, columns[1], rows[1], 1, activation, columns[2], rows[2])
    size = _out(height, padding, *rows), _out(width, padding, *columns)
    return w.apply(kind, options, (source, weights, bias), (1, *size, filters), w.quant())


def bottleneck_network() -> Graph:
    """The head of a MobileNetV2: 24x24x4, 3x3 to 8 channels, 1x1 to 48, depthwise 3x3 with stride 2, 1x1 to 8, another block, ADD."""
    w = Network(np.random.default_rng(5))
    source = w.tensor((1, 24, 24, 4), w.quant())
    one, three, halving = (1, 1, 1), (3, 1, 1), (3, 2, 1)
    current = convolution(w, "CONV_2D", source, 8, three, three, SAME, 1)
    current = convolution(w, "CONV_2D", current, 48, one, one, SAME, 1)
    current = convolution(w, "DEPTHWISE_CONV_2D", current, 48, halving, halving, SAME, 1)
    skipped = convolution(w, "CONV_2D", current, 8, one, one, SAME, 0)
    current = convolution(w, "CONV_2D", skipped, 48, one, one, SAME, 1)
    current = convolution(w, "DEPTHWISE_CONV_2D", current, 48, three, three, SAME, 1)
    current = convolution(w, "CONV_2D", current, 8, one, one, SAME, 0)
    current = w.apply("ADD", AddOptions(), (skipped, current), w.tensors[current].shape, w.quant(2 * SCALE))
    graph = Graph(tuple(w.tensors), tuple(w.ops), (source,), (current,), name="bottleneck")
    graph.check()
    return graph


def _pair(w: Network, a: int, b: int) -> int:
    """ADD, SUB, MUL or CONCATENATION of two tensors of one shape."""
    shape, quant = w.tensors[a].shape, w.tensors[a].quant
    assert quant is not None
    kind = str(w.rng.choice(["ADD", "ADD", "SUB", "MUL", "CONCATENATION"]))
    if kind == "CONCATENATION" and w.tensors[b].quant == quant and shape[3] <= 12:
        return w.apply(kind, ConcatenationOptions(3), (a, b), (*shape[:3], 2 * shape[3]), quant)
    if kind == "MUL":
        return w.apply("MUL", MulOptions(), (a, b), shape, w.quant(SCALE * 4))
    if kind == "SUB":
        return w.apply("SUB", SubOptions(), (a, b), shape, w.quant(2 * SCALE))
    return w.apply("ADD", AddOptions(), (a, b), shape, w.quant(2 * SCALE))


def _sloped(w: Network, source: int) -> int:
    """PRELU with a slope for each channel, or RELU."""
    shape = w.tensors[source].shape
    if w.dtype == "int8" and w.rng.random() < 0.5:
        alpha = w.constant(sampling.int8(w.rng, (1, 1, shape[3])), Quant((0.01,), (3,)))
        return w.apply("PRELU", None, (source, alpha), shape, w.quant())
    return w.apply("RELU", None, (source,), shape, w.quant())


def random_network(seed: int) -> Graph:
    """Three to nine operators on one input, every fifth network of int16; a branch may start at any tensor and meet another."""
    w = Network(np.random.default_rng([seed, 0x0505]), "int16" if seed % 5 == 0 else "int8")
    shape = (1, int(w.rng.integers(4, 20)), int(w.rng.choice([1, 3, 4, 5, 8])), int(w.rng.choice([4, 8, 12])))
    current = source = w.tensor(shape, w.quant())
    branch = source
    for _ in range(int(w.rng.integers(3, 10))):
        alike = [op.outputs[0] for op in w.ops if w.tensors[op.outputs[0]].shape == w.tensors[current].shape and op.outputs[0] != current]
        choice = w.rng.random()
        if alike and choice < 0.5:
            current = _pair(w, current, int(w.rng.choice(alike)))
        elif choice < 0.6:
            current = _sloped(w, current)
        elif choice < 0.75:  # f(x) beside x, to meet it in the next turn
            branch, before = current, w.tensors[current].shape
            current = _window(w, branch)
            if w.tensors[current].shape == before:
                current = _pair(w, branch, current)
        else:
            current = _window(w, current)
    read = {index for op in w.ops for index in op.inputs}
    outputs = tuple(op.outputs[0] for op in w.ops if op.outputs[0] not in read)
    graph = Graph(tuple(w.tensors), tuple(w.ops), (source,), outputs, name="rows")
    graph.check()
    return graph
