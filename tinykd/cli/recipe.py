"""`tinykd recipe`: what a recipe says, with every default resolved."""

from __future__ import annotations

import click


@click.group(name="recipe")
def command() -> None:
    """Look at recipes."""


@command.command(
    epilog="\b\nExamples:\n  tinykd recipe show                             # the recipe digits\n"
    "  tinykd recipe show my.toml --set student.knobs.width=16\n"
    "  tinykd recipe show mnist --json\n"
)
@click.argument("recipe", default="digits")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one value, in TOML syntax; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of TOML.")
def show(recipe: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Print every resolved value.

    RECIPE is a shipped name, a .toml file, or a folder that holds a recipe.toml.
    """
    from tinykd.recipe import toml

    loaded = toml.load_recipe(recipe, overrides)
    click.echo(loaded.model_dump_json(indent=2) if as_json else toml.show(loaded), nl=as_json)


@command.command(name="list", epilog="\b\nExamples:\n  tinykd recipe list\n  tinykd recipe list --json\n")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, nothing else.")
def list_shipped(as_json: bool) -> None:
    """List the shipped recipes and what each is about."""
    import json

    from tinykd.recipe.toml import about, shipped_recipes

    found = {name: about(name) for name in shipped_recipes()}
    if as_json:
        click.echo(json.dumps([{"name": name, "about": line} for name, line in found.items()], indent=2))
        return
    width = max(map(len, found))
    for name, line in found.items():
        click.echo(f"{name:<{width}}  {line}")
