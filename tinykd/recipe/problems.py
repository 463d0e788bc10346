"""What pydantic found wrong with a recipe, told by file, line and key, with the nearest valid name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tinykd.errors import RecipeError
from tinykd.recipe.knobs import KNOBS
from tinykd.recipe.lines import Path
from tinykd.recipe.model import Net, Recipe, Teacher
from tinykd.recipe.section import Section

#: Problems told at once.
SHOWN = 5
FALLBACK = "`tinykd recipe show` prints every key with its value"
DEFAULT_NET: dict[type[Section], str] = {Teacher: "resnet8", Net: "ds_cnn"}


def recipe_error(error: ValidationError, values: dict[str, Any], place: Callable[[Path], str]) -> RecipeError:
    """Every problem as one message, a line each.

    Args:
        error: From validating `values`.
        values: The parsed recipe.
        place: Names the file and line (or the command line's assignment) of a key.
    """
    told: dict[Path, list[str]] = {}
    hints: dict[Path, str] = {}
    for detail, prefix in _flat(error, ()):
        path = _written(values, (*prefix, *detail["loc"], *_tag_key(detail)), missing=detail["type"] == "missing")
        told.setdefault(path, []).append(_said(detail))
        hints.setdefault(path, _hint(detail, path, values))
    lines = [f"{place(path)}: {'.'.join(map(str, path)) or 'recipe'}: {' or '.join(dict.fromkeys(said))}" for path, said in told.items()]
    if len(lines) == 1:
        return RecipeError(lines[0], next(iter(hints.values())) or FALLBACK)
    # Among several problems each one's hint stands with it.
    lines = [line + (f" ({hint})" if hint else "") for line, hint in zip(lines, hints.values(), strict=True)]
    if len(lines) > SHOWN:
        lines = [*lines[:SHOWN], f"and {len(lines) - SHOWN} more"]
    return RecipeError("\n".join(lines), FALLBACK)


def _flat(error: ValidationError, prefix: Path) -> list[tuple[ErrorDetails, Path]]:
    """The errors of `error`, and in the place of one that wraps a net's knobs, those of the knobs."""
    found: list[tuple[ErrorDetails, Path]] = []
    for detail in error.errors(include_url=False):
        inner = detail.get("ctx", {}).get("error")
        if isinstance(inner, ValidationError):
            found += _flat(inner, (*prefix, *detail["loc"]))
        else:
            found.append((detail, prefix))
    return found


def _written(values: Any, location: Path, *, missing: bool) -> Path:
    """The part of `location` that the user wrote: pydantic adds names of its own for the members of a union."""
    path: Path = ()
    for number, step in enumerate(location, start=1):
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            if isinstance(values, dict) and number < len(location):
                continue  # a table's kind
            return (*path, step) if missing else path
        path = (*path, step)
    return path


def _tag_key(detail: ErrorDetails) -> tuple[str, ...]:
    """The key that says a table's kind, if that is what is wrong."""
    return (_discriminator(detail),) if detail["type"] == "union_tag_invalid" else ()


def _discriminator(detail: ErrorDetails) -> str:
    """Pydantic shows a key in quotes, and a function `_name` as `_name()`."""
    return str(detail["ctx"]["discriminator"]).strip("'_()")


SAID: dict[str, Callable[[ErrorDetails], str]] = {
    "extra_forbidden": lambda _: "unknown key",
    "missing": lambda _: "missing",
    "value_error": lambda detail: detail["msg"].removeprefix("Value error, "),
    "string_pattern_mismatch": lambda detail: f"{_shown(detail['input'])} does not match {detail['ctx']['pattern']}",
    "int_type": lambda detail: f"{_shown(detail['input'])} is not a whole number",
    "float_type": lambda detail: f"{_shown(detail['input'])} is not a number",
    "finite_number": lambda _: "not a finite number",
    "bool_type": lambda detail: f"{_shown(detail['input'])} is neither true nor false",
    "string_type": lambda detail: f"{_shown(detail['input'])} is not a string; strings stand in quotes",
    "tuple_type": lambda detail: f"{_shown(detail['input'])} is not an array",
    "dict_type": lambda detail: f"{_shown(detail['input'])} is not a table",
    "model_type": lambda detail: f"{_shown(detail['input'])} is not a table",
    "literal_error": lambda detail: f"{_shown(detail['input'])} is not one of the allowed values",
    "union_tag_invalid": lambda detail: f"{_shown(detail['input'].get(_discriminator(detail)))} is not one of the allowed values",
}


def _said(detail: ErrorDetails) -> str:
    if detail["type"] in SAID:
        return SAID[detail["type"]](detail)
    message = detail["msg"]
    return f"{_shown(detail['input'])}: {message[0].lower()}{message[1:]}"


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _hint(detail: ErrorDetails, path: Path, values: dict[str, Any]) -> str:
    """The nearest valid name or value."""
    if detail["type"] == "extra_forbidden":
        return _nearest(str(path[-1]), _keys(path[:-1], values))
    if detail["type"] == "union_tag_invalid":
        allowed = [choice.strip(" '") for choice in detail["ctx"]["expected_tags"].split(",")]
        return _nearest(str(detail["ctx"]["tag"]), allowed)
    if detail["type"] == "literal_error":
        allowed = [choice.strip(" '\"") for choice in detail["ctx"]["expected"].replace(" or ", ",").split(",")]
        return _nearest(str(detail["input"]), allowed)
    if detail["type"] == "string_pattern_mismatch" and (path[:1] == ("budget",) or path == ("prune", "flash")):
        return 'write a whole number and a unit, for example "256 KiB"; units are B, KiB, MiB, kB, MB'
    return ""


def _nearest(word: str, valid: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, valid, 1, cutoff=0.5)
    return (f"did you mean {near[0]}? " if near else "") + f"valid here: {', '.join(valid)}" if valid else ""


def _keys(path: Path, values: Any) -> list[str]:
    """The keys that the table at `path` may hold."""
    sections: list[type[Section]] = [Recipe]
    for step in path:
        if step == "knobs":
            net = KNOBS.get(values.get("net", DEFAULT_NET.get(sections[0], "")))
            sections = [net] if net else []
        elif isinstance(step, str):
            sections = _sections(sections[0].model_fields[step].annotation)
        values = values[step]
        if not sections:
            return []
        if len(sections) > 1 and isinstance(values, dict):
            sections = [next((section for section in sections if _is_of(section, values)), sections[0])]
    return list(sections[0].model_fields)


def _sections(annotation: Any) -> list[type[Section]]:
    """The table types in `X`, `X | Y` or `tuple[X, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for member in get_args(annotation) for section in _sections(member)]


def _is_of(section: type[Section], values: dict[str, Any]) -> bool:
    """Whether a table of a union is of this kind: its literal key has this kind's value."""
    return any(values.get(key) == field.default for key, field in section.model_fields.items() if get_origin(field.annotation) is Literal)
