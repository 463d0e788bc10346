"""What the trainer takes steps with where that is not a Keras model itself, but something around one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Trainable:
    """A model whose forward pass is another: rounded, or of several networks at once. Subclasses say which, in `__call__` and `tapped`.

    Attributes:
        model: Keras model that holds the weights.
    """

    model: Any

    def tapped(self, x: Any, training: bool = False) -> Mapping[str, Any]:
        """Every layer's output by name, and the logits, in one pass that has a gradient."""
        raise NotImplementedError

    @property
    def trainable_variables(self) -> list[Any]:
        """What the optimizer moves."""
        return list(self.model.trainable_variables)

    @property
    def variables(self) -> list[Any]:
        """All that training changes, which a checkpoint holds."""
        return list(self.model.variables)

    @property
    def losses(self) -> list[Any]:
        """Regularisation of the model's layers."""
        return list(self.model.losses)

    @property
    def layers(self) -> list[Any]:
        """Which hold the weights."""
        return list(self.model.layers)

    def get_layer(self, name: str) -> Any:
        """The layer of that name."""
        return self.model.get_layer(name)
