"""Learning rate as a pure function of the step."""

from __future__ import annotations

import math
from collections.abc import Callable

from tinykd.recipe.model import Training


def _constant(_: float) -> float:
    return 1.0


def _cosine(progress: float) -> float:
    """Half a cosine from 1 to 0 (Loshchilov and Hutter 2017, equation 5, without restarts)."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def _step(progress: float) -> float:
    """A tenth after half of the training and again after three quarters (He 2016, section 4.2: 32k and 48k of 64k steps)."""
    return math.prod(0.1 for milestone in (0.5, 0.75) if progress >= milestone)


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": _constant,
    "cosine": _cosine,
    "step": _step,
}


def learning_rate(training: Training, step: int, steps_per_epoch: int) -> float:
    """Learning rate at `step` (0 is the first); linear warm-up first, then the schedule over what remains."""
    warmup = training.warmup_epochs * steps_per_epoch
    if step < warmup:
        return training.learning_rate * (step + 1) / (warmup + 1)
    total = training.epochs * steps_per_epoch
    progress = (step - warmup) / max(1.0, total - warmup)
    return training.learning_rate * SCHEDULES[training.schedule](min(1.0, progress))
