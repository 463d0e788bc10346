"""A graph without its learned values: stand-ins of the same shape, that take no memory and no time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import numpy as np

from tinykd.compile.graph import Array, Graph, Tensor

LEARNED: Mapping[str, tuple[int, ...]] = {
    "CONV_2D": (1, 2),
    "DEPTHWISE_CONV_2D": (1, 2),
    "FULLY_CONNECTED": (1, 2),
    "TRANSPOSE_CONV": (1, 3),
}
"""By operator, which inputs are weights and biases."""

_POOL = np.random.default_rng(0).integers(-127, 128, 1 << 18).astype(np.int8)
_POOLS: Mapping[str, Array] = {
    "int8": _POOL,
    "int4": _POOL >> 4,
    "uint8": _POOL.view(np.uint8),
    "int16": np.zeros(1 << 14, np.int16),
    "int32": np.zeros(1 << 14, np.int32),
    "int64": np.zeros(1 << 14, np.int64),
}
"""What stand-ins are views of: weights as wide as they come, biases of 0."""


def stand_in(shape: tuple[int, ...], dtype: str) -> Array:
    """Values for a learned tensor."""
    pool, count = _POOLS[dtype], prod(shape)
    return (pool[:count] if count <= pool.size else np.resize(pool, count)).reshape(shape)


def is_stand_in(tensor: Tensor) -> bool:
    """Whether `tensor` may be remembered by its shape alone."""
    return tensor.data is not None and tensor.data.base is _POOLS.get(tensor.dtype, ...)


def weightless(graph: Graph) -> Graph:
    """`graph` with stand-ins for the weights and biases of its operators."""
    learned = {op.inputs[k] for op in graph.ops for k in LEARNED.get(op.kind, ()) if k < len(op.inputs)}
    tensors = tuple(
        replace(t, data=stand_in(t.shape, t.dtype)) if k in learned and t.is_constant and t.dtype in _POOLS else t
        for k, t in enumerate(graph.tensors)
    )
    return replace(graph, tensors=tensors)
