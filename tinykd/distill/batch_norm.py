"""Batch-norm statistics measured again after training.

Moving averages lag: on a tiny data set they still remember the first epochs, and under augmentation they describe inputs
that evaluation never sees. Before a network is evaluated its statistics are measured on plain training samples, and kept unless
those of training validate better.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Samples in one measured batch; and at most this many batches.
BATCH_SAMPLES = 256
MAX_BATCHES = 16


def batch_norm_layers(model: Any) -> list[Any]:
    """Every batch-norm layer of the model, also those inside quantization wrappers, in order."""
    layers = (getattr(layer, "layer", layer) for layer in model.layers)
    return [layer for layer in layers if type(layer).__name__ == "BatchNormalization"]


def reestimate_batch_norm(model: Any, x: NDArray[np.float32]) -> None:
    """Set every moving mean and variance to the average over batches of `x`.

    With momentum `1 - 1/k` at batch `k` a moving average becomes the plain average of all `k` batches.

    Args:
        model: A network of either Keras; a network without batch norm stays as it is.
        x: Training inputs, `[samples, ...]`, in any order that mixes the classes; evenly spaced samples are taken.
    """
    layers = batch_norm_layers(model)
    if not layers:
        return
    count = min(len(x), BATCH_SAMPLES * MAX_BATCHES)
    chosen = np.linspace(0, len(x) - 1, count).round().astype(np.int64)
    # Batches interleave (stride, not block), so that each one sees the whole data set even if it is sorted by class.
    batches = max(1, count // BATCH_SAMPLES)
    momenta = [layer.momentum for layer in layers]
    try:
        for number in range(batches):
            for layer in layers:
                layer.momentum = 1.0 - 1.0 / (number + 1)
            model(x[chosen[number::batches]], training=True)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
