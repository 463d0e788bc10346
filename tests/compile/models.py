"""Small graphs built by hand, for tests that need a whole model."""

from __future__ import annotations

import numpy as np

from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.ops.conv_2d import Conv2DOptions
from tinykd.compile.ops.fully_connected import FullyConnectedOptions
from tinykd.compile.writer import write_model


def conv_then_dense(seed: int = 0) -> Graph:
    """int8 [1, 6, 6, 2] -> CONV_2D 3x3 to 4 channels, stride 2, RELU -> RESHAPE-free FULLY_CONNECTED to 5."""
    rng = np.random.default_rng(seed)
    activation = Quant((0.05,), (-3,))
    weights = rng.integers(-127, 128, (4, 3, 3, 2)).astype(np.int8)
    dense = rng.integers(-127, 128, (5, 36)).astype(np.int8)
    scales = (0.01, 0.02, 0.03, 0.04)
    tensors = (
        Tensor("image", (1, 6, 6, 2), "int8", activation, source=0),
        Tensor("kernel", weights.shape, "int8", Quant(scales, (0,) * 4), weights, 1),
        Tensor("bias", (4,), "int32", Quant(tuple(0.05 * s for s in scales), (0,) * 4), rng.integers(-500, 500, 4).astype(np.int32), 2),
        Tensor("features", (1, 3, 3, 4), "int8", Quant((0.8,), (-128,)), source=3),
        Tensor("matrix", dense.shape, "int8", Quant((0.01,), (0,)), dense, 4),
        Tensor("offsets", (5,), "int32", Quant((0.008,), (0,)), rng.integers(-500, 500, 5).astype(np.int32), 5),
        Tensor("logits", (1, 5), "int8", Quant((1.5,), (4,)), source=6),
    )
    ops = (
        Op("CONV_2D", (0, 1, 2), (3,), Conv2DOptions(0, 2, 2, 1)),
        Op("FULLY_CONNECTED", (3, 4, 5), (6,), FullyConnectedOptions()),
    )
    graph = Graph(tensors, ops, (0,), (6,), name="small")
    graph.check()
    return graph


def conv_then_dense_bytes(seed: int = 0) -> bytes:
    """`conv_then_dense` as a `.tflite`."""
    return write_model(conv_then_dense(seed))
