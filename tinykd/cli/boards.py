"""`tinykd boards`: what `--board` accepts."""

from __future__ import annotations

import json

import click

EXAMPLES = """\b
Examples:
  tinykd boards
  tinykd boards nucleo-f446re
  tinykd boards nucleo-f446re --toml > myboard.toml    # a start for a board of your own
  tinykd boards ./myboard.toml                         # check it
  tinykd boards --json

A board is what `tinykd export`, `verify` and `profile` take for --board: its memories are the budget, its core chooses the
kernels, and its stand-in, a machine of QEMU with memories cut to its size, proves the integers.
"""


@click.command(epilog=EXAMPLES)
@click.argument("name", required=False)
@click.option("--toml", "as_toml", is_flag=True, help="Print the board's file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, nothing else.")
def command(name: str | None, as_toml: bool, as_json: bool) -> None:
    """List boards and machines, or show one."""
    from tinykd.errors import UsageError
    from tinykd.report.boards import board_text, boards_text, described
    from tinykd.target.board_files import board_names, board_path, load_board

    if as_toml:
        if name is None or as_json:
            raise UsageError("--toml prints the file of one board", "name it: tinykd boards nucleo-f446re --toml")
        load_board(name)
        click.echo(board_path(name).read_text(encoding="utf-8-sig"), nl=False)
        return
    boards = [load_board(one) for one in ([name] if name is not None else board_names())]
    if as_json:
        click.echo(json.dumps(described(boards[0]) if name is not None else [described(board) for board in boards], indent=2))
    else:
        click.echo(board_text(boards[0]) if name is not None else boards_text(boards), nl=False)
