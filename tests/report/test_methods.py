"""The list of methods says what the sections say, and the pages are those that `make docs` writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tinykd.recipe.losses import SECTIONS
from tinykd.recipe.methods import methods
from tinykd.recipe.model import Recipe
from tinykd.recipe.parse import parse
from tinykd.recipe.schemes import SCHEMES
from tinykd.report.methods import methods_text, page


def test_every_loss_and_scheme_is_listed_with_line_formula_paper_and_cost() -> None:
    found = methods()
    assert [method.name for method in found] == [*SECTIONS, *SCHEMES]
    text = methods_text(found)
    for method in found:
        assert re.fullmatch(r"\S.{10,130}\.", method.summary), method.name
        assert method.formula
        assert method.cost
        assert re.search(r"(19|20)\d\d", method.paper), method.name
        assert f"  {method.name} " in text
    kd = found[0]
    assert (kd.family, kd.cost) == ("response", "logits only")
    assert {one.name: one.default for one in kd.parameters}["temperature"] == "4.0"


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.name)
def test_the_recipe_of_a_page_loads_to_the_defaults(method: object) -> None:
    text = re.search(r"```toml\n(.*?)```", page(method), re.DOTALL)  # type: ignore[arg-type]
    assert text
    recipe = Recipe.model_validate(parse(text[1], "page"))
    name = method.name  # type: ignore[attr-defined]
    assert (recipe.distill.losses[0] == SECTIONS[name]()) if name in SECTIONS else (recipe.distill.scheme == SCHEMES[name]())


def test_command() -> None:
    code = "import sys\nfrom tinykd.cli.main import main\ntry:\n    main(sys.argv[1:])\nfinally:\n    assert 'keras' not in sys.modules\n"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code, "methods", *arguments], capture_output=True, text=True, check=False)

    assert [one["name"] for one in json.loads(run("--json").stdout)] == [*SECTIONS, *SCHEMES]
    assert run("kd").stdout.startswith("# kd\n")
    wrong = run("atention")
    assert wrong.returncode == 2
    assert "did you mean attention?" in wrong.stderr
