"""TOML text to plain values, with errors a user can act on."""

from __future__ import annotations

import re
import sys
from typing import Any

from tinykd.errors import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: How the parser words where it stopped; "(at end of document)" has no line.
POSITION = re.compile(r"(.*) \(at line ([0-9]+), column [0-9]+\)", re.DOTALL)


def parse(text: str, source: str = "recipe") -> dict[str, Any]:
    """The values of a TOML text.

    Args:
        text: TOML 1.0.
        source: Name of the text in messages.

    Raises:
        RecipeError: a syntax error, with its line, or brackets nested without end.
    """
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told = POSITION.fullmatch(str(error))
        problem, line = (told[1], int(told[2])) if told else (str(error), text.count("\n") + 1)
        raise RecipeError(
            f"{source}:{line}: {problem}", "strings need quotes, and a table begins with [name]; see https://toml.io"
        ) from None
    except RecursionError:
        raise RecipeError(f"{source}: brackets are nested too deeply", "remove some") from None
    return values
