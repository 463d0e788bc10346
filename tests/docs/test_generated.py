"""Generated pages are those that `make docs` writes, and nothing else is in their folders."""

from __future__ import annotations

from docs.generate.pages import DOCS, OWNED, pages
from tinykd.cli.main import COMMANDS
from tinykd.recipe.model import Recipe
from tinykd.target.board_files import board_names


def test_pages_are_up_to_date() -> None:
    made = pages()
    for name, text in made.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"docs/{name}: run `make docs`"
    there = {f"{folder}/{path.name}" for folder in OWNED for path in (DOCS / folder).glob("*.md")}
    assert there == set(made), "run `make docs`"


def test_every_command_section_and_board_is_there() -> None:
    made = pages()
    assert all(f"\n## tinykd {name}\n" in made["reference/command_line.md"] for name in COMMANDS)
    assert all(f"[{name}]" in made["reference/recipe.md"] for name in Recipe.model_fields if name not in ("name", "seed"))
    assert {f"boards/{name}.md" for name in board_names()} < set(made)
    assert "`TinykdError(" not in made["reference/python.md"]
    assert "\n### peak_ram\n" in made["reference/python.md"]
    assert "\n## Verification\n" in made["reference/report.md"]
