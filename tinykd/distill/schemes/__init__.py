"""Training schemes, row for row as in `tinykd.recipe.schemes`: who is trained, against what. Importing this imports no Keras."""

from __future__ import annotations

from tinykd.distill.schemes.assistant import Assistant
from tinykd.distill.schemes.born_again import BornAgain
from tinykd.distill.schemes.gradual import Gradual
from tinykd.distill.schemes.multi_teacher import MultiTeacher
from tinykd.distill.schemes.mutual import Mutual
from tinykd.distill.schemes.okddip import Okddip
from tinykd.distill.schemes.one import One
from tinykd.distill.schemes.pseudo_labels import PseudoLabels
from tinykd.distill.schemes.scheme import Scheme

SCHEMES: dict[str, type[Scheme]] = {
    "offline": Scheme,
    "multi_teacher": MultiTeacher,
    "assistant": Assistant,
    "gradual": Gradual,
    "mutual": Mutual,
    "one": One,
    "okddip": Okddip,
    "born_again": BornAgain,
    "pseudo_labels": PseudoLabels,
}
