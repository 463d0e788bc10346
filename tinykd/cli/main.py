"""`tinykd`: the commands by name, each imported when it is called, and errors as exit codes."""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

import click

from tinykd import __version__
from tinykd.errors import TinykdError

COMMANDS: dict[str, str] = {
    "init": "Write a commented recipe to start from.",
    "recipe": "Show a recipe with every default resolved.",
    "methods": "List distillation losses and schemes.",
    "distill": "Train teacher and student, quantize, and measure the integers.",
    "study": "Run a grid of networks, treatments and seeds, and compare.",
    "export": "Compile a run or a .tflite to C, and check its memory.",
    "verify": "Run the firmware in an emulator and compare every integer.",
    "profile": "Show what every layer costs in instructions.",
    "flash": "Put the checked image onto a board and read it back.",
    "manifest": "Chain of hashes from teacher to image: make, sign, check.",
    "report": "Print what a run's report says.",
    "inspect": "Show what each operator of a model becomes and costs.",
    "diff": "Compare two models or two reports.",
    "conformance": "Prove every .tflite of a folder.",
    "check": "Hold models against a budget: a gate for repositories.",
    "boards": "List boards, or show one.",
    "doctor": "Find toolchains, emulators and optional packages.",
    "completion": "Print the script that completes tinykd in a shell.",
}
"""Every command with its short help: listing them imports none of them."""

EXIT_CODES = """\b
Exit codes:
  0  done             4  integers or hashes differ
  2  usage, recipe    5  unsupported model
  3  over budget      6  data
                      7  a tool is missing or failed
130  interrupted; the same command resumes
"""


WAY = """\
tinykd makes int8 firmware of a Keras teacher and proves its integers. The way there:
  tinykd doctor                                  what is installed, and the command for what is missing
  tinykd distill digits                          teacher, student, int8 model: on bundled data, some minutes
  tinykd export runs/digits --target cortex-m    C source and its memory; or a .tflite of your own
  tinykd verify runs/digits                      the firmware in an emulator, every integer compared
All commands: tinykd --help. Each has --help with examples.
"""
"""What `tinykd` alone says."""


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"tinykd.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            raise click.UsageError(error.message + (f" Did you mean '{near[0]}'?" if near else ""), ctx) from error


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="\b\nExamples:\n  tinykd distill digits\n  tinykd export runs/digits --target cortex-m\n  tinykd verify runs/digits\n\n"
    + EXIT_CODES,
)
@click.version_option(__version__, prog_name="tinykd")
@click.pass_context
def tinykd(context: click.Context) -> None:
    """From a Keras teacher to int8 firmware that provably computes the same integers as Python."""
    if context.invoked_subcommand is None:
        click.echo(WAY, nl=False)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a `TinykdError` becomes its message and exit code, never a traceback."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        outcome: Any = tinykd.main(given, prog_name="tinykd", standalone_mode=False, color=_color())
    except TinykdError as error:
        _show(error, as_json="--json" in given)
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        click.echo("interrupted; run the same command again to go on", err=True)
        sys.exit(130)
    except KeyboardInterrupt:
        click.echo("interrupted; run the same command again to go on", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe went away: nothing to say, nobody to say it to
        sys.exit(1)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _color() -> bool | None:
    """False where the user wants no colours (https://no-color.org); else only terminals get them."""
    return False if os.environ.get("NO_COLOR") else None


def _show(error: TinykdError, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"error": error.message, "hint": error.hint, "exit_code": error.exit_code}))
        return
    click.echo(click.style("error: ", fg="red", bold=True) + error.message, err=True, color=_color())
    if error.hint:
        click.echo(click.style("  hint: ", fg="yellow") + error.hint, err=True, color=_color())
