"""The schemes that a recipe can name: who is trained, against what. Nothing here imports Keras: `tinykd.distill.schemes` trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import BeforeValidator, Discriminator, Tag

from tinykd.recipe.schemes.inputs import CrossModal, DataFree, PseudoLabels
from tinykd.recipe.schemes.online import BeYourOwnTeacher, BornAgain, Mutual, Okddip, One
from tinykd.recipe.schemes.scheme import SchemeSection
from tinykd.recipe.schemes.taught import Adversarial, Assistant, Gradual, MultiTeacher, Offline, Quantized

__all__ = [
    "SCHEMES",
    "Adversarial",
    "AnyScheme",
    "Assistant",
    "BeYourOwnTeacher",
    "BornAgain",
    "CrossModal",
    "DataFree",
    "Gradual",
    "MultiTeacher",
    "Mutual",
    "Offline",
    "Okddip",
    "One",
    "PseudoLabels",
    "Quantized",
    "SchemeSection",
]

SCHEMES: dict[str, type[SchemeSection]] = {
    "offline": Offline,
    "multi_teacher": MultiTeacher,
    "assistant": Assistant,
    "gradual": Gradual,
    "mutual": Mutual,
    "one": One,
    "okddip": Okddip,
    "be_your_own_teacher": BeYourOwnTeacher,
    "born_again": BornAgain,
    "adversarial": Adversarial,
    "data_free": DataFree,
    "cross_modal": CrossModal,
    "quantized": Quantized,
    "pseudo_labels": PseudoLabels,
}


def _name(value: Any) -> str:
    """Which section a table means; without a name it is offline."""
    return str(value.get("name", "offline")) if isinstance(value, dict) else str(getattr(value, "name", "offline"))


def _table(value: Any) -> Any:
    """A bare name stands for its table with every default."""
    return {"name": value} if isinstance(value, str) else value


if TYPE_CHECKING:
    AnyScheme = SchemeSection
else:
    AnyScheme = Annotated[
        Union[tuple(Annotated[section, Tag(name)] for name, section in SCHEMES.items())],  # noqa: UP007
        Discriminator(_name),
        BeforeValidator(_table),
    ]
