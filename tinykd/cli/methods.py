"""`tinykd methods`: every distillation loss and scheme."""

from __future__ import annotations

import dataclasses
import difflib
import json

import click

from tinykd.errors import UsageError


@click.command(epilog="\b\nExamples:\n  tinykd methods\n  tinykd methods attention\n  tinykd methods --json\n")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, nothing else.")
def command(name: str | None, as_json: bool) -> None:
    """List losses and schemes with paper and cost, or show all of one.

    NAME is that of a loss ([[distill.losses]]) or a scheme ([distill.scheme]) in a recipe.
    """
    from tinykd.recipe.methods import methods
    from tinykd.report.methods import methods_text, page

    every = methods()
    found = [method for method in every if name in (None, method.name)]
    if not found:
        names = [method.name for method in every]
        near = difflib.get_close_matches(name or "", names, 1)
        raise UsageError(
            f"no loss or scheme is called {name}", (f"did you mean {near[0]}? " if near else "") + f"there are {', '.join(names)}"
        )
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(method) for method in found], indent=2))
    else:
        click.echo(page(found[0]) if name else methods_text(found), nl=False)
