"""A loss is a row of three things: a section of the recipe, a class, and documentation."""

from __future__ import annotations

import inspect
import re

import pytest

from tinykd.distill.losses import LOSSES, OF_THE_TERM, from_recipe
from tinykd.recipe.losses import SECTIONS, FeatureSection

pytestmark = pytest.mark.train


def test_every_section_has_its_class() -> None:
    assert list(LOSSES) == list(SECTIONS)


@pytest.mark.parametrize("name", SECTIONS)
def test_the_class_takes_what_the_section_says_with_the_same_defaults(name: str) -> None:
    fields = {key: field.default for key, field in SECTIONS[name].model_fields.items() if key not in OF_THE_TERM}
    arguments = {key: parameter.default for key, parameter in inspect.signature(LOSSES[name]).parameters.items()}
    assert arguments == fields
    assert LOSSES[name].compares == SECTIONS[name].compares
    assert SECTIONS[name].model_fields["name"].default == name
    assert isinstance(from_recipe(SECTIONS[name]()), LOSSES[name])


@pytest.mark.parametrize("name", SECTIONS)
def test_the_docstring_has_formula_and_paper(name: str) -> None:
    said = inspect.getdoc(SECTIONS[name]) or ""
    assert re.match(r"\S[^\n]{10,130}\.\n\n", said), "one line first"
    assert re.search(r"^Formula: \S", said, re.MULTILINE)
    assert re.search(r"^Paper: \S.* (19|20)\d\d", said, re.MULTILINE)
    assert all(field.description for key, field in SECTIONS[name].model_fields.items() if key not in ("name", "weight"))
    assert SECTIONS[name].compares == "models" or issubclass(SECTIONS[name], FeatureSection) == (SECTIONS[name].compares == "features")
