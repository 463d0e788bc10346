"""Accuracy and fidelity from logits. Fidelity after Stanton et al. 2021, "Does Knowledge Distillation Really Work?"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_modules import tensorflow

Logits = NDArray[np.float32]

#: Samples in one forward pass of an evaluation.
BATCH_SAMPLES = 512


def predictor(model: Any) -> Callable[[NDArray[np.float32]], Logits]:
    """`inputs [samples, ...] -> outputs [samples, classes]`, in batches, with the network in inference mode."""
    tf = tensorflow()
    forward = tf.function(lambda x: model(x, training=False), autograph=False, reduce_retracing=True)

    def predict(x: NDArray[np.float32]) -> Logits:
        batches = [np.asarray(forward(x[start : start + BATCH_SAMPLES])) for start in range(0, len(x), BATCH_SAMPLES)]
        return np.concatenate(batches).astype(np.float32)

    return predict


def log_softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Log-probabilities along the last axis, in float64, without overflow."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def accuracy(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Fraction of samples whose largest output is their label; the first of equal ones counts."""
    return float(np.mean(logits.argmax(axis=-1) == labels))


def cross_entropy(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Mean negative log-likelihood, nats."""
    return float(-np.mean(log_softmax(logits)[np.arange(len(labels)), labels]))


def agreement(teacher: NDArray[Any], student: NDArray[Any]) -> float:
    """Top-1 agreement: fraction of samples on which both name the same class."""
    return float(np.mean(teacher.argmax(axis=-1) == student.argmax(axis=-1)))


def predictive_kl(teacher: NDArray[Any], student: NDArray[Any]) -> float:
    """Mean `KL(softmax(t) || softmax(s))` at temperature 1, nats."""
    log_t, log_s = log_softmax(teacher), log_softmax(student)
    return float(np.mean(np.sum(np.exp(log_t) * (log_t - log_s), axis=-1)))
