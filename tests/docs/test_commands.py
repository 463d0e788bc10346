"""Every command in the documentation is one that the program takes; those that take seconds and no hardware are run."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path

import click
import pytest

from tests.docs.blocks import ROOT, Command, commands, every_command, name_of, pages
from tests.docs.readers import SUBSTITUTES, tried, uncommented
from tests.docs.workspace import Workspace, finished_run
from tinykd.cli.main import tinykd as root
from tinykd.recipe.losses import SECTIONS
from tinykd.target.board_files import load_board

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EVERY = every_command()
OURS = [command for command in EVERY if command.text.startswith("tinykd")]

BOARD_PAGES = {f"docs/boards/{name}.md" for name in ("nucleo-f446re", "netduino-plus-2", "esp32-c3-devkitm-1")}
"""Pages of boards differ in the board's name and what it has: one with a port, one with banks, one for a framework are run."""


def words(line: str) -> list[str]:
    """The words of the command itself: neither comment nor redirection."""
    split = shlex.split(uncommented(line))
    return split[: next((at for at, word in enumerate(split) if word in (">", ">>", "|")), len(split))]


def parsed(line: str) -> click.Context:
    """The command line as click takes it, down to the last group; nothing is run."""
    given = words(line)[1:]
    command: click.Command = root
    context = click.Context(root, info_name="tinykd")
    while isinstance(command, click.Group) and given:
        name, inner, given = command.resolve_command(context, given)
        assert inner is not None
        command, context = inner, click.Context(inner, info_name=name, parent=context)
    return command.make_context(command.name, list(given), resilient_parsing=False, parent=context.parent)


def test_there_are_commands_on_every_kind_of_page() -> None:
    assert len(OURS) > 200
    found = {command.page for command in OURS}
    assert {"README.md", "docs/tutorial.md", "docs/troubleshooting.md", "docs/reference/command_line.md", "models/mnist/README.md"} <= found
    assert {name_of(page) for page in (ROOT / "docs/boards").glob("*.md")} - found == {"docs/boards/README.md"}


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_tinykd_line_parses(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click.Path, "convert", lambda *given: given[1])  # whether files exist is no matter of syntax
    for command in commands(page):
        if not command.text.startswith("tinykd"):
            continue
        line = tried(command.text) if "FORMAT" in command.text else command.text
        assert line is not None
        try:
            context = parsed(line)
        except click.ClickException as error:
            pytest.fail(f"{command.page}:{command.line}: {command.text}: {error.format_message()}")
        target = context.params.get("target")
        if "--board" in command.text and isinstance(target, str) and not target.endswith(".toml"):
            load_board(target)


@pytest.mark.parametrize(
    "line", ["tinykd exprot model.tflite", "tinykd export --target", "tinykd verify --layer 3", "tinykd export --optimize fast"]
)
def test_a_wrong_line_does_not_parse(line: str) -> None:
    with pytest.raises(click.ClickException):
        parsed(line)


def test_every_substitute_is_needed() -> None:
    for substitute in SUBSTITUTES:
        assert any(re.search(substitute.found, uncommented(command.text)) for command in OURS), substitute.found


@pytest.mark.parametrize("command", [one for one in EVERY if one.text.startswith("make")], ids=lambda one: f"{one.page}:{one.line}")
def test_make_targets_exist(command: Command) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for word in uncommented(command.text).split()[1:]:
        assert "=" in word or word in targets, word


@pytest.mark.parametrize("command", [one for one in EVERY if one.text.startswith("pip")], ids=lambda one: f"{one.page}:{one.line}")
def test_extras_exist(command: Command) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = re.search(r"tinykd\[(.*?)\]", command.text)
    assert asked
    assert set(asked[1].split(",")) <= set(extras)


@pytest.mark.parametrize("command", [one for one in EVERY if one.text.startswith("python")], ids=lambda one: f"{one.page}:{one.line}")
def test_benchmarks_have_these_options(command: Command) -> None:
    _, script, *rest = shlex.split(uncommented(command.text))
    source = (ROOT / script).read_text()
    for option in (word for word in rest if word.startswith("--")):
        assert f'"{option}"' in source, option


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("documented"))


def first_seen() -> dict[str, list[Command]]:
    """Commands to run by page: each line once, where it stands first."""
    seen: set[str] = set()
    by_page: dict[str, list[Command]] = {}
    for command in OURS:
        if command.page.startswith("docs/boards/") and command.page not in BOARD_PAGES:
            continue
        line = tried(command.text)
        # An example with a key needs the lines before it, which made the key: it is run with its page.
        if line is not None and (line not in seen or "key" in line):
            seen.add(line)
            by_page.setdefault(command.page, []).append(command)
    return by_page


FIRST = first_seen()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="documented commands are typed into bash")
@pytest.mark.parametrize("page", FIRST)
def test_commands_of_a_page_run(page: str, template: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, template)
    failed = []
    for command in FIRST[page]:
        line = tried(command.text)
        assert line is not None
        workspace.provide(line)
        outcome = workspace.shell(line)
        if outcome.returncode != 0:
            failed.append(f"{page}:{command.line}: {line}: exit {outcome.returncode}\n{outcome.stdout[-500:]}{outcome.stderr[-1500:]}")
    assert not failed, "\n\n".join(failed)


def test_methods_on_the_pages_exist() -> None:
    named = {words(command.text)[2] for command in OURS if re.match(r"tinykd methods [a-z]", command.text)}
    assert named
    assert named <= set(SECTIONS)
