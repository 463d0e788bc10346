"""What a study compares: how a student is trained, and in which form it is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tinykd.recipe.model import Recipe
from tinykd.recipe.netaug import NetAug
from tinykd.recipe.prune import Prune

Form = Literal["float", "dynamic_range", "ptq", "qat"]

#: What each form is. `qat` is what the recipe's [quantize] makes, whatever its engine and method.
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

#: The study's `plain` is the baseline of all.
NO_BASELINE: Mapping[str, Any] = {"distill.baseline": False}


#: The engine that knows pruned widths of every architecture, and fewer than eight bits.
NATIVE: Mapping[str, Any] = {"quantize.engine": "native"}
INT4: Mapping[str, Any] = {**NATIVE, "quantize.weight_bits": 4}


@dataclass(frozen=True)
class Training:
    """A way of training the student, on the recipe's schedule.

    Attributes:
        changes: Dotted keys of the recipe and their values.
        netaug: Whether the student is trained inside a wider network: with the recipe's values for it, or the default ones.
        prune: Whether it then loses channels and is trained again: with the recipe's values for it, or the default ones.
    """

    changes: Mapping[str, Any]
    netaug: Literal["without", "with"] = "without"
    prune: Literal["without", "with"] = "without"

    def applied(self, recipe: Recipe) -> Recipe:
        """`recipe`, which has the changes already, with or without the tables that an assignment cannot remove."""
        netaug = None if self.netaug == "without" else recipe.distill.netaug or NetAug()
        prune = None if self.prune == "without" else recipe.prune or Prune()
        return recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"netaug": netaug}), "prune": prune})


TRAININGS: Mapping[str, Training] = {
    "plain": Training({**NO_BASELINE, **LABELS_ONLY}),
    "distilled": Training(NO_BASELINE),
    "netaug": Training({**NO_BASELINE, **LABELS_ONLY}, "with"),
    "distilled_netaug": Training(NO_BASELINE, "with"),
    "pruned": Training({**NO_BASELINE, **LABELS_ONLY, **NATIVE}, prune="with"),
    "distilled_pruned": Training({**NO_BASELINE, **NATIVE}, prune="with"),
    "int4": Training({**NO_BASELINE, **LABELS_ONLY, **INT4}),
    "distilled_int4": Training({**NO_BASELINE, **INT4}),
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
        Treatment("netaug", "NetAug", "netaug", "float", "plain"),
        Treatment("netaug_qat", "NetAug, int8 QAT", "netaug", "qat", "netaug"),
        Treatment("distilled_netaug", "NetAug, distilled", "distilled_netaug", "float", "distilled"),
        Treatment("distilled_netaug_qat", "NetAug, distilled, int8 QAT", "distilled_netaug", "qat", "distilled_netaug"),
        Treatment("pruned", "pruned", "pruned", "float", "plain"),
        Treatment("pruned_qat", "pruned, int8 QAT", "pruned", "qat", "pruned"),
        Treatment("distilled_pruned", "distilled, pruned", "distilled_pruned", "float", "distilled"),
        Treatment("distilled_pruned_qat", "distilled, pruned, int8 QAT", "distilled_pruned", "qat", "distilled_pruned"),
        Treatment("int4", "4-bit weights, QAT", "int4", "qat", "plain"),
        Treatment("distilled_int4", "distilled, 4-bit weights, QAT", "distilled_int4", "qat", "distilled"),
    )
}

#: What a study does that does not say.
DEFAULT = ("plain", "ptq", "qat", "distilled", "distilled_ptq", "distilled_qat")
