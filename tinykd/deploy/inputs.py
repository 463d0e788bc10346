"""Inputs to compare on: seeded random ones for any model."""

from __future__ import annotations

import numpy as np

from tinykd.compile.graph import Array, Graph, Tensor


def random_inputs(graph: Graph, samples: int, seed: int) -> list[tuple[Array, ...]]:
    """`samples` sets of inputs. The first is all lowest values, the second all highest, the third the zero point, the rest
    are uniform over the dtype; float32 inputs are drawn over the range that the first QUANTIZE keeps.
    """
    rng = np.random.default_rng(seed)
    return [tuple(_draw(graph, graph.tensors[i], rng, number) for i in graph.inputs) for number in range(samples)]


def _draw(graph: Graph, tensor: Tensor, rng: np.random.Generator, number: int) -> Array:
    if tensor.dtype == "float32":
        low, high = _real_range(graph, tensor)
        fixed = (low, high, 0.0)
        if number < len(fixed):
            return np.full(tensor.shape, fixed[number], np.float32)
        return rng.uniform(low, high, tensor.shape).astype(np.float32)
    if tensor.dtype == "bool":
        return rng.integers(0, 2, tensor.shape).astype(np.bool_)
    limits = np.iinfo(tensor.dtype)
    middle = tensor.quant.zero_point if tensor.quant else 0  # beyond the dtype in models that only move elements
    edges = (limits.min, limits.max, min(max(middle, int(limits.min)), int(limits.max)))
    if number < len(edges):
        return np.full(tensor.shape, edges[number], tensor.dtype)
    return rng.integers(limits.min, limits.max + 1, tensor.shape, dtype=np.int64).astype(tensor.dtype)


def _real_range(graph: Graph, tensor: Tensor) -> tuple[float, float]:
    """The real values that the operator after a float32 input can tell apart, and a little beyond."""
    for op in graph.ops:
        if op.inputs and graph.tensors[op.inputs[0]] is tensor:
            result = graph.tensors[op.outputs[0]]
            if result.quant is not None and result.dtype != "float32":
                limits = np.iinfo(result.dtype)
                scale, zero = result.quant.scale, result.quant.zero_point
                return scale * (int(limits.min) - zero - 3), scale * (int(limits.max) - zero + 3)
    return -1.0, 1.0
