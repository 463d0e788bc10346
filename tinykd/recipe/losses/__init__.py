"""The losses that a recipe can name. Nothing here imports Keras: `tinykd.distill.losses` has the classes, row for row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Tag

from tinykd.recipe.losses.loss import FeatureSection, LossSection, Pairs
from tinykd.recipe.losses.response import Kd

__all__ = ["SECTIONS", "AnyLoss", "FeatureSection", "Kd", "LossSection", "Pairs"]

SECTIONS: dict[str, type[LossSection]] = {
    # response
    "kd": Kd,
    # feature
    # relation
}


def _name(value: Any) -> str:
    """Which section a table means; without a name it is soft targets."""
    return str(value.get("name", "kd")) if isinstance(value, dict) else str(getattr(value, "name", "kd"))


if TYPE_CHECKING:
    AnyLoss = LossSection
else:
    AnyLoss = Annotated[Union[tuple(Annotated[section, Tag(name)] for name, section in SECTIONS.items())], Discriminator(_name)]  # noqa: UP007
