"""Losses and schemes for people: a table in the terminal, and `docs/methods/`: `python -m tinykd.report.methods docs/methods`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tinykd.recipe.methods import Method, methods

TITLES = {
    "response": "Response losses: logits against logits",
    "feature": "Feature losses: layers against layers",
    "relation": "Relation losses: how layers or samples lie to each other",
    "scheme": "Schemes: who is trained, against what",
}
GENERATED = "This page is generated from the recipe's sections (`tinykd/recipe/losses/`, `tinykd/recipe/schemes/`) by `make docs`."


def methods_text(found: Sequence[Method]) -> str:
    """One block a method: name and line, then paper and cost."""
    width = max(len(method.name) for method in found) + 2
    lines: list[str] = []
    for family, title in TITLES.items():
        of_family = [method for method in found if method.family == family]
        if not of_family:
            continue
        lines += [*([""] if lines else []), title, ""]
        for method in of_family:
            margin = " " * (width + 2)
            lines += [f"  {method.name:<{width}}{method.summary}", f"{margin}{method.paper}", f"{margin}costs: {method.cost}"]
    return "\n".join(lines) + "\n"


def index_page(found: Sequence[Method]) -> str:
    """`README.md` of the folder: every method in a table."""
    lines = ["# Distillation methods", "", GENERATED, "", "`tinykd methods` prints the same list, `tinykd methods NAME` one page.", ""]
    for family, title in TITLES.items():
        lines += [f"## {title}", "", "| name | what it does | paper | cost |", "|---|---|---|---|"]
        lines += [
            f"| [`{method.name}`]({method.name}.md) | {_cell(method.summary)} | {_cell(method.paper)} | {_cell(method.cost)} |"
            for method in found
            if method.family == family
        ]
        lines += [""]
    return "\n".join(lines)


def page(method: Method) -> str:
    """One method: what it is, formula, paper, cost, keys, and how a recipe says it."""
    header = "[distill.scheme]" if method.family == "scheme" else "[[distill.losses]]"
    lines = [f"# {method.name}", "", method.summary, ""]
    lines += [method.details, ""] if method.details else []
    lines += ["    " + method.formula, "", f"Paper: {method.paper}.", "", f"Cost: {method.cost}.", ""]
    lines += ["## In a recipe", "", "```toml", header, f'name = "{method.name}"']
    lines += [f"{one.name} = {one.default}" for one in method.parameters if one.default is not None]
    lines += ["```", "", "Every key may be left out; these are the defaults.", "", "| key | meaning |", "|---|---|"]
    lines += [f"| `{one.name}` | {_cell(one.meaning)} |" for one in method.parameters]
    return "\n".join([*lines, "", GENERATED, ""])


def pages() -> dict[str, str]:
    """Every file of `docs/methods/`, by name."""
    found = methods()
    return {"README.md": index_page(found), **{f"{method.name}.md": page(method) for method in found}}


def _cell(text: str) -> str:
    """A cell of a Markdown table: a bar would end it."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
