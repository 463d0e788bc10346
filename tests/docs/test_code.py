"""Recipes in the documentation load, and its example of a data set is one that tinykd reads."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, code_lines, name_of, pages
from tinykd.data import load
from tinykd.recipe.model import Recipe
from tinykd.recipe.parse import parse

SECTION = re.compile(r"^\[\[?(" + "|".join(name for name in Recipe.model_fields if name not in ("name", "seed")) + r")[\].]")


def blocks(page: Path) -> list[list[str]]:
    """Code blocks of a page: lines of code that follow one another; an empty line between them belongs to the block."""
    found: list[list[str]] = []
    last = -2
    for number, line in code_lines(page.read_text(encoding="utf-8")):
        if number - last > 2:
            found.append([])
        found[-1] += [""] * (number - last - 1 if found[-1] else 0) + [line]
        last = number
    return found


RECIPES = [(name_of(page), "\n".join(block)) for page in pages() for block in blocks(page) if SECTION.match(block[0])]


def test_recipes_are_found() -> None:
    assert {"README.md", "docs/own_data.md", "docs/quantization.md", "docs/network_augmentation.md", "docs/banks.md"} <= {
        page for page, _ in RECIPES
    }


@pytest.mark.parametrize(("page", "text"), RECIPES, ids=[f"{page}:{text.splitlines()[0]}" for page, text in RECIPES])
def test_a_documented_recipe_loads(page: str, text: str) -> None:
    commands_after = text.partition("\ntinykd ")[0]
    Recipe.model_validate(parse(commands_after, page))


def test_the_example_of_a_data_set_is_read(tmp_path: Path) -> None:
    page = ROOT / "docs/own_data.md"
    code = next(block for block in blocks(page) if block[0] == "import numpy as np")
    subprocess.run([sys.executable, "-c", "\n".join(code)], cwd=tmp_path, check=True)
    recipe = next(text for name, text in RECIPES if name == "docs/own_data.md" and 'name = "npz"' in text)
    data = Recipe.model_validate(parse(recipe, "page")).data
    dataset = load(data.model_copy(update={"path": str(tmp_path / str(data.path))}), seed=0)
    assert dataset.class_names == ("left", "right", "tap")
    assert dataset.train.x.shape[1:] == (16, 16, 1)
    assert 0.0 <= dataset.train.x.min() < dataset.train.x.max() <= 1.0


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """Cells of the first table below a heading, by their first."""
    table = (ROOT / "docs" / page).read_text(encoding="utf-8").partition(f"{heading}\n")[2].partition("|---")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[1:]]
    return {row[0]: [cell.partition(" (")[0] for cell in row[1:]] for row in cells}


def test_the_comparison_is_that_of_the_benchmarks() -> None:
    measured = rows("benchmarks.md", "### cortex-m4, gcc")
    shown = rows("comparison.md", "## Instructions of one inference, Cortex-M4")
    assert len(measured) == 5
    assert shown == {model: row[:3] for model, row in measured.items()}, "docs/comparison.md repeats columns of docs/benchmarks.md"


def test_the_arenas_of_the_comparison_are_those_of_the_benchmarks() -> None:
    memory = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8").partition("## Memory")[2]
    shown = rows("comparison.md", "## Arena, bytes, Cortex-M4")
    assert len(shown) == 5
    for model, (micro, engine, ours) in shown.items():
        name = model.replace(", integers in and out", " (integers)")
        assert f"| {name} | balanced | {ours} | {micro} | {engine} |" in memory, model
