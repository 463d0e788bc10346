"""Distillation: teachers, stored teacher outputs, losses, the training loop and the stages of a run.

`Distiller` is the way in from one's own code; importing it imports Keras, importing this package does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinykd.distill.distiller import Distiller

__all__ = ["Distiller"]


def __getattr__(name: str) -> Any:
    if name == "Distiller":
        from tinykd.distill.distiller import Distiller

        return Distiller
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
