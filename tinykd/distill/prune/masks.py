"""Unstructured pruning: single weights of least magnitude are set to zero and held there (Han et al. 2015; Zhu and Gupta 2017).

Dense kernels store and multiply zeros like any other weight: neither flash nor time shrinks. What shrinks is the compressed file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.netaug.groups import MAKERS
from tinykd.distill.objective import Objective
from tinykd.distill.trainer import compile_step

KERNELS = (*MAKERS, "DepthwiseConv1D", "DepthwiseConv2D", "Conv2DTranspose", "Conv1DTranspose")

Masks = Mapping[str, NDArray[np.float32]]
"""By layer: 1 where a weight stays, 0 where it is zero; in the kernel's shape."""


def masks_by_magnitude(model: Any, fraction: float, ranking: str) -> Masks:
    """Masks that zero `fraction` of all kernels' weights.

    Args:
        model: Keras 3 model.
        fraction: Of weights.
        ranking: `layer`: of each layer the same fraction; `global`: the least of all, each relative to its layer's mean magnitude.
    """
    sizes = {layer.name: np.abs(np.asarray(layer.kernel, np.float64)) for layer in kernel_layers(model)}
    if ranking == "global":
        relative = {name: size / max(float(size.mean()), 1e-30) for name, size in sizes.items()}
        limit = float(np.quantile(np.concatenate([one.ravel() for one in relative.values()]), fraction))
        return {name: (one > limit).astype(np.float32) for name, one in relative.items()}
    return {name: (size > np.quantile(size, fraction)).astype(np.float32) for name, size in sizes.items()}


def zeros_of(model: Any) -> Masks:
    """The masks that hold a network's zeros where they are."""
    return {layer.name: (np.asarray(layer.kernel) != 0).astype(np.float32) for layer in kernel_layers(model)}


def kernel_layers(model: Any) -> list[Any]:
    """Layers whose weights can be zeroed."""
    return [layer for layer in model.layers if type(layer).__name__ in KERNELS]


def hold(model: Any, masks: Masks) -> None:
    """Set the masked weights of `model` (or of a network that has its layers by name) to zero."""
    for name, mask in masks.items():
        kernel = model.get_layer(name).kernel
        kernel.assign(kernel.value * mask)


def share_of_zeros(masks: Masks) -> float:
    """Fraction of the weights that are zero."""
    return 1.0 - float(sum(mask.sum() for mask in masks.values())) / sum(mask.size for mask in masks.values())


@dataclass(frozen=True)
class MaskedSteps:
    """Gradient steps after each of which the masked weights are zero again. See `tinykd.distill.trainer.Steps`."""

    masks: Masks

    def compiled(self, model: Any, optimizer: Any, objective: Objective) -> Callable[..., Any]:
        """See `Steps`."""
        step = compile_step(model, optimizer, objective)

        def masked(*batch: Any) -> Any:
            loss = step(*batch)
            hold(model, self.masks)
            return loss

        return masked

    def start_epoch(self, number: int, optimizer: Any) -> None:
        """Nothing."""
