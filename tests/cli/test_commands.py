"""Rules for every command, and what the shell sees: help with examples, no colours on pipes, one JSON document, completion."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.compile.models import conv_then_dense_bytes
from tests.deploy.commands import tinykd
from tinykd.cli.main import COMMANDS
from tinykd.cli.main import tinykd as root
from tinykd.errors import TinykdError

RUN = [sys.executable, "-c", "from tinykd.cli.main import main; main()"]


def walk(command: click.Command, path: tuple[str, ...]) -> list[tuple[str, click.Command]]:
    found = [(" ".join(path), command)] if path else []
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found += walk(inner, (*path, name))
    return found


EVERY = walk(root, ())


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[path for path, _ in EVERY])
def test_help_says_what_it_does_with_examples(path: str, command: click.Command) -> None:
    text = command.get_help(click.Context(command, info_name=f"tinykd {path}"))
    assert command.help, "a command says what it does"
    if isinstance(command, click.Group):
        return
    assert f"tinykd {path}" in text.partition("Example")[2], "an example uses the command"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{parameter.opts[0]} says what it does"


def test_every_module_of_a_command_is_listed() -> None:
    import tinykd.cli

    folder = Path(tinykd.cli.__file__ or "").parent
    with_command = {path.stem for path in folder.glob("*.py") if "\ndef command(" in path.read_text()}
    assert with_command == set(COMMANDS)


def test_tinykd_alone_shows_the_way() -> None:
    outcome = tinykd()
    assert outcome.returncode == 0
    lines = outcome.stdout.splitlines()
    assert len(lines) == 6
    for line in lines[1:5]:
        assert line.split()[1] in COMMANDS


def test_help_documents_every_exit_code() -> None:
    shown = tinykd("--help").stdout
    codes = {kind.exit_code for kind in TinykdError.__subclasses__()} | {0, 130}
    table = shown.partition("Exit codes:")[2]
    assert all(str(code) in table.split() for code in codes)


@pytest.mark.parametrize("arguments", [["--help"], ["doctor"], ["boards"], ["methods"], ["export", "missing.tflite"]])
def test_no_escape_codes_on_a_pipe(arguments: list[str]) -> None:
    outcome = tinykd(*arguments)
    assert "\x1b" not in outcome.stdout + outcome.stderr


@pytest.mark.skipif(shutil.which("script") is None, reason="no `script` to make a terminal with; pipes are tested above")
def test_no_colour_on_a_terminal_that_asks_for_none() -> None:
    line = " ".join(f"'{word}'" for word in [*RUN, "export", "missing.tflite"])
    plain = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color"}
    shown = subprocess.run(["script", "-qec", line, "/dev/null"], capture_output=True, text=True, env=plain, check=False).stdout
    assert "error" in shown
    assert "\x1b[" not in shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_valid(shell: str) -> None:
    script = tinykd("completion", shell).stdout
    assert "_TINYKD_COMPLETE" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def completed(words: str) -> set[str]:
    env = {**os.environ, "_TINYKD_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    shown = subprocess.run(RUN, capture_output=True, text=True, env=env, check=False).stdout
    return {line.partition(",")[2] for line in shown.splitlines()}


def test_completion_knows_commands_options_and_choices() -> None:
    assert completed("tinykd ma") == {"manifest"}
    assert completed("tinykd manifest ") == {"create", "verify", "keys", "sign"}
    assert completed("tinykd check --optimize s") == {"size", "speed"}


def test_over_budget_with_json_is_one_document_and_exit_3(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(conv_then_dense_bytes())
    for command in (["check"], ["export", "--out", str(tmp_path / "out")]):
        outcome = tinykd(*command, tmp_path / "m.tflite", "--flash", "1KiB", "--target", "m4", "--json")
        assert outcome.returncode == 3, outcome.stderr
        json.loads(outcome.stdout)
        assert json.loads(outcome.stderr)["exit_code"] == 3
