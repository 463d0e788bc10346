"""One exception tree. Every user-facing failure is a `TinykdError` with an exit code and a hint."""

from __future__ import annotations

from typing import ClassVar


class TinykdError(Exception):
    """A failure the user can act on.

    Args:
        message: What was wrong and where: the tensor, operator, file, or line of the recipe.
        hint: What to do about it, one sentence, shown below the message.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class UsageError(TinykdError):
    """Wrong arguments, a missing file named on the command line."""

    exit_code = 2


class RecipeError(TinykdError):
    """A recipe that does not parse or validate."""

    exit_code = 2


class OverBudget(TinykdError):
    """The image needs more flash or RAM than the budget allows."""

    exit_code = 3


class IntegersDiffer(TinykdError):
    """The target computed other integers than the reference."""

    exit_code = 4


class BrokenChain(TinykdError):
    """A file is not the one that its manifest names, or a signature is missing or wrong."""

    exit_code = 4


class UnsupportedModel(TinykdError):
    """A model that cannot be read, or holds something no kernel computes."""

    exit_code = 5


class DataError(TinykdError):
    """Data that would waste or poison a training run."""

    exit_code = 6


class ToolError(TinykdError):
    """A compiler, emulator or optional package is missing or failed."""

    exit_code = 7
