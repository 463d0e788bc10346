"""How a distillation loss's weight changes over a training: a rise from 0 at its beginning, a decay to 0 at its end."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinykd.distill.keras_modules import keras


def _none(_: Any) -> Any:
    return 1.0


def _linear(progress: Any) -> Any:
    return 1.0 - progress


def _cosine(progress: Any) -> Any:
    """Half a cosine, as the learning rate's."""
    return 0.5 * (1.0 + keras().ops.cos(math.pi * progress))


DECAYS: dict[str, Callable[[Any], Any]] = {
    "none": _none,
    "linear": _linear,
    "cosine": _cosine,
}


@dataclass(frozen=True)
class WeightSchedule:
    """`min(epoch / warmup_epochs, 1) * decay(epoch / epochs)`.

    Attributes:
        warmup_epochs: Of the linear rise from 0.
        decay: A key of `DECAYS`.
        epochs: Of the whole training.
    """

    warmup_epochs: float = 0.0
    decay: str = "none"
    epochs: float = 1.0

    def factor(self, epoch: Any) -> Any:
        """Of the weight, at `epoch` (a scalar: epochs finished, with the share of the running one); 1 if nobody says when it is."""
        if epoch is None:
            return 1.0
        risen = keras().ops.minimum(epoch / self.warmup_epochs, 1.0) if self.warmup_epochs else 1.0
        return risen * DECAYS[self.decay](keras().ops.minimum(epoch / self.epochs, 1.0))

    @property
    def last(self) -> float:
        """The factor at the end of the training, at which one that goes on after it stays."""
        return float(self.factor(self.epochs))


CONSTANT = WeightSchedule()
