"""Training schemes, row for row as in `tinykd.recipe.schemes`: who is trained, against what. Importing this imports no Keras."""

from __future__ import annotations

from tinykd.distill.schemes.born_again import BornAgain
from tinykd.distill.schemes.mutual import Mutual
from tinykd.distill.schemes.scheme import Scheme

SCHEMES: dict[str, type[Scheme]] = {
    "offline": Scheme,
    "mutual": Mutual,
    "born_again": BornAgain,
}
