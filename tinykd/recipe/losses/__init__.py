"""The losses that a recipe can name. Nothing here imports Keras: `tinykd.distill.losses` has the classes, row for row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Tag

from tinykd.recipe.losses.feature import ActivationBoundary, Attention, Factor, Hint, Jacobian, Mmd, Msff, Nst, Review, Sparsity, Weights
from tinykd.recipe.losses.loss import FeatureSection, LossSection, Pairs
from tinykd.recipe.losses.relation import Correlation, Crd, Fsp, Pkt, Rkd, Similarity, Svd
from tinykd.recipe.losses.response import Bounded, Dist, Dkd, Kd, Logits, LogitStd, SoftTargetCe

__all__ = ["SECTIONS", "AnyLoss", "FeatureSection", "Kd", "LossSection", "Pairs"]

SECTIONS: dict[str, type[LossSection]] = {
    # response
    "kd": Kd,
    "logits": Logits,
    "soft_target_ce": SoftTargetCe,
    "dkd": Dkd,
    "dist": Dist,
    "logit_std": LogitStd,
    "bounded": Bounded,
    # feature
    "hint": Hint,
    "attention": Attention,
    "mmd": Mmd,
    "nst": Nst,
    "activation_boundary": ActivationBoundary,
    "sparsity": Sparsity,
    "factor": Factor,
    "review": Review,
    "msff": Msff,
    "weights": Weights,
    "jacobian": Jacobian,
    # relation
    "similarity": Similarity,
    "pkt": Pkt,
    "correlation": Correlation,
    "fsp": Fsp,
    "svd": Svd,
    "rkd": Rkd,
    "crd": Crd,
}


def _name(value: Any) -> str:
    """Which section a table means; without a name it is soft targets."""
    return str(value.get("name", "kd")) if isinstance(value, dict) else str(getattr(value, "name", "kd"))


if TYPE_CHECKING:
    AnyLoss = LossSection
else:
    AnyLoss = Annotated[Union[tuple(Annotated[section, Tag(name)] for name, section in SECTIONS.items())], Discriminator(_name)]  # noqa: UP007
