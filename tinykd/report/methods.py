"""Losses and schemes for people: a list, and a page each."""

from __future__ import annotations

from collections.abc import Sequence

from tinykd.recipe.methods import Method

TITLES = {
    "response": "Response losses: logits against logits",
    "feature": "Feature losses: layers against layers",
    "relation": "Relation losses: how layers or samples lie to each other",
    "scheme": "Schemes: who is trained, against what",
}


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


def page(method: Method) -> str:
    """One method: what it is, formula, paper, cost, keys, and how a recipe says it."""
    header = "[distill.scheme]" if method.family == "scheme" else "[[distill.losses]]"
    lines = [f"# {method.name}", "", method.summary, ""]
    lines += [method.details, ""] if method.details else []
    lines += ["    " + method.formula, "", f"Paper: {method.paper}.", "", f"Cost: {method.cost}.", ""]
    lines += ["## In a recipe", "", "```toml", header, f'name = "{method.name}"']
    lines += [f"{one.name} = {one.default}" for one in method.parameters if one.default is not None]
    lines += ["```", "", "Every key may be left out; these are the defaults.", "", "| key | meaning |", "|---|---|"]
    lines += ["| `{}` | {} |".format(one.name, one.meaning.replace("|", "\\|")) for one in method.parameters]
    return "\n".join([*lines, ""])
