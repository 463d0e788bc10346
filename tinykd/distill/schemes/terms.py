"""What online schemes' objectives are made of. Logits are lists, one array `[batch, classes]` a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinykd.distill.keras_modules import keras
from tinykd.distill.objective import label_loss


def label_losses(labels: Any, logits: list[Any], smoothing: float = 0.0) -> Any:
    """Cross-entropy with the labels, summed over the networks."""
    return sum(label_loss(labels, each, smoothing) for each in logits)


def divergence(target: Any, logits: Any, temperature: float) -> Any:
    """`T^2 KL(target || softmax(logits / T))`, mean over the batch.

    Args:
        target: Log-probabilities `[batch, classes]`; no gradient reaches them.
        logits: `[batch, classes]`.
    """
    ops = keras().ops
    target = ops.stop_gradient(target)
    own = softened(logits, temperature)
    return temperature**2 * ops.mean(ops.sum(ops.exp(target) * (target - own), axis=-1))


def softened(logits: Any, temperature: float) -> Any:
    """Log-probabilities at a temperature."""
    return keras().ops.log_softmax(logits / temperature, axis=-1)


def mean_probabilities(logits: list[Any], temperature: float) -> Any:
    """Logarithm of the networks' mean probabilities at a temperature, `[batch, classes]`."""
    ops = keras().ops
    stacked = ops.stack([softened(each, temperature) for each in logits])
    return ops.logsumexp(stacked, axis=0) - ops.log(float(len(logits)))


def ramp(share: float, epochs: int) -> Callable[[Any], Any]:
    """`epoch -> exp(-5 (1 - t)^2)`, t from 0 to 1 in the first `share` of the epochs (Laine and Aila 2017); 1 for share 0."""
    if not share:
        return lambda _: 1.0
    return lambda epoch: keras().ops.exp(-5.0 * keras().ops.square(1.0 - keras().ops.minimum(epoch / (share * epochs), 1.0)))


NO_RAMP = ramp(0.0, 1)
