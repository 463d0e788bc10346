"""How much each channel matters: the magnitude of the filters that make it.

    score(c) = mean over the layers of c's group of  |BN scale(c)| * ||filter(c)||_p / (the layer's mean of the same)

Li et al. 2017, "Pruning Filters for Efficient ConvNets", section 3.1, is p = 1 for one layer. Layers whose channels are one and the
same (a sum's, a depthwise convolution's) have one score (Fang et al. 2023, "DepGraph", equation 6); dividing by the layer's mean makes
layers comparable. The scale of a batch norm behind the layer, `gamma / sqrt(variance + epsilon)`, is part of the filter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.netaug.cut import segments
from tinykd.distill.netaug.groups import CHANNELWISE, MAKERS, Grouping

ORDERS = {"l1": 1, "l2": 2}
"""`p`, by the recipe's name."""


def importance(model: Any, grouping: Grouping, norm: str) -> list[NDArray[np.float64]]:
    """The scores of each group's channels, `[channels]`.

    Args:
        model: Functional Keras 3 model.
        grouping: Of the model, at its own widths.
        norm: A key of `ORDERS`.
    """
    readers = _readers(model)
    totals = [np.zeros(group.tiny) for group in grouping.groups]
    counts = [0] * len(grouping.groups)
    for layer in model.layers:
        norms = filter_norms(layer, norm)
        if norms is None or layer.name not in grouping.leaving:
            continue
        follower = readers.get(id(layer.output), [])
        if len(follower) == 1 and type(follower[0]).__name__ == "BatchNormalization":
            norms = norms * np.abs(batch_norm_scale(follower[0]))
        mean = norms.mean()
        relative = norms / mean if mean > 0 else norms
        for group, start, count in segments(grouping.groups, grouping.leaving[layer.name]):
            if group is not None:
                totals[group] += relative[start : start + count]
                counts[group] += 1
    return [total / max(count, 1) for total, count in zip(totals, counts, strict=True)]


def filter_norms(layer: Any, norm: str) -> NDArray[np.float64] | None:
    """The norm of each of a layer's filters, `[channels]`; None for a layer without filters."""
    kind = type(layer).__name__
    if kind not in MAKERS and not kind.startswith("DepthwiseConv"):
        return None
    kernel = np.abs(np.asarray(layer.kernel, np.float64))
    axis = kernel.ndim - (2 if kind in CHANNELWISE else 1)
    others = tuple(each for each in range(kernel.ndim) if each != axis)
    order = ORDERS[norm]
    return np.asarray((kernel**order).sum(axis=others) ** (1.0 / order), np.float64)


def batch_norm_scale(layer: Any) -> NDArray[np.float64]:
    """`gamma / sqrt(variance + epsilon)`, `[channels]`."""
    scale = 1.0 / np.sqrt(np.asarray(layer.moving_variance, np.float64) + layer.epsilon)
    gamma = 1.0 if layer.gamma is None else np.asarray(layer.gamma, np.float64)
    return np.asarray(gamma * scale, np.float64)


def _readers(model: Any) -> dict[int, list[Any]]:
    """The layers that read each tensor."""
    readers: dict[int, list[Any]] = {}
    for layer in model.layers:
        if type(layer).__name__ == "InputLayer":
            continue
        inputs = layer.input
        for tensor in inputs if isinstance(inputs, (list, tuple)) else [inputs]:
            readers.setdefault(id(tensor), []).append(layer)
    return readers
