"""How a documented command is tried: as it is written, with a part replaced, or not run at all; each with its reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

Match = re.Match[str]


@dataclass(frozen=True)
class Substitute:
    """What stands for a documented command in a test.

    Attributes:
        found: Lines that this is about.
        why: The command cannot be run as it stands.
        instead: The line that is run, or None: it is only parsed.
    """

    found: str
    why: str
    instead: Callable[[str], str] | None


def _resolved(line: str) -> str:
    """The recipe and its changes resolve: what fails in `distill` before anything is trained."""
    kept = re.sub(r" --(teacher|data-dir|out)[= ]\S+| --(quiet|json)\b", "", line)
    return re.sub(r"^tinykd distill\b", "tinykd recipe show", kept)


SUBSTITUTES: tuple[Substitute, ...] = (
    Substitute(r"--port ", "needs a board at a serial port (tests/deploy/test_verify_port.py has a stand-in)", None),
    Substitute(r"--probe ", "needs a probe with this number, and an image signed for its board", None),
    Substitute(r"^tinykd flash (?!.*--dry-run)", "needs a board", lambda line: f"{line} --dry-run"),
    Substitute(r"^tinykd distill\b", "trains for minutes (tests/docs/test_tutorial.py trains one)", _resolved),
    Substitute(r"^tinykd study (?!.*--(list|page))", "trains for minutes", lambda line: f"{line} --list"),
    Substitute(r"--open\b", "starts a browser", lambda line: line.replace(" --open", "")),
    Substitute(r"\bFORMAT\b", "a word to replace", lambda line: line.replace("FORMAT", "cmake").replace("FOLDER", "out")),
    Substitute(r"runs/.* --samples ", "the prepared run has four samples", lambda line: re.sub(r"--samples \d+", "--samples 2", line)),
)
"""The first that fits holds; a line that none fits is run as it stands."""


def tried(line: str) -> str | None:
    """The line to run for a documented one, without its comment; None if it is only parsed."""
    bare = uncommented(line)
    for substitute in SUBSTITUTES:
        if re.search(substitute.found, bare):
            return None if substitute.instead is None else substitute.instead(bare)
    return bare


def uncommented(line: str) -> str:
    """Without the comment that a shell would not see either; no documented command has a `#` in quotes."""
    return re.sub(r"\s+#.*$", "", line).rstrip()
