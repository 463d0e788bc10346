"""`tinykd init`: a recipe to start from."""

from __future__ import annotations

from pathlib import Path

import click

from tinykd.errors import UsageError


@click.command(
    epilog="\b\nExamples:\n  tinykd init                        # recipe.toml with every default and what it means\n"
    "  tinykd init --from mnist my.toml   # a copy of a shipped recipe\n"
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default=Path("recipe.toml"))
@click.option("--from", "start", metavar="RECIPE", help="Start from this recipe: a shipped name or a .toml file.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def command(file: Path, start: str | None, force: bool) -> None:
    """Write a commented recipe to FILE (default recipe.toml)."""
    from tinykd.recipe.toml import find_recipe, load_recipe, template
    from tinykd.run import write_atomically

    if start is None:
        text = template()
    else:
        load_recipe(start)  # a recipe that does not load is no start
        text = find_recipe(start).read_text(encoding="utf-8-sig")
    if file.exists() and not force:
        raise UsageError(f"{file} is there already", "choose another name or pass --force")
    write_atomically(file, text.encode())
    click.echo(f"{file} written; edit it, then: tinykd distill {file}")
