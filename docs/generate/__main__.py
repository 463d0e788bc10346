"""Writes every generated page into `docs/`; `tests/docs/test_generated.py` compares them with what is there."""

from __future__ import annotations

from docs.generate.pages import DOCS, OWNED, pages


def main() -> None:
    """Write what `pages` gives; pages of a generated folder that nothing makes any more are removed."""
    made = pages()
    for folder in OWNED:
        for stale in (DOCS / folder).glob("*.md"):
            if f"{folder}/{stale.name}" not in made:
                stale.unlink()
    for name, text in made.items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
