"""The table of distillation losses. Importing this package imports Keras."""

from __future__ import annotations

from tinykd.distill.losses.kd import KD
from tinykd.recipe.model import Kd

LOSSES = {
    "kd": KD,
}


def from_recipe(section: Kd) -> KD:
    """The loss object for one `[[distill.losses]]` table of a recipe."""
    return LOSSES[section.name].from_recipe(section)
