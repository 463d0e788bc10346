"""What the weights of an integer model take: as they are stored, and what information there is in them.

Only stored bytes are flash. Entropy, `n * H / 8` with `H` the entropy of a layer's integers in bits, bounds what any code of single
weights could reach; `compressed` is what deflate makes of the stored bytes. Nothing here unpacks either: they are not claimed.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from tinykd.compile import nibbles
from tinykd.compile.graph import Array, Graph

WEIGHTS = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "TRANSPOSE_CONV": 1}
"""Operators with weights, and which of their inputs these are."""


@dataclass(frozen=True)
class StoredWeights:
    """The weights of one operator.

    Attributes:
        layer: Name of the operator's result.
        kind: The operator.
        weights: How many.
        dtype: int8, or int4: two to a byte.
        levels: Different integers among them.
        zeros: Fraction that is zero.
        stored_bytes: In the file and in flash.
        entropy_bytes: See above.
        compressed_bytes: See above.
    """

    layer: str
    kind: str
    weights: int
    dtype: str
    levels: int
    zeros: float
    stored_bytes: int
    entropy_bytes: int
    compressed_bytes: int


def stored_weights(graph: Graph) -> tuple[StoredWeights, ...]:
    """Of every operator with constant weights, in order; weights that two operators share count for the first."""
    found, seen = [], set[int]()
    for op in graph.ops:
        index = op.inputs[WEIGHTS[op.kind]] if op.kind in WEIGHTS else -1
        if index < 0 or index in seen or (data := graph.tensors[index].data) is None:
            continue
        seen.add(index)
        dtype = graph.tensors[index].dtype
        raw = (nibbles.pack(data) if dtype == "int4" else np.ascontiguousarray(data)).tobytes()
        found.append(
            StoredWeights(
                graph.tensors[op.outputs[0]].name,
                op.kind,
                data.size,
                dtype,
                len(np.unique(data)),
                float(np.mean(data == 0)),
                len(raw),
                math.ceil(data.size * entropy(data) / 8),
                len(zlib.compress(raw, 9)),
            )
        )
    return tuple(found)


def bias_bytes(graph: Graph) -> int:
    """What the biases behind these weights take."""
    behind = {index for op in graph.ops if op.kind in WEIGHTS for index in op.inputs[WEIGHTS[op.kind] + 1 :] if index >= 0}
    return sum(data.nbytes for index in behind if (data := graph.tensors[index].data) is not None)


def entropy(values: Array) -> float:
    """`-sum p log2 p` over the different values, bits."""
    _, counts = np.unique(values, return_counts=True)
    p = counts / counts.sum()
    return float(-(p * np.log2(p)).sum())
