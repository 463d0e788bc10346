"""Students with LSTM or GRU: trained on in float32, quantized by the converter's calibration, their steps unrolled.

A recurrent layer is many kernels whose ranges differ from step to step; what rounds them on the device is what the converter makes of
them, so there is nothing to train against here. The rest of such a student is not rounded while training either.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.tap import LOGITS, layer_shapes, tap
from tinykd.distill.trainable import Trainable
from tinykd.quantize.post_training import int8_model
from tinykd.quantize.tfmot import FloatTensors

#: One conversion in three leaves a GRU partly in float32.
_CONVERSIONS = 20

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "Bidirectional")


@dataclass(frozen=True, eq=False)
class RecurrentNetwork(Trainable):
    """Inputs `[batch, ...]` -> logits `[batch, classes]`, in float32.

    Attributes:
        model: Keras 3, recurrent layers unrolled.
        calibration: `[samples, ...]`, the converter's representative data set.
    """

    calibration: NDArray[np.float32]

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Logits `[batch, classes]`."""
        return self.model(x, training=training)

    def tapped(self, x: Any, training: bool = False) -> Mapping[str, Any]:
        """Every layer's output by name, and the logits."""
        return tap(self.model, [name for name in layer_shapes(self.model) if name != LOGITS])(x, training=training)

    def convert(self) -> bytes:
        """See `Engine.convert`.

        The first step's state is zero, so some of its gates come to nothing. Whether the converter then rounds the SPLIT that made
        them, or leaves it in float32, changes from one conversion of the same network to the next; what it does round is right.
        """
        for _ in range(_CONVERSIONS - 1):
            with contextlib.suppress(FloatTensors):
                return int8_model(self.model, self.calibration)
        return int8_model(self.model, self.calibration)


def is_recurrent(student: Any) -> bool:
    """Whether a layer of the student is one that is quantized by calibration alone."""
    return any(type(layer).__name__ in RECURRENT for layer in getattr(student, "layers", ()))


def unrolled(student: Any, calibration: NDArray[np.float32]) -> RecurrentNetwork:
    """A copy of the student with its recurrent layers written out step by step: loops have no int8 form."""
    copy = _keras().models.clone_model(student, clone_function=_unrolled)
    copy.set_weights(student.get_weights())
    return RecurrentNetwork(copy, calibration)


def _unrolled(layer: Any) -> Any:
    config = layer.get_config()
    if type(layer).__name__ == "Bidirectional":
        for side in ("layer", "backward_layer"):
            if config.get(side):
                config[side]["config"]["unroll"] = True
    elif type(layer).__name__ in RECURRENT:
        config["unroll"] = True
    return type(layer).from_config(config)
