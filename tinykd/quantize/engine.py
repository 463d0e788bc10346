"""Quantization-aware training engines: one interface, a table by the recipe's name."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinykd.quantize.layer_error import LayerError
from tinykd.recipe.model import Net, Quantize

Inputs = NDArray[np.float32]


class Engine(Protocol):
    """From a float student to int8, with a trainable network between."""

    def keras(self) -> ModuleType:
        """The Keras that `prepare`'s network belongs to, and whose optimizers train it."""
        ...

    def prepare(self, student: Any, net: Net, calibration: Inputs, steps: int) -> Any:
        """A network that computes what `student` computes, rounded as int8 kernels round, ready to train, or to convert as it is.

        Args:
            student: Trained Keras 3 model, inputs `[batch, ...]` -> logits `[batch, classes]`.
            net: The architecture it was built from.
            calibration: Plain training inputs `[samples, ...]` that set the activation ranges.
            steps: Training steps of an epoch.

        Raises:
            UnsupportedModel: naming the layer that cannot be quantized.
        """
        ...

    def settle(self, model: Any, calibration: Inputs) -> None:
        """Measure batch-norm statistics and activation ranges again and fix them: after training, before evaluation."""
        ...

    def convert(self, model: Any) -> bytes:
        """The `.tflite`, int8 in, int8 out, integer operators only.

        Raises:
            UnsupportedModel: the converter refuses the network or leaves a float operator.
        """
        ...

    def errors(self, model: Any, x: Inputs) -> tuple[LayerError, ...]:
        """What quantization does to each layer on `x` `[samples, ...]`; nothing where the engine cannot say."""
        ...


def _tfmot(_: Quantize) -> Engine:
    from tinykd.quantize.tfmot import TfmotEngine

    return TfmotEngine()


def _native(settings: Quantize) -> Engine:
    from tinykd.quantize.native.engine import NativeEngine

    return NativeEngine(settings)


ENGINES: dict[str, Callable[[Quantize], Engine]] = {
    "tfmot": _tfmot,
    "native": _native,
}


def engine(settings: Quantize) -> Engine:
    """The engine that a recipe's section names."""
    return ENGINES[settings.engine](settings)
