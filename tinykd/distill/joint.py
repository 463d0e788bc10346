"""Several networks trained as one: peers, branches or exits on the same inputs, in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinykd.distill.tap import LOGITS
from tinykd.distill.trainable import Trainable


@dataclass(frozen=True)
class Joint(Trainable):
    """What the trainer sees of them: one model whose outputs have names, of which `logits` is evaluated.

    Attributes:
        model: Functional Keras 3 model, inputs `[batch, ...]` -> outputs by name, `logits` `[batch, classes]` among them.
    """

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Logits `[batch, classes]`: those that validation chooses the best epoch by."""
        return self.model(x, training=training)[LOGITS]

    def tapped(self, x: Any, training: bool = False) -> Mapping[str, Any]:
        """Every output by name."""
        outputs: Mapping[str, Any] = self.model(x, training=training)
        return outputs
