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


@command.command(name="list", epilog="\b\nExample:\n  tinykd recipe list\n")
def list_shipped() -> None:
    """List the shipped recipes."""
    from tinykd.recipe.toml import shipped_recipes

    for name in shipped_recipes():
        click.echo(name)
