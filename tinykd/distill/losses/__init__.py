"""The table of distillation losses, row for row as in `tinykd.recipe.losses`. Importing this package imports Keras."""

from __future__ import annotations

from tinykd.distill.losses.activation_boundary import ActivationBoundary
from tinykd.distill.losses.attention import Attention
from tinykd.distill.losses.bounded import Bounded
from tinykd.distill.losses.correlation import Correlation
from tinykd.distill.losses.crd import CRD
from tinykd.distill.losses.dist import Dist
from tinykd.distill.losses.dkd import DKD
from tinykd.distill.losses.factor import Factor
from tinykd.distill.losses.fsp import FSP
from tinykd.distill.losses.hint import Hint
from tinykd.distill.losses.jacobian import Jacobian
from tinykd.distill.losses.kd import KD
from tinykd.distill.losses.logit_std import LogitStd
from tinykd.distill.losses.logits import Logits
from tinykd.distill.losses.loss import Loss
from tinykd.distill.losses.mmd import MMD
from tinykd.distill.losses.msff import MSFF
from tinykd.distill.losses.nst import NST
from tinykd.distill.losses.pkt import PKT
from tinykd.distill.losses.review import Review
from tinykd.distill.losses.rkd import RKD
from tinykd.distill.losses.similarity import Similarity
from tinykd.distill.losses.soft_target_ce import SoftTargetCE
from tinykd.distill.losses.sparsity import Sparsity
from tinykd.distill.losses.svd import SVD
from tinykd.distill.losses.weights import Weights
from tinykd.recipe.losses import LossSection

LOSSES: dict[str, type[Loss]] = {
    # response
    "kd": KD,
    "logits": Logits,
    "soft_target_ce": SoftTargetCE,
    "dkd": DKD,
    "dist": Dist,
    "logit_std": LogitStd,
    "bounded": Bounded,
    # feature
    "hint": Hint,
    "attention": Attention,
    "mmd": MMD,
    "nst": NST,
    "activation_boundary": ActivationBoundary,
    "sparsity": Sparsity,
    "factor": Factor,
    "review": Review,
    "msff": MSFF,
    "weights": Weights,
    "jacobian": Jacobian,
    # relation
    "similarity": Similarity,
    "pkt": PKT,
    "correlation": Correlation,
    "fsp": FSP,
    "svd": SVD,
    "rkd": RKD,
    "crd": CRD,
}

#: What a section says about the term, not about the loss itself.
OF_THE_TERM = {"name", "weight", "warmup_epochs", "decay", "pairs"}


def from_recipe(section: LossSection) -> Loss:
    """The loss object for one `[[distill.losses]]` table of a recipe: the table's other keys are the class's arguments."""
    return LOSSES[section.name](**{key: getattr(section, key) for key in type(section).model_fields if key not in OF_THE_TERM})
