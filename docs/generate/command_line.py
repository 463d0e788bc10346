"""`docs/reference/command_line.md`: every command with its arguments, options and examples, from the click commands themselves."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator

import click

from docs.generate.markdown import code, note, table, text
from tinykd.cli.main import EXIT_CODES
from tinykd.cli.main import tinykd as root

PARAGRAPH_AS_IT_IS = "\b"
"""click's mark of a paragraph that must not be wrapped: here, a code block."""


def page() -> str:
    """The whole page."""
    lines = ["# Command line", "", note("the commands (`tinykd/cli/`)"), "`tinykd COMMAND --help` says the same in a terminal.", ""]
    lines += [
        "Every command ends with one of these codes, and says on the error stream what to do about an error (with `--json`, as",
        "JSON).",
        "",
    ]
    lines += code(EXIT_CODES.replace(PARAGRAPH_AS_IT_IS, "").strip().splitlines())
    for path, command in commands(root, ("tinykd",)):
        lines += ["", *_section(path, command)]
    return text(lines)


def commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below `group` with the words that call it, groups before what is in them."""
    context = click.Context(group, info_name=" ".join(path))
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def _section(path: tuple[str, ...], command: click.Command) -> list[str]:
    context = click.Context(command, info_name=" ".join(path), help_option_names=["-h", "--help"])
    usage = " ".join([*path, *command.collect_usage_pieces(context)])
    lines = ["#" * len(path) + " " + " ".join(path), "", f"`{usage}`", "", *_paragraphs(inspect.cleandoc(command.help or ""))]
    options = [one for one in command.params if isinstance(one, click.Option)]
    records = [record for option in options if (record := option.get_help_record(context)) is not None]
    if records:
        lines += [*table(("option", "meaning"), [(f"`{names}`", meaning) for names, meaning in records]), ""]
    return [*lines, *_paragraphs(textwrap.dedent(command.epilog or ""))]


def _paragraphs(prose: str) -> list[str]:
    """Help as Markdown: paragraphs stay, those marked `\\b` become a line of text and a code block."""
    lines: list[str] = []
    for paragraph in prose.strip().split("\n\n"):
        inner = paragraph.strip("\n").splitlines()
        if inner and inner[0].strip() == PARAGRAPH_AS_IT_IS:
            title, *rest = inner[1:]
            lines += [title, "", *code(textwrap.dedent("\n".join(rest)).splitlines()), ""]
        elif inner:
            lines += [*(line.strip() for line in inner), ""]
    return lines
