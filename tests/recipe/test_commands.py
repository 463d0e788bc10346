"""`tinykd init` and `tinykd recipe`, through the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tinykd.cli.main import main
from tinykd.recipe.model import Recipe
from tinykd.recipe.toml import load_recipe, template


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_init_writes_the_template_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init") == 0
    assert Path("recipe.toml").read_text() == template()
    Path("recipe.toml").write_text("mine")
    assert run("init") == 2
    assert Path("recipe.toml").read_text() == "mine"
    assert run("init", "--force") == 0
    assert Path("recipe.toml").read_text() == template()


def test_init_from_a_shipped_recipe(tmp_path: Path) -> None:
    assert run("init", "--from", "mnist", str(tmp_path / "m.toml")) == 0
    assert load_recipe(tmp_path / "m.toml") == load_recipe("mnist")


def test_show_prints_a_recipe_that_loads_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("recipe", "show", "digits", "--set", "seed=3") == 0
    (tmp_path / "shown.toml").write_text(capsys.readouterr().out)
    assert load_recipe(tmp_path / "shown.toml") == load_recipe("digits", ["seed=3"])


def test_show_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("recipe", "show", "cifar10", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert Recipe.model_validate_json(json.dumps(shown)) == load_recipe("cifar10")


def test_mistake_is_a_message_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.toml").write_text("sed = 1")
    assert run("recipe", "show", str(tmp_path / "r.toml")) == 2
    printed = capsys.readouterr().err
    assert "r.toml:1: sed: unknown key" in printed
    assert "did you mean seed" in printed
    assert "Traceback" not in printed


def test_recipes_import_no_tensorflow() -> None:
    program = (
        "import sys; from tinykd.recipe.toml import load_recipe; import tinykd.data, tinykd.nets; load_recipe('digits');"
        "print([m for m in ('tensorflow', 'keras', 'tf_keras', 'sklearn') if m in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert finished.stdout == "[]\n"
