"""`tinykd completion`: commands, options and their choices at the Tab key."""

from __future__ import annotations

import click

EXAMPLES = """\b
Examples:
  eval "$(tinykd completion bash)"                                  # in ~/.bashrc
  eval "$(tinykd completion zsh)"                                   # in ~/.zshrc
  tinykd completion fish > ~/.config/fish/completions/tinykd.fish
"""

VARIABLE = "_TINYKD_COMPLETE"
"""What the script sets when it asks `tinykd` for what may come next."""


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that teaches a shell to complete tinykd."""
    from click.shell_completion import get_completion_class

    from tinykd.cli.main import tinykd

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(tinykd, {}, "tinykd", VARIABLE)
    click.echo(script.source_template % script.source_vars())
