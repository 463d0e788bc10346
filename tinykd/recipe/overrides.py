"""Single values changed from the command line: `--set student.knobs.width=16`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tinykd.errors import RecipeError
from tinykd.recipe.lines import Path
from tinykd.recipe.model import Recipe
from tinykd.recipe.parse import parse

EXAMPLE = 'write a.b=VALUE with VALUE in TOML syntax, for example student.knobs.width=16 or budget.flash="64 KiB"'
#: What a shell leaves of a quoted string that needs no quotes.
WORD = re.compile(r"[A-Za-z_./~][A-Za-z0-9_./ ~-]*")


def override(values: dict[str, Any], assignments: Sequence[str]) -> dict[Path, str]:
    """Put each assignment into `values`, the parsed recipe.

    A number in the path picks an element of an array, from 0. A bare word is a string.

    Returns:
        The assignment that last touched each path, for messages.

    Raises:
        RecipeError: not `path=value`, or the path leads through a value.
    """
    touched: dict[Path, str] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        keys = [key.strip() for key in name.split(".")]
        if not equals or not all(keys):
            raise RecipeError(f"--set {assignment}: not an assignment", EXAMPLE)
        touched[_assign(values, keys, _value(assignment, text.strip()), assignment)] = assignment
    return touched


def _value(assignment: str, text: str) -> Any:
    try:
        parsed = parse(f"value = {text}")
    except RecipeError:
        parsed = {}
    if set(parsed) == {"value"}:
        return parsed["value"]
    if WORD.fullmatch(text):
        return text
    raise RecipeError(f"--set {assignment}: {text or 'nothing'} is not a TOML value", EXAMPLE)


def _assign(values: dict[str, Any], keys: list[str], value: Any, assignment: str) -> Path:
    """Set `keys` to `value`; the path, with indices as numbers."""
    place: Any = values
    path: Path = ()
    for index, key in enumerate(keys):
        if isinstance(place, list):
            if not key.isdecimal() or int(key) >= len(place):
                raise RecipeError(f"--set {assignment}: {_dotted(path)} has elements 0 to {len(place) - 1}, not {key}", EXAMPLE)
            step: str | int = int(key)
        elif isinstance(place, dict):
            step = key
        else:
            raise RecipeError(f"--set {assignment}: {_dotted(path)} is a value, not a table", EXAMPLE)
        path = (*path, step)
        if index == len(keys) - 1:
            place[step] = value
        elif isinstance(place, dict):
            # An array that the recipe leaves out is the default one: --set distill.losses.0.temperature=2 changes that.
            place = place.setdefault(key, _default_array(path) if keys[index + 1].isdecimal() else {})
        else:
            place = place[step]
    return path


def _default_array(path: Path) -> Any:
    place: Any = Recipe().model_dump(mode="json")
    for key in path:
        if not isinstance(place, dict) or key not in place:
            return {}
        place = place[key]
    return place


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
