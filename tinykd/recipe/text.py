"""A recipe as TOML text: every value, or every value with what it means."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from tinykd.recipe.knobs import KNOBS
from tinykd.recipe.model import Recipe
from tinykd.recipe.section import Section

HEADER = """\
# A tinykd recipe: from a Keras teacher to int8 firmware.
# Every key may be left out; the values here are the defaults. Paths are relative to the working directory.
# Run it with `tinykd distill RECIPE`; `tinykd recipe show RECIPE` prints every resolved value.

"""
Comment = Callable[[FieldInfo], str]


def show(recipe: Recipe) -> str:
    """Every value of `recipe` as TOML that loads back to an equal recipe; unset values are comments."""
    return "\n".join(_table(recipe, (), lambda _field: "", lambda _section: "")) + "\n"


def template() -> str:
    """The default recipe as commented TOML; it loads back to `Recipe()`."""
    return HEADER + "\n".join(_table(Recipe(), (), _meaning, _purpose)) + "\n"


def _table(section: Section, path: tuple[str, ...], comment: Comment, about: Callable[[Section], str]) -> Iterator[str]:
    """The lines of one table: its own values first, as TOML demands, then its sub-tables."""
    nested: list[Iterator[str]] = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            nested.append(_headed(f"[{'.'.join((*path, name))}]", value, (*path, name), comment, about))
        elif isinstance(value, tuple) and value and all(isinstance(item, Section) for item in value):
            nested += [_headed(f"[[{'.'.join((*path, name))}]]", item, (*path, name), comment, about) for item in value]
        elif name == "knobs":
            nested.append(_knobs(value, getattr(section, "net", None), (*path, name), comment))
        else:
            yield _line(name, value, comment(field))
    for lines in nested:
        yield from lines


def _headed(header: str, section: Section, path: tuple[str, ...], comment: Comment, about: Callable[[Section], str]) -> Iterator[str]:
    yield ""
    yield from filter(None, (about(section),))
    yield header
    yield from _table(section, path, comment, about)


def _knobs(knobs: Mapping[str, Any], net: str | None, path: tuple[str, ...], comment: Comment) -> Iterator[str]:
    if net is None:
        return
    yield ""
    yield f"[{'.'.join(path)}]"
    for name, value in knobs.items():
        yield _line(name, value, comment(KNOBS[net].model_fields[name]))


def _line(name: str, value: object, meaning: str) -> str:
    assigned = f"# {name} is unset" if value is None else f"{name} = {toml_value(value)}"
    return f"{assigned}  # {meaning}" if meaning else assigned


def toml_value(value: object) -> str:
    """A value of a recipe in TOML syntax.

    Raises:
        TypeError: TOML has no such value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are a subset of TOML's, except that TOML also wants DEL escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    raise TypeError(f"{type(value).__name__} has no TOML form")


def _purpose(section: Section) -> str:
    return "# " + (type(section).__doc__ or "").strip().splitlines()[0]


def _meaning(field: FieldInfo) -> str:
    allowed = choices(field.annotation)
    return " ".join(filter(None, (field.description, f"({', '.join(allowed)})" if len(allowed) > 1 else "")))


def choices(annotation: Any) -> tuple[str, ...]:
    """The words that a field takes, if it takes words from a list."""
    if get_origin(annotation) is Literal:
        return tuple(str(choice) for choice in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        return tuple(choice for member in get_args(annotation) for choice in choices(member))
    return ()
