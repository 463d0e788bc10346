"""`docs/reference/recipe.md`: every key of a recipe with default and meaning, from the typed sections themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docs.generate.markdown import note, table, text
from tinykd.recipe.knobs import KNOBS
from tinykd.recipe.model import Recipe
from tinykd.recipe.section import Section
from tinykd.recipe.text import choices, toml_value

ELSEWHERE = {"losses": "[methods](../methods/README.md)", "scheme": "[methods](../methods/README.md)", "knobs": "[below](#networks)"}
"""Keys whose values have a page of their own, by name."""


def page() -> str:
    """The whole page."""
    lines = ["# Recipe", "", note("the typed sections (`tinykd/recipe/`)"), ""]
    lines += ["`tinykd init` writes the same as a commented file to edit; `tinykd recipe show` prints every value of a recipe."]
    lines += ["Every key may be left out. An unknown key, a wrong type or a value out of range is an error that names its line.", ""]
    for path, section in _sections((), Recipe()):
        lines += [f"## {_title(path)}", "", _purpose(type(section)), "", *table(("key", "default", "meaning"), _rows(section)), ""]
    lines += ["## Networks", "", "What `knobs` of `[teacher]` and `[student]` may hold, by `net`.", ""]
    for net, knobs in KNOBS.items():
        rows = [(f"`{name}`", f"`{toml_value(field.default)}`", field.description or "") for name, field in knobs.model_fields.items()]
        lines += [f"### {net}", "", *table(("key", "default", "meaning"), rows), ""]
    return text(lines)


def _sections(path: tuple[str, ...], section: Section) -> Iterator[tuple[tuple[str, ...], Section]]:
    yield path, section
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section) and name not in ELSEWHERE:
            yield from _sections((*path, name), value)


def _title(path: tuple[str, ...]) -> str:
    return f"`[{'.'.join(path)}]`" if path else "At the top"


def _purpose(section: type[Section]) -> str:
    return (section.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")


def _rows(section: Section) -> Iterator[tuple[str, str, str]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if name in ELSEWHERE:
            yield f"`{name}`", "", " ".join(filter(None, (field.description or "", f"see {ELSEWHERE[name]}")))
        elif not isinstance(value, Section):
            allowed = choices(field.annotation)
            meaning = " ".join(filter(None, (field.description or "", f"({', '.join(allowed)})" if len(allowed) > 1 else "")))
            yield f"`{name}`", _default(value), meaning


def _default(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, tuple) and any(isinstance(one, Section) for one in value):
        return ""
    return f"`{toml_value(value)}`"
