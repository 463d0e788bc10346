"""Training schemes, row for row as in `tinykd.recipe.schemes`: who is trained, against what. Importing this imports no Keras."""

from __future__ import annotations

from tinykd.distill.schemes.adversarial import Adversarial
from tinykd.distill.schemes.assistant import Assistant
from tinykd.distill.schemes.be_your_own_teacher import BeYourOwnTeacher
from tinykd.distill.schemes.born_again import BornAgain
from tinykd.distill.schemes.cross_modal import CrossModal
from tinykd.distill.schemes.data_free import DataFree
from tinykd.distill.schemes.gradual import Gradual
from tinykd.distill.schemes.multi_teacher import MultiTeacher
from tinykd.distill.schemes.mutual import Mutual
from tinykd.distill.schemes.okddip import Okddip
from tinykd.distill.schemes.one import One
from tinykd.distill.schemes.pseudo_labels import PseudoLabels
from tinykd.distill.schemes.quantized import Quantized
from tinykd.distill.schemes.scheme import Scheme

SCHEMES: dict[str, type[Scheme]] = {
    "offline": Scheme,
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
