"""`[distill.netaug]` in a recipe: what it says, and what it does not go together with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.distill.small import small_recipe
from tinykd.distill.preflight import check_recipe
from tinykd.errors import RecipeError
from tinykd.recipe.model import Recipe
from tinykd.recipe.netaug import NetAug
from tinykd.recipe.toml import show


def test_an_empty_table_turns_it_on(tmp_path: Path) -> None:
    assert Recipe().distill.netaug is None
    recipe = small_recipe(tmp_path, distill={"netaug": {}})
    assert recipe.distill.netaug == NetAug()
    assert "[distill.netaug]" in show(recipe)


@pytest.mark.parametrize(
    "section",
    [{"width": [1.0], "expand": [1.0]}, {"width": [0.5]}, {"expand": [], "width_epochs": 0.0}, {"every": 0}, {"weight": 0.0}],
)
def test_settings_that_augment_nothing_are_refused(section: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NetAug.model_validate(section)


@pytest.mark.parametrize("scheme", ["mutual", "one", "okddip", "be_your_own_teacher", "born_again", "adversarial", "quantized"])
def test_schemes_that_train_something_else_are_refused(tmp_path: Path, scheme: str) -> None:
    recipe = small_recipe(tmp_path, distill={"netaug": {}, "scheme": {"name": scheme}})
    with pytest.raises(RecipeError, match=scheme):
        check_recipe(recipe, None)


@pytest.mark.parametrize("scheme", ["offline", "multi_teacher", "assistant", "gradual"])
def test_schemes_that_teach_one_student_are_not(tmp_path: Path, scheme: str) -> None:
    check_recipe(small_recipe(tmp_path, distill={"netaug": {}, "scheme": {"name": scheme}}), None)


def test_weights_and_fresh_starts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="kernels"):
        check_recipe(small_recipe(tmp_path, distill={"netaug": {}, "losses": [{"name": "weights"}]}), None)
    before = [{"losses": [{"name": "kd"}]}]
    with pytest.raises(RecipeError, match="throw away"):
        check_recipe(small_recipe(tmp_path, distill={"netaug": {"init": "kaiming_uniform"}, "before": before}), None)
