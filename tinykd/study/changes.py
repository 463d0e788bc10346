"""Changes to a recipe as a study writes them: dotted keys or tables, as assignments like those of `--set`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tinykd.recipe.text import toml_value

#: Tables that are one value: what they may hold depends on what they are, so a new one takes the old one's place.
WHOLE = ("knobs", "scheme")


def assignments(changes: Mapping[str, Any]) -> list[str]:
    """`key.key=VALUE` in TOML syntax, an assignment a value, in order.

    A table is merged into the recipe's, key by key; an array takes the old one's place, and so do the tables in `WHOLE`.
    `{"student": {"net": "mlp"}}` and `{"student.net": "mlp"}` are the same.
    """
    return [f"{key}={inline(value)}" for key, value in _flat(changes, "")]


def inline(value: Any) -> str:
    """A value in TOML syntax on one line, tables included."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {inline(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    return toml_value(value if isinstance(value, bool | int | float | str) else str(value))


def _flat(changes: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in changes.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value and path.split(".")[-1] not in WHOLE:
            yield from _flat(value, f"{path}.")
        else:
            yield path, value
