"""Recipes as TOML files: found by path or by shipped name, read, changed by `--set`, and written back."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from tinykd.errors import RecipeError
from tinykd.recipe import lines
from tinykd.recipe.model import Recipe
from tinykd.recipe.overrides import override
from tinykd.recipe.parse import parse
from tinykd.recipe.problems import recipe_error
from tinykd.recipe.text import show, template
from tinykd.resources import models_folder

__all__ = ["find_recipe", "load_recipe", "shipped_recipes", "show", "template"]

FILE = "recipe.toml"


def load_recipe(path_or_name: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read, change and check a recipe.

    Types are strict: `"3"` is not 3. A teacher that the file gives by `path` replaces the default net.

    Args:
        path_or_name: A `.toml` file, a folder that holds a `recipe.toml`, or the name of a shipped recipe.
        overrides: Assignments `a.b=VALUE` in TOML syntax, applied in order on top of the file.

    Raises:
        RecipeError: not found, unreadable, not TOML, unknown keys or wrong values, each with file, line and key.
    """
    path = find_recipe(path_or_name)
    text = _text(path)
    values = parse(text, str(path))
    stands = lines.key_lines(text)
    touched = override(values, overrides)

    def place(key: lines.Path) -> str:
        for length in range(len(key), 0, -1):
            if key[:length] in touched:
                return f"--set {touched[key[:length]]}"
        line = lines.line_of(stands, key)
        return f"{path}:{line}" if line is not None else str(path)

    try:
        # Through JSON, because strictness there still takes an array for a tuple. TOML's dates become strings: no key wants one.
        return Recipe.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise recipe_error(error, values, place) from None


def find_recipe(path_or_name: str | Path) -> Path:
    """The file that `load_recipe` reads.

    Raises:
        RecipeError: there is none.
    """
    path = Path(path_or_name)
    if path.is_file():
        return path
    if (path / FILE).is_file():
        return path / FILE
    shipped = shipped_recipes()
    if str(path_or_name) in shipped:
        return models_folder() / str(path_or_name) / FILE
    near = difflib.get_close_matches(path.stem, shipped, 1)
    raise RecipeError(
        f"no recipe at {path_or_name}" if path.suffix or len(path.parts) > 1 else f"no recipe is called {path_or_name}",
        (f"did you mean {near[0]}? " if near else "") + f"name a .toml file or a shipped recipe: {', '.join(shipped)}",
    )


def shipped_recipes() -> list[str]:
    """Names of the recipes in `models/`, sorted."""
    return sorted(folder.name for folder in models_folder().iterdir() if (folder / FILE).is_file())


def about(name: str) -> str:
    """What a shipped recipe says of itself in its first line, `# name: ...`."""
    first = _text(models_folder() / name / FILE).split("\n", 1)[0]
    return first.removeprefix("#").strip().removeprefix(f"{name}:").strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RecipeError(f"{path}: {error.strerror or error}", "name a readable file") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise RecipeError(f"{path}:{line}: not UTF-8 text", "store the recipe as UTF-8") from None
