"""Every loss and scheme with what it is, where it comes from and what it costs: read from the docstrings of their sections."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from tinykd.recipe.losses import SECTIONS, FeatureSection, LossSection
from tinykd.recipe.losses.loss import Auto
from tinykd.recipe.schemes import SCHEMES
from tinykd.recipe.section import Section
from tinykd.recipe.text import toml_value

Family = Literal["response", "feature", "relation", "scheme"]

SCHEME_COSTS: Mapping[str, str] = {
    "offline": "the teacher once, then the student",
    "multi_teacher": "each teacher once, then the student",
    "assistant": "teacher, each assistant and the student, one after another",
    "gradual": "the teacher once, its outputs once a checkpoint, then the student",
    "mutual": "all peers at every step",
    "one": "the stem once and every branch at every step",
    "okddip": "the stem once and every peer at every step",
    "be_your_own_teacher": "the student with its exits at every step",
    "born_again": "the student once a generation",
    "adversarial": "a discriminator beside the student at every step",
    "data_free": "generator (zskt: and student) with the teacher's gradients, step by step; then the student on what was made",
    "cross_modal": "the teacher once, then the student",
    "quantized": "the student with rounded weights at every step",
    "pseudo_labels": "the teacher once over all copies, then the student on those",
}
"""What a scheme runs, beside the losses of the recipe."""


MODEL_COSTS: Mapping[str, str] = {
    "weights": "the teacher's kernels",
    "jacobian": "both networks once more at every step, and the gradient of a gradient",
}
"""What a loss takes that looks at the networks themselves."""


@dataclass(frozen=True)
class Parameter:
    """A key of the method's table in a recipe, its default as TOML (None: must be given or may stay away), and its meaning."""

    name: str
    default: str | None
    meaning: str


@dataclass(frozen=True)
class Method:
    """A loss or a scheme.

    Attributes:
        name: In a recipe.
        family: Kind of knowledge, or scheme.
        summary: One line.
        details: Paragraphs, perhaps none.
        formula, paper: As the section's docstring gives them.
        cost: What it takes beyond training on labels.
        parameters: Keys of its table.
    """

    name: str
    family: Family
    summary: str
    details: str
    formula: str
    paper: str
    cost: str
    parameters: tuple[Parameter, ...]


def methods() -> tuple[Method, ...]:
    """Every loss, then every scheme, in the order of their tables."""
    losses = [_method(name, _family(section), section, _loss_cost(section)) for name, section in SECTIONS.items()]
    schemes = [_method(name, "scheme", section, SCHEME_COSTS[name]) for name, section in SCHEMES.items()]
    return (*losses, *schemes)


def _method(name: str, family: Family, section: type[Section], cost: str) -> Method:
    said = _docstring(section)
    parameters = tuple(_parameter(key, field) for key, field in section.model_fields.items() if key != "name")
    return Method(name, family, said["summary"], said["details"], said["formula"], said["paper"], cost, parameters)


def _docstring(section: type[Section]) -> dict[str, str]:
    """The parts of a section's docstring; lines that go on are indented."""
    text = inspect.getdoc(section) or ""
    body, _, rest = text.partition("\nFormula: ")
    formula, _, paper = rest.partition("\nPaper: ")
    summary, _, details = body.partition("\n")
    return {"summary": summary, "details": details.strip(), "formula": _joined(formula), "paper": _joined(paper)}


def _joined(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _family(section: type[LossSection]) -> Family:
    """The file that a loss's section stands in."""
    family = section.__module__.rpartition(".")[2]
    families: dict[str, Family] = {"response": "response", "feature": "feature", "relation": "relation"}
    return families[family]


COMPARED: dict[Auto, str] = {
    "maps": "maps of each size",
    "inner_maps": "maps of each size but the largest",
    "last_map": "the last map",
    "embedding": "the embedding",
}
"""What `pairs = "auto"` reads."""


def _loss_cost(section: type[LossSection]) -> str:
    name = section.model_fields["name"].default
    if section.compares == "models":
        compared = MODEL_COSTS[name]
    elif issubclass(section, FeatureSection):
        compared = COMPARED[section.auto]
    else:
        compared = "logits only"
    return compared + (f"; {section.helpers}" if section.helpers else "")


def _parameter(name: str, field: FieldInfo) -> Parameter:
    allowed = [str(choice) for choice in get_args(field.annotation)] if get_origin(field.annotation) is Literal else []
    meaning = (field.description or "weight of this term") + (f" ({', '.join(allowed)})" if len(allowed) > 1 else "")
    try:
        default = toml_value(field.default)
    except TypeError:  # None, or a table of its own
        default = None
    return Parameter(name, default, meaning)
