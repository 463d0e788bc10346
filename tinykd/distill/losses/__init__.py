"""The table of distillation losses, row for row as in `tinykd.recipe.losses`. Importing this package imports Keras."""

from __future__ import annotations

from tinykd.distill.losses.kd import KD
from tinykd.distill.losses.loss import Loss
from tinykd.recipe.losses import LossSection

LOSSES: dict[str, type[Loss]] = {
    # response
    "kd": KD,
    # feature
    # relation
}

#: What a section says about the term, not about the loss itself.
OF_THE_TERM = {"name", "weight", "warmup_epochs", "decay", "pairs"}


def from_recipe(section: LossSection) -> Loss:
    """The loss object for one `[[distill.losses]]` table of a recipe: the table's other keys are the class's arguments."""
    return LOSSES[section.name](**{key: getattr(section, key) for key in type(section).model_fields if key not in OF_THE_TERM})
