"""What a study compares: how a student is trained, and in which form it is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tinykd.errors import RecipeError
from tinykd.recipe.model import Recipe

Form = Literal["float", "dynamic_range", "ptq", "qat"]

#: What each form is, and how it is called in tables and plots.
FORMS: Mapping[Form, str] = {
    "float": "float32",
    "dynamic_range": "int8 weights, dynamic range",
    "ptq": "int8, post-training",
    "qat": "int8, quantization-aware",
}

LABELS_ONLY: Mapping[str, Any] = {
    "distill.scheme": "offline",
    "distill.losses": [],
    "distill.before": [],
    "distill.label_weight": 1.0,
}


@dataclass(frozen=True)
class Training:
    """Changes to a recipe that make one way of training its student.

    Attributes:
        changes: Dotted keys of the recipe and their values.
        needs: A table of the recipe without which this training does not exist in this version; empty if none.
    """

    changes: Mapping[str, Any]
    needs: str = ""


#: Ways of training the student, on the recipe's schedule. None has a baseline of its own: `plain` is everybody's.
TRAININGS: Mapping[str, Training] = {
    "plain": Training({**LABELS_ONLY, "distill.baseline": False}),
    "distilled": Training({"distill.baseline": False}),
}


@dataclass(frozen=True)
class Treatment:
    """One row a network of the results.

    Attributes:
        name: Of the treatment, as in the study file and in `study.csv`.
        title: For people.
        training: Key of `TRAININGS`, or the name of a treatment of the study's own.
        form: Of the deployed model.
        against: The treatment whose accuracy is subtracted to show what this one does; empty for the first of all.
    """

    name: str
    title: str
    training: str
    form: Form
    against: str


TREATMENTS: Mapping[str, Treatment] = {
    one.name: one
    for one in (
        Treatment("plain", "labels only", "plain", "float", ""),
        Treatment("dynamic_range", "dynamic range", "plain", "dynamic_range", "plain"),
        Treatment("ptq", "int8 post-training", "plain", "ptq", "plain"),
        Treatment("qat", "int8 QAT", "plain", "qat", "plain"),
        Treatment("distilled", "distilled", "distilled", "float", "plain"),
        Treatment("distilled_dynamic_range", "distilled, dynamic range", "distilled", "dynamic_range", "distilled"),
        Treatment("distilled_ptq", "distilled, int8 post-training", "distilled", "ptq", "distilled"),
        Treatment("distilled_qat", "distilled, int8 QAT", "distilled", "qat", "distilled"),
    )
}

#: What a study does that does not say.
DEFAULT = ("plain", "ptq", "qat", "distilled", "distilled_ptq", "distilled_qat")


def training(name: str) -> Training:
    """The training called `name`.

    Raises:
        RecipeError: this version's recipes have no such table.
    """
    found = TRAININGS[name]
    if found.needs and not _has(found.needs):
        raise RecipeError(f"training {name} needs the recipe's table [{found.needs}], which this version does not have", "leave it out")
    return found


def _has(table: str) -> bool:
    fields: Any = Recipe
    for key in table.split("."):
        if key not in getattr(fields, "model_fields", {}):
            return False
        fields = fields.model_fields[key].annotation
    return True
