"""`docs/operators.md` is what the table says."""

from __future__ import annotations

from pathlib import Path

import tinykd
from tinykd.compile.ops import OPERATORS
from tinykd.report.operators import operators_markdown
from tinykd.resources import firmware_folder

PAGE = Path(tinykd.__file__).parent.parent / "docs" / "operators.md"


def test_the_page_is_generated_from_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == operators_markdown(), "make docs"


def test_every_operator_and_only_existing_kernels_are_named() -> None:
    rows = [line.split(" | ") for line in operators_markdown().split("## Rewrites")[0].splitlines() if line.startswith("| `")]
    assert [row[0].strip("| `") for row in rows] == sorted(OPERATORS)
    kernels = {path.name for path in (firmware_folder() / "kernels").rglob("*.c")}
    for row in rows:
        named = [part.strip(" |`") for part in row[3].split(",") if ".c`" in part]
        assert set(named) <= kernels
        assert named or "a view" in row[3], row[0]
